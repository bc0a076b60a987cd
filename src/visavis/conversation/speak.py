"""Lines → speech: one continuous clock at the session's rate, whatever the voice's own."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import soxr

from visavis.engines.protocols import SpeechSynthesizer
from visavis.errors import EngineFailed
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.speech import Line, Speech, rescaled
from visavis.streams.flow import Stream, flow


@flow
async def speak(lines: Stream[Line], tts: SpeechSynthesizer, voice: str | None) -> Stream[Speech]:
    """The lines spoken at 48 kHz, one after the other without a gap. A line that makes no sound is left out."""
    clock = 0
    async for line in lines:
        async with aclosing(_spoken(line, tts, voice)) as pieces:
            async for speech in pieces:
                if len(speech.audio) or speech.final:
                    yield replace(speech, audio=replace(speech.audio, start=clock))
                    clock += len(speech.audio)
    if clock == 0:
        raise EngineFailed("tts", tts.info.name, "the voice made no sound for this text")


async def _spoken(line: Line, tts: SpeechSynthesizer, voice: str | None) -> AsyncGenerator[Speech, None]:
    """One line at the session's rate. The resampler keeps its state from piece to piece of the line."""
    resampler: soxr.ResampleStream | None = None
    taken = made = 0
    async with aclosing(tts.synthesize(line, voice)) as pieces:
        async for piece in pieces:
            rate = piece.audio.rate
            factor = SESSION_RATE / rate
            if resampler is None:
                resampler = soxr.ResampleStream(rate, SESSION_RATE, 1, dtype="float32")
            samples = np.asarray(resampler.resample_chunk(piece.audio.samples, last=piece.final), np.float32)
            # a piece's sound leaves the resampler a little late: its times are counted from what has left before
            shift = round(taken * factor) - made
            taken += len(piece.audio)
            made += len(samples)
            yield replace(
                piece,
                line=line,
                audio=Audio(np.clip(samples, -1.0, 1.0), SESSION_RATE),
                words=rescaled(piece.words, factor, shift),
                phones=None if piece.phones is None else rescaled(piece.phones, factor, shift),
            )
