"""Lips from the sound alone with nothing but NumPy: works wherever Visavis does, less exact than a phone recogniser."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from visavis.engines.articulation.life import Life
from visavis.engines.articulation.stream import Face, from_phones, row_times, with_life
from visavis.engines.protocols import Availability, Carry, EngineInfo
from visavis.media.clip import Window
from visavis.media.motion import Motion
from visavis.settings import Settings


class Acoustic:
    """Speech to face motion: from phones where they are known, else from the sound's energy."""

    info: ClassVar[EngineInfo] = EngineInfo(
        "acoustic",
        "articulation",
        "known phones, or lips from the sound's spectrum",
        "Apache-2.0",
        rank=5,
    )

    def __init__(self, settings: Settings, seed: int = 0) -> None:
        self._life = Life(seed)

    @classmethod
    def availability(cls) -> Availability:
        """Always: it needs NumPy only."""
        return Availability(True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def articulate(self, window: Window, carry: Carry | None) -> tuple[Motion, Carry]:
        """The motion for exactly `window.audio`'s time."""
        face: Any = carry.value if carry else Face()
        if window.phones is not None:
            motion, face = from_phones(window, face, self._life)
        else:
            rows = np.zeros((len(row_times(window.audio)), 7), np.float32)
            motion, face = with_life(window.audio, rows, face, self._life)
        return motion, Carry("", face)
