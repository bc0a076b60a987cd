"""Whether a pause is an end, by how it sounds: a turn detector is asked once in each, beside all else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from visavis.conversation.listen import FRAME, RATE
from visavis.engines.protocols import TurnDetector
from visavis.media.audio import Audio

_KEPT = 8 * RATE // FRAME
"""Frames of an utterance that a detector looks at."""
_LIKELY = 0.5
"""Probability from which a turn is complete."""


class Ending:
    """Keeps the end of the open utterance. `told` gets each verdict, None where there is none; `failed`, what is wrong.

    What a detector says of a pause that is over is told to nobody.
    """

    def __init__(
        self, detector: TurnDetector, told: Callable[[bool | None], None], failed: Callable[[Exception], None]
    ) -> None:
        self._detector, self._told, self._failed = detector, told, failed
        self._sound: deque[Audio] = deque(maxlen=_KEPT)
        self._asking: asyncio.Task[None] | None = None

    def begin(self, sound: list[Audio]) -> None:
        """An utterance begins with these frames."""
        self._forget()
        self._sound.clear()
        self._sound.extend(sound)

    def add(self, frame: Audio) -> None:
        """One more frame of it."""
        self._sound.append(frame)

    def ask(self, group: asyncio.TaskGroup) -> None:
        """Is it complete?"""
        self._forget()
        self._asking = group.create_task(self._ask(Audio.join(list(self._sound))))

    def _forget(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    async def _ask(self, sound: Audio) -> None:
        verdict: bool | None = None
        try:
            verdict = await self._detector.complete(sound) >= _LIKELY
        except Exception as error:  # without its word, grammar decides
            self._failed(error)
        self._told(verdict)
