"""PocketSphinx: English speech to text while it is spoken, with word times, from a wheel that brings its own model.

A decoder is a big thing (90 MB, half a second to make), so few are live and they are used again. The carry of an
utterance holds its sound: whoever finds no live decoder replays it and comes to the same words.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from visavis.engines.asr.words import clean
from visavis.engines.live import LiveStates
from visavis.engines.protocols import Availability, Carry, EngineInfo, Recognition, Transcript
from visavis.errors import BadInput, EngineFailed
from visavis.media.audio import Audio
from visavis.media.speech import Word
from visavis.settings import Settings
from visavis.streams.worker import Worker

RATE = 16_000
"""Hertz."""
_FRAME = RATE // 100
"""Samples in one of the decoder's frames."""
_LIVE = 2
"""Utterances whose decoders are kept between calls; with the one at work there are at most three."""
_PASSAGE, _LONGEST_PASSAGE = 8 * RATE, 15 * RATE
"""Samples after which a long utterance is settled so far: at the next silence, and at the latest."""
_CONFIG: dict[str, Any] = {
    "loglevel": "FATAL",
    "fwdflat": False,  # a second pass over everything, after the last word: too late for a conversation
    "bestpath": True,
    "maxhmmpf": 3000,  # a tenth of the default: half the work, as good as the same words
}


@dataclass(frozen=True, slots=True)
class _Heard:
    """An utterance so far: what is settled of it, and the sound after that, chunk by chunk (16-bit samples)."""

    settled: tuple[Word, ...] = ()
    offset: int = 0
    """Samples of the utterance before `chunks`."""
    mean: str = ""
    """The cepstral mean the decoder had adapted to before `chunks`; '' is where it begins."""
    chunks: tuple[bytes, ...] = ()

    @property
    def samples(self) -> int:
        """In `chunks`."""
        return sum(map(len, self.chunks)) // 2


class PocketSphinx:
    """Recognises English with PocketSphinx's own acoustic and language model."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="pocketsphinx",
        slot="asr",
        summary="small offline recogniser of English: good for clear, short questions",
        licence="BSD-2-Clause AND MIT",
        languages=("en",),
        rank=10,
    )

    def __init__(self, settings: Settings) -> None:
        self._worker: Worker | None = None
        self._free: list[_Decoder] = []
        self._live: LiveStates[_Decoder] = LiveStates(_LIVE, drop=self._free.append)
        self._turn = asyncio.Lock()

    @classmethod
    def availability(cls) -> Availability:
        """Ready where the wheel is installed."""
        if importlib.util.find_spec("pocketsphinx") is not None:
            return Availability(True)
        if sys.version_info[:2] == (3, 12):
            remedy = "type your questions, or use Python 3.11 or 3.13"
            return Availability(False, "PocketSphinx has no wheel for Python 3.12", remedy)
        return Availability(False, "pocketsphinx is not installed", "pip install pocketsphinx")

    async def __aenter__(self) -> Self:
        self._worker = Worker("pocketsphinx")
        self._free.append(await self._worker.run(_Decoder))
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._worker is not None:
            await asyncio.to_thread(self._worker.close)
            self._worker = None
        self._live.clear()
        self._free.clear()

    async def recognize(
        self, chunk: Audio, carry: Carry | None, options: Recognition, final: bool
    ) -> tuple[Transcript, Carry]:
        """The words so far. A long utterance is settled passage by passage; its words stay in the transcript."""
        if options.language.split("-")[0].lower() != "en":
            raise BadInput(f"PocketSphinx understands English only, not '{options.language}': type your question")
        if chunk.rate != RATE:
            raise ValueError(f"{chunk.rate} Hz: recognize takes {RATE}")
        if self._worker is None:
            raise EngineFailed("asr", "pocketsphinx", "used before it was entered")
        # one call at a time: they would wait for the same thread anyway, and so the decoders can be counted
        async with self._turn:
            return await self._recognize(self._worker, chunk, carry, final)

    async def _recognize(
        self, worker: Worker, chunk: Audio, carry: Carry | None, final: bool
    ) -> tuple[Transcript, Carry]:
        heard: _Heard = carry.value if carry else _Heard()
        decoder = self._live.take(carry.id) if carry else None
        new = decoder is None
        if decoder is None:
            decoder = self._free.pop() if self._free else await worker.run(_Decoder)
        try:
            if new:
                await worker.run(decoder.begin, heard.mean)
                for piece in heard.chunks:
                    await worker.run(decoder.feed, piece)
            raw = chunk.to_int16().tobytes()
            words, silent = await worker.run(decoder.feed, raw)
            heard = replace(heard, chunks=(*heard.chunks, raw))
            full = heard.samples >= _LONGEST_PASSAGE or (silent and heard.samples >= _PASSAGE)
            if final or full:
                words = await worker.run(decoder.end)
            everything = heard.settled + _shifted(words, heard.offset)
            if full and not final:
                heard = _Heard(everything, heard.offset + heard.samples, decoder.mean())
                await worker.run(decoder.begin, heard.mean)
        except BaseException:
            # a cancelled step may still run: who takes the decoder next waits behind it on the same thread
            self._free.append(decoder)
            raise
        transcript = Transcript(" ".join(word.text for word in everything), everything, final)
        if final:
            self._free.append(decoder)
            return transcript, Carry("", _Heard())
        return transcript, Carry(self._live.put(decoder), heard)


def _shifted(words: tuple[Word, ...], offset: int) -> tuple[Word, ...]:
    return tuple(Word(word.text, word.start + offset, word.end + offset) for word in words)


class _Decoder:
    """PocketSphinx's decoder, made to give the same words for the same sound whatever it heard before. Blocking."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(**_CONFIG)
        self._mean = self._decoder.get_cmn(False)
        self._open = False

    def begin(self, mean: str) -> None:
        """Start an utterance with this cepstral mean, or the first one; an open utterance is forgotten."""
        if self._open:
            self._decoder.end_utt()
        self._decoder.set_cmn(mean or self._mean)  # left alone, it would be that of whoever spoke before
        self._decoder.start_utt()
        self._open = True

    def mean(self) -> str:
        """The cepstral mean now."""
        return str(self._decoder.get_cmn(False))

    def feed(self, raw: bytes) -> tuple[tuple[Word, ...], bool]:
        """The words so far with these 16-bit samples, and whether the last thing heard is silence."""
        if raw:
            self._decoder.process_raw(raw, False, False)
        return self._words()

    def end(self) -> tuple[Word, ...]:
        """The words of the whole utterance, after a search for the best path through all that was considered."""
        self._decoder.end_utt()
        self._open = False
        return self._words()[0]

    def _words(self) -> tuple[tuple[Word, ...], bool]:
        if self._decoder.hyp() is None:
            return (), True
        segments = list(self._decoder.seg())
        words = tuple(
            Word(text, segment.start_frame * _FRAME, (segment.end_frame + 1) * _FRAME)
            for segment in segments
            if (text := clean(segment.word))
        )
        return words, bool(segments) and not clean(segments[-1].word)
