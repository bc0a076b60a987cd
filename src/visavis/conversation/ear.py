"""What is understood while somebody speaks: utterances go in frame by frame, transcripts come out as they change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from visavis.conversation.listen import CHUNK, RATE
from visavis.engines.protocols import Carry, Recognition, SpeechRecognizer, Transcript
from visavis.media.audio import Audio

_WAITING = 1250
"""Frames (40 s) that may wait for a slow recogniser: more than the longest utterance has."""


class Ear:
    """Recognises one utterance after the other, beside the task that judges the frames."""

    def __init__(self, asr: SpeechRecognizer, language: str, told: Callable[[Transcript], None]) -> None:
        self._asr, self._options, self._told = asr, Recognition(language), told
        self._queue: asyncio.Queue[tuple[int, Audio | None]] = asyncio.Queue(_WAITING)
        self._utterance = 0
        self._open = False

    def begin(self, sound: list[Audio]) -> None:
        """An utterance begins with these frames."""
        self._utterance += 1
        self._open = True
        for frame in sound:
            self.add(frame)

    def add(self, frame: Audio) -> None:
        """One more frame of the open utterance. Beyond what may wait, sound is lost."""
        if self._open and not self._queue.full():
            self._queue.put_nowait((self._utterance, frame))

    def end(self) -> None:
        """The utterance is over: its final transcript will be told, even if it is empty."""
        if self._open:
            self._open = False
            if self._queue.full():
                self._queue.get_nowait()
            self._queue.put_nowait((self._utterance, None))

    def drop(self) -> None:
        """The utterance was nothing: nothing more will be told of it."""
        self._open = False
        self._utterance += 1

    async def run(self) -> None:
        """Recognise, until cancelled. Raises what the recogniser raises; it can be run again."""
        carry: Carry | None = None
        current, chunk = 0, list[Audio]()
        while True:
            utterance, frame = await self._queue.get()
            if utterance != current:
                current, carry, chunk = utterance, None, []
            if utterance != self._utterance:
                continue  # dropped
            if frame is not None:
                chunk.append(frame)
                if len(chunk) < CHUNK:
                    continue
            sound = Audio.join(chunk) if chunk else Audio.silence(0, RATE)
            chunk = []
            transcript, carry = await self._asr.recognize(sound, carry, self._options, frame is None)
            if utterance == self._utterance:
                self._told(transcript)
