"""A picture as a value, on the clock of the sound it goes with."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture."""

    pixels: NDArray[np.uint8]
    """(height, width, 3 or 4) RGB or RGBA"""
    start: int
    """When it appears, in samples of the sound it goes with (the media clock)."""


def frame_times(start: int, end: int, rate: int, fps: Fraction | int) -> list[int]:
    """The media times, in samples at `rate`, of the frames that begin in [start, end); frame k begins at k·rate/fps."""
    step = Fraction(rate) / Fraction(fps)
    first = -((-start) // step)
    last = -((-end) // step)
    return [round(k * step) for k in range(int(first), int(last))]
