"""Sound → utterances: speech is found, and written down while it is spoken."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from visavis.conversation.turn import Laws
from visavis.engines.protocols import Carry, Recognition, SpeechRecognizer, Transcript, VoiceActivityDetector
from visavis.media.audio import Audio
from visavis.media.speech import rescaled
from visavis.streams.flow import Stream, flow

RATE = 16_000
"""Hertz. What voice detectors and recognisers expect."""
FRAME = 512
"""Samples a voice detector judges at once: 32 ms."""
CHUNK = 4
"""Frames (128 ms) a recogniser is asked about: often enough for partial words, seldom enough for one core."""
_HANGOVER = 25
"""Frames without speech (0.8 s) that end an utterance: of a recording, nobody waits for its end."""


@flow
async def listen(
    audio: Stream[Audio],
    vad: VoiceActivityDetector,
    asr: SpeechRecognizer,
    options: Recognition,
) -> Stream[Transcript]:
    """Transcripts of the utterances in 16 kHz sound: partial ones while somebody speaks, a `final` one at each end.

    Their words have times since the sound's first sample.
    """
    laws = Laws()
    heard: Carry | None = None
    utterance: Carry | None = None
    speaking = False
    waiting: list[Audio] = []
    past: deque[Audio] = deque(maxlen=laws.preroll + laws.onset)
    voiced = silent = begun = 0

    async for frame in _frames(audio):
        probability, heard = await vad.detect(frame, heard)
        voiced = voiced + 1 if probability >= laws.voice else 0
        if not speaking:
            past.append(frame)
            if voiced < laws.onset:
                continue
            speaking, silent, waiting, begun = True, 0, list(past), past[0].start
            past.clear()
        else:
            silent = 0 if voiced else silent + 1
            waiting.append(frame)
        ended = silent >= _HANGOVER
        while len(waiting) >= CHUNK or (ended and waiting):
            chunk, waiting = Audio.join(waiting[:CHUNK]), waiting[CHUNK:]
            last = ended and not waiting
            transcript, utterance = await asr.recognize(chunk, utterance, options, last)
            if transcript.text or last:
                yield _since(begun, transcript)
        if ended:
            speaking, utterance, voiced = False, None, 0
    if speaking:
        chunk = Audio.join(waiting) if waiting else Audio.silence(0, RATE)
        transcript, _ = await asr.recognize(chunk, utterance, options, True)
        yield _since(begun, transcript)


def _since(begun: int, transcript: Transcript) -> Transcript:
    """With the words' times counted from the sound's beginning, where the utterance began `begun` samples after it."""
    return replace(transcript, words=rescaled(transcript.words, 1, begun))


@flow
async def _frames(audio: Stream[Audio]) -> Stream[Audio]:
    """The same sound in frames of 512 samples; the last one is filled up with silence."""
    rest = np.zeros(0, np.float32)
    start = 0
    async for piece in audio:
        rest = np.concatenate([rest, piece.samples])
        whole = len(rest) // FRAME * FRAME
        for begin in range(0, whole, FRAME):
            yield Audio(rest[begin : begin + FRAME], RATE, start + begin)
        start += whole
        rest = rest[whole:]
    if len(rest):
        yield Audio(np.pad(rest, (0, FRAME - len(rest))), RATE, start)
