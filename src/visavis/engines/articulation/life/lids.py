"""Blinks: fast down, briefly shut, slower up; irregular, now and then double, and often with a large saccade.

About 17 a minute at rest and 20 to 26 in conversation, fewer in thought (Bentivoglio et al. 1997, rounded down: a
viewer counts them).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from visavis.engines.articulation.coarticulation import Array, smoothstep
from visavis.engines.articulation.life.chance import between, chance
from visavis.media.mood import State

LASTS = 0.28
"""Seconds of a blink of the middle kind; from it they differ by up to a sixth."""
_CLOSING, _SHUT, _CLEAR = 0.08, 0.11, 0.5  # seconds
_DOUBLE, _WITH_GAZE = 0.07, 0.30  # chances
_MEDIAN: dict[State, float] = {"idle": 3.2, "listening": 3.4, "thinking": 4.2, "speaking": 3.0}
_BLINK, _PAUSE = 1, 4  # streams of chance


@dataclass(frozen=True, slots=True)
class Lids:
    """The last blinks and the next. A face is seen first with open eyes."""

    count: int = 0
    blinks: tuple[tuple[float, float], ...] = ()
    """When each began, in seconds on the media clock, and how long it lasts: those that may be seen, and the last."""
    next: float | None = None

    def move(
        self, times: Array, seed: int, state: State, saccades: Sequence[float] = (), until: float | None = None
    ) -> tuple[Array, Lids]:
        """(t,) how far the lids are down, 0 … 1, and the lids after it.

        `until`, if it is known, is when the face is seen last, with open eyes: a blink that would last longer does
        not begin, and one that has begun is cut short.
        """
        lids = self
        if not len(times):
            return np.zeros(0), lids
        if lids.next is None:
            lids = replace(lids, next=float(times[0]) + between(0.6, 3.0, chance(seed, _PAUSE, 0)[3]))
        for moment in (*saccades, math.inf):
            while lids.next is not None and lids.next <= min(moment, times[-1]):
                lids = lids._blinked(seed, state, until)
            last = lids.blinks[-1][0] if lids.blinks else -math.inf
            if last + 1.0 < moment <= times[-1] and chance(seed, _PAUSE, round(moment * 1000))[3] < _WITH_GAZE:
                lids = replace(lids, next=moment)._blinked(seed, state, until)
        down = np.zeros(len(times))
        for begin, lasts in lids.blinks:
            down = np.maximum(down, _blink(times - begin, lasts / LASTS))
        if until is not None:
            down *= 1.0 - smoothstep((times - until + 0.12) / 0.08)
            return down, replace(lids, blinks=())
        seen = tuple(each for each in lids.blinks[:-1] if each[0] > times[-1] - _CLEAR) + lids.blinks[-1:]
        return down, replace(lids, blinks=seen)

    def _blinked(self, seed: int, state: State, until: float | None) -> Lids:
        begin, count = self.next or 0.0, self.count + 1
        pace, double, a, b = chance(seed, _BLINK, count)
        lasts = LASTS * between(0.85, 1.17, pace)
        if until is not None and begin + lasts > until:
            return replace(self, next=until + 0.3)
        if double < _DOUBLE:
            after = 0.36
        else:
            # the sum of some chances is nearly normal: intervals between blinks are so in their logarithm
            c, d, e, _ = chance(seed, _PAUSE, count)
            normal = (a + b + c + d + e - 2.5) * 1.55
            after = min(max(_MEDIAN[state] * math.exp(0.55 * normal), 0.7), 9.0)
        return Lids(count, (*self.blinks, (begin, lasts)), begin + after)


def _blink(since: Array, pace: float) -> Array:
    """How far the lids are down, `since` seconds after a blink began."""
    since = since / pace
    return np.asarray(smoothstep(since / _CLOSING) * (1.0 - smoothstep((since - _SHUT) / (LASTS - _SHUT))))
