"""What a session hears: its microphone frame by frame, and whether that is a voice that counts."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np

from visavis.conversation.ear import Ear
from visavis.conversation.ending import Ending
from visavis.conversation.listen import FRAME, RATE
from visavis.conversation.turn import Floor, Move
from visavis.engines.protocols import Carry, VoiceActivityDetector
from visavis.media.audio import Audio

_WAITING = 64
"""Frames (2 s) of the microphone that may wait to be judged; older ones are dropped."""


class Hearing:
    """`run` it in a task. `deaf` says of a frame that a voice in it does not count; `obey` is told what follows."""

    def __init__(
        self,
        vad: VoiceActivityDetector,
        floor: Floor,
        ear: Ear,
        deaf: Callable[[Audio], bool],
        obey: Callable[[list[Move]], None],
        ending: Ending,
    ) -> None:
        self.received = 0
        """Samples at 16 kHz that came from the microphone so far."""
        self.voice_end = 0
        """Where in them the last voice ended."""
        self._vad, self._floor, self._ear, self._deaf, self._obey = vad, floor, ear, deaf, obey
        self._ending = ending
        self._waiting: deque[Audio] = deque(maxlen=_WAITING)
        self._came = asyncio.Event()
        self._rest = np.zeros(0, np.float32)
        self._judged = 0

    @property
    def silence(self) -> float:
        """Seconds since the last voice."""
        return (self._judged - self.voice_end) / RATE

    def hear(self, audio: Audio) -> None:
        """Sound of the microphone, 16 kHz."""
        samples = np.concatenate([self._rest, audio.samples])
        begin = self.received - len(self._rest)
        self.received += len(audio)
        whole = len(samples) // FRAME * FRAME
        for at in range(0, whole, FRAME):
            self._waiting.append(Audio(samples[at : at + FRAME], RATE, begin + at))
        self._rest = samples[whole:]
        if whole:
            self._came.set()

    def clear(self) -> None:
        """Forget what was not judged yet."""
        self._waiting.clear()

    async def run(self) -> None:
        """Judge every frame, until cancelled. Raises what the detector raises; it can be run again."""
        carry: Carry | None = None
        past: deque[Audio] = deque(maxlen=self._floor.laws.preroll + self._floor.laws.onset)
        while True:
            await self._came.wait()
            while self._waiting:
                frame = self._waiting.popleft()
                self._judged = frame.end
                past.append(frame)
                probability, carry = await self._vad.detect(frame, carry)
                deaf = self._deaf(frame)
                voiced = probability >= self._floor.laws.voice and (not deaf or self._floor.pressed)
                if voiced:
                    self.voice_end = frame.end
                self._ear.add(frame)
                self._ending.add(frame)
                moves = self._floor.frame(voiced)
                if Move.OPEN in moves:
                    self._ear.begin(list(past))
                    self._ending.begin(list(past))
                self._obey(moves)
            self._came.clear()
