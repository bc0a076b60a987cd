"""Whether a pause is an end, by how it sounds: a turn detector is asked once in each, beside all else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from visavis.conversation.failures import Failures
from visavis.conversation.listen import FRAME, RATE
from visavis.engines.guests import Guests
from visavis.engines.protocols import TurnDetector
from visavis.engines.registry import speaks
from visavis.media.audio import Audio

_KEPT = 8 * RATE // FRAME
"""Frames of an utterance that a detector looks at."""
_LIKELY = 0.5
"""Probability from which a turn is complete."""


class Ending:
    """Keeps the end of the open utterance, and `asks` a detector where there is one that knows the language."""

    def __init__(self, detector: TurnDetector | None, language: str, failures: Failures, guests: Guests) -> None:
        self._language, self._failures, self._guests = language, failures, guests
        self._sound: deque[Audio] = deque(maxlen=_KEPT)
        self._asking: asyncio.Task[None] | None = None
        self.adopt(detector)

    def adopt(self, detector: TurnDetector | None) -> None:
        """Ask this one from the next pause on."""
        self._detector = detector if detector is not None and speaks(detector.info, self._language) else None

    @property
    def asks(self) -> bool:
        """Whether there is anybody to ask."""
        return self._detector is not None

    def begin(self, sound: list[Audio]) -> None:
        """An utterance begins with these frames."""
        self._forget()
        self._sound.clear()
        self._sound.extend(sound)

    def add(self, frame: Audio) -> None:
        """One more frame of it."""
        self._sound.append(frame)

    def ask(self, told: Callable[[bool | None], None], group: asyncio.TaskGroup) -> None:
        """Whether it is complete: `told` gets the verdict, None where there is none, unless this is asked again."""
        self._forget()
        self._asking = group.create_task(self._ask(Audio.join(list(self._sound)), told))

    def _forget(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    async def _ask(self, sound: Audio, told: Callable[[bool | None], None]) -> None:
        verdict: bool | None = None
        with self._guests.inside():
            try:
                if self._detector is not None:
                    verdict = await self._detector.complete(sound) >= _LIKELY
            except Exception as error:  # without its word, those that were said decide
                self._failures.add(error, "turn")
        told(verdict)
