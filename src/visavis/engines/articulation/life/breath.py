"""Breath: about 15 a minute, in faster than out, no two alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from visavis.engines.articulation.coarticulation import Array
from visavis.engines.articulation.life.chance import between, chance

_STREAM = 5


@dataclass(frozen=True, slots=True)
class Breath:
    """The breath that is being drawn."""

    count: int = 0
    begin: float | None = None
    """Seconds on the media clock."""

    def move(self, times: Array, seed: int) -> tuple[Array, Breath]:
        """(t,) how full the chest is, 0 … 1, and the breath after it."""
        breath, full = self, np.zeros(len(times))
        for i, time in enumerate(times.tolist()):
            if breath.begin is None:
                breath = Breath(0, time - 3.0 * chance(seed, _STREAM, -1)[0])
            begin = breath.begin if breath.begin is not None else time
            lasts, deep = breath._kind(seed)
            while time - begin >= lasts:
                begin += lasts
                breath = Breath(breath.count + 1, begin)
                lasts, deep = breath._kind(seed)
            part = (time - begin) / lasts
            phase = 2 * math.pi * part
            full[i] = deep * (0.5 - 0.5 * math.cos(phase + 0.45 * math.sin(phase)))
        return full, breath

    def _kind(self, seed: int) -> tuple[float, float]:
        """Seconds it lasts, and how deep it is."""
        lasts, deep, _, _ = chance(seed, _STREAM, self.count)
        return between(3.1, 5.3, lasts), between(0.82, 1.0, deep)
