"""A mouth in time: it follows what the phones ask for and never jumps where what is known of them changes.

Phones change their minds at a seam: a new sentence begins, or a recogniser corrects itself. The difference at the
seam is kept as an offset that fades; closures stay shut through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.coarticulation import Array, Sound, Timeline, smoothstep
from visavis.media.face import CLOSED_GAP

ROWS = 50
"""Rows a second, the rate of an articulator's motion."""
FADE = 0.10
"""Seconds in which an offset fades."""


def _rest() -> NDArray[np.float64]:
    return np.zeros(7)


@dataclass(frozen=True, slots=True)
class Mouth:
    """Where the mouth is at the last row, and what remains of an older seam."""

    row: NDArray[np.float64] = field(default_factory=_rest)
    """(7,) controls at the last row; at rest before the first."""
    offset: NDArray[np.float64] = field(default_factory=_rest)
    """(7,) added to what the phones ask for, fading from `since`."""
    since: float = float("-inf")
    """Seconds on the media clock."""

    def follow(self, sounds: Sequence[Sound], times: Array, fade: float = FADE) -> tuple[NDArray[np.float32], Mouth]:
        """(t, 7) controls at `times`, the next evenly spaced rows, and the mouth after them."""
        if not len(times):
            return np.zeros((0, 7), np.float32), self
        last = float(times[0]) - 1 / ROWS
        timeline = Timeline.of(sounds, last, float(times[-1]))
        # the row before is asked for again: where the phones still say the same, nothing is left to fade
        asked = timeline.controls(np.concatenate([[last], times]))
        offset, since = self.offset, self.since
        due = timeline.lawful(asked[:1] + _faded(offset, since, times[:1] - 1 / ROWS, fade), times[:1] - 1 / ROWS)[0]
        if np.abs(self.row - due).max() > 1e-3:
            offset, since = self.row - asked[0], last
        rows = timeline.lawful(asked[1:] + _faded(offset, since, times, fade), times)
        return rows.astype(np.float32), Mouth(rows[-1], offset, since)

    def lead_into(self, rows: NDArray[np.float32], times: Array, *, seam: bool) -> tuple[NDArray[np.float32], Mouth]:
        """(t, 7) `rows` found elsewhere; at a `seam` they are reached smoothly from where the mouth is."""
        if not len(rows):
            return rows, self
        offset, since = (self.row - rows[0], float(times[0]) - 1 / ROWS) if seam else (self.offset, self.since)
        led = rows + _faded(offset, since, times, FADE)
        led[:, 0] = np.where(rows[:, 0] <= CLOSED_GAP, rows[:, 0], np.maximum(led[:, 0], 0.0))
        return led.astype(np.float32), Mouth(led[-1], offset, since)


def _faded(offset: Array, since: float, times: Array, fade: float) -> Array:
    """(t, 7) what is left of an offset at `times`."""
    return np.asarray(offset * (1.0 - smoothstep((times - since) / fade))[:, None])
