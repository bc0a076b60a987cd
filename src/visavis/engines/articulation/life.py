"""What a living face does besides speaking: it blinks, looks, breathes, sways, and nods and lifts its brows on stress.

All of it but the stress is a function of a seed and the media clock, so any window can be computed on its own; stress
follows the sound, causally, with a state small enough to be carried.

Rates: about 17 blinks a minute in conversation (Bentivoglio et al. 1997: 26 while talking, 17 at rest), closing in
~80 ms and opening in ~160 ms; gaze mostly mutual, with fixational jitter and short looks away; 15 breaths a minute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.coarticulation import Array, smoothstep
from visavis.media.face import ARKIT, INDEX

BLINK_CELL = 3.3
"""Seconds; each such stretch of the clock holds one blink, now and then two."""
GAZE_CELL = 1.7
"""Seconds; the eyes choose anew where to look once in each."""
BREATH = 4.1
"""Seconds for a breath."""
_BLINK = 0.28  # seconds
_GLANCE, _DOUBLE = 0.16, 0.08  # chances of a look away and of a double blink


def _chance(seed: int, stream: int, cell: int) -> tuple[float, float, float, float]:
    """Four numbers in [0, 1) that belong to a cell of the clock (splitmix64 over the three keys)."""
    x = (seed * 0x9E3779B97F4A7C15 + stream * 0xBF58476D1CE4E5B9 + cell * 0x94D049BB133111EB) & _MASK
    numbers = []
    for _ in range(4):
        x = (x + 0x9E3779B97F4A7C15) & _MASK
        z = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
        numbers.append(((z ^ (z >> 31)) >> 11) / 2.0**53)
    return numbers[0], numbers[1], numbers[2], numbers[3]


_MASK = (1 << 64) - 1


def _blink_at(since: Array) -> Array:
    """How far the lids are down, `since` seconds after a blink began: fast down, briefly shut, slower up."""
    return np.asarray(smoothstep(since / 0.08) * (1.0 - smoothstep((since - 0.11) / (_BLINK - 0.11))))


def blinks(times: Array, seed: int, until: float | None = None) -> Array:
    """(t,) lids, 0 open … 1 shut. The face is seen from 0, and `until` if that is known: both times its eyes are open.

    A blink that would last longer does not begin in `times`, and one that has begun before them is cut short.
    """
    lids = np.zeros(len(times))
    first, last = math.floor((times[0] - 1.0) / BLINK_CELL), math.floor((times[-1] + 1.0) / BLINK_CELL)
    for cell in range(max(first, 0), last + 1):
        when, double, _, _ = _chance(seed, 1, cell)
        begin = (cell + 0.08 + 0.84 * when) * BLINK_CELL
        for start in (begin, begin + 0.36) if double < _DOUBLE else (begin,):
            if until is None or start < times[0] or start + _BLINK <= until:
                lids = np.maximum(lids, _blink_at(times - start))
    if until is not None:
        lids *= 1.0 - smoothstep((times - until + 0.12) / 0.08)
    return lids


def gaze(times: Array, seed: int) -> tuple[Array, Array]:
    """(t,) where the eyes look: to the face's own left, and up, each in [-1, 1] of what eyes can turn."""
    cells = np.floor(times / GAZE_CELL).astype(int)
    x, y = np.zeros(len(times)), np.zeros(len(times))
    for cell in np.unique(cells):
        rows = cells == cell
        (x0, y0), (x1, y1) = _target(seed, int(cell) - 1), _target(seed, int(cell))
        wait = 0.3 * _chance(seed, 2, int(cell))[3]
        # a saccade takes 40 to 60 ms
        moved = smoothstep((times[rows] - cell * GAZE_CELL - wait) / 0.05)
        x[rows] = x0 + (x1 - x0) * moved
        y[rows] = y0 + (y1 - y0) * moved
    return x, y


def _target(seed: int, cell: int) -> tuple[float, float]:
    away, x, y, _ = _chance(seed, 2, cell)
    reach = 0.34 if away < _GLANCE else 0.05
    return reach * (2 * x - 1), 0.7 * reach * (2 * y - 1)


def _wave(times: Array, seed: int, stream: int, rates: tuple[float, ...]) -> Array:
    """(t,) a slow wander in [-1, 1]: sines whose rates, in hertz, share no period."""
    phases = _chance(seed, stream, 0)
    return np.asarray(
        sum(np.sin(2 * np.pi * (rate * times + phases[i])) for i, rate in enumerate(rates)) / len(rates), np.float64
    )


def breath(times: Array, seed: int) -> Array:
    """(t,) how full the chest is, 0 … 1: in faster than out."""
    phase = 2 * np.pi * (times / BREATH + _chance(seed, 3, 0)[0])
    return np.asarray(0.5 - 0.5 * np.cos(phase + 0.45 * np.sin(phase)))


@dataclass(frozen=True, slots=True)
class Stress:
    """What has been heard of the voice so far, for nods and brows. Advances once a row."""

    level: float = 0.0
    """Loudness of the speech as a whole, slow."""
    fast: float = 0.0
    """Loudness now."""
    slow: float = 0.0
    """Loudness over the last syllables."""
    nod: float = 0.0
    """How far the nod is, 0 … 1, and how fast it goes (a critically damped spring)."""
    nod_speed: float = 0.0
    brow: float = 0.0
    brow_speed: float = 0.0

    def heard(self, energy: float, step: float) -> Stress:
        """After `step` more seconds of sound with this mean square."""
        loud = math.log10(energy / 1e-6 + 1.0)  # 0 at silence, about 4 in speech
        level = self.level + (loud - self.level) * (step / 2.0 if loud > 1.0 else 0.0)
        fast = self.fast + (loud - self.fast) * min(step / 0.05, 1.0)
        slow = self.slow + (loud - self.slow) * min(step / 0.45, 1.0)
        # stressed: louder than the syllables before, and loud for this speaker
        push = min(max(fast - slow - 0.35, 0.0), 1.0) if fast > 0.9 * level else 0.0
        nod, nod_speed = _spring(self.nod, self.nod_speed, push, 9.0, step)
        brow, brow_speed = _spring(self.brow, self.brow_speed, max(push - 0.25, 0.0), 6.0, step)
        return Stress(level, fast, slow, nod, nod_speed, brow, brow_speed)


def _spring(x: float, v: float, goal: float, w: float, step: float) -> tuple[float, float]:
    """A critically damped spring of angular frequency `w` pulled to `goal` for `step` seconds (exact solution)."""
    d, e = x - goal, math.exp(-w * step)
    return goal + (d + (v + w * d) * step) * e, (v - w * (v + w * d) * step) * e


@dataclass(frozen=True, slots=True)
class Life:
    """The face's own movements, for one seed."""

    seed: int = 0

    def head(self, times: Array, nod: Array) -> NDArray[np.float32]:
        """(t, 6) head pose: at most about .06 rad, `nod` (t,) in [0, 1] included."""
        if not len(times):
            return np.zeros((0, 6), np.float32)
        pitch = 0.014 * _wave(times, self.seed, 4, (0.11, 0.23, 0.37)) + 0.030 * nod
        yaw = 0.032 * _wave(times, self.seed, 5, (0.07, 0.17, 0.31))
        roll = 0.016 * _wave(times, self.seed, 6, (0.09, 0.19, 0.29)) + 0.15 * yaw
        x = 0.020 * _wave(times, self.seed, 7, (0.08, 0.13, 0.27)) + 0.10 * yaw
        y = 0.006 * _wave(times, self.seed, 8, (0.10, 0.21)) - 0.006 * breath(times, self.seed) + 0.02 * nod
        z = 0.010 * _wave(times, self.seed, 9, (0.06, 0.15))
        return np.stack([pitch, yaw, roll, x, y, z], axis=1).astype(np.float32)

    def breath(self, times: Array) -> NDArray[np.float32]:
        """(t,) how full the chest is, 0 … 1."""
        return breath(times, self.seed).astype(np.float32)

    def curves(self, times: Array, brow: Array, until: float | None = None) -> NDArray[np.float32]:
        """(t, 52) lids, gaze and brows; everything else 0. `brow` (t,) in [0, 1] is the lift that stress asks for.

        `until`, if it is known, is when the face is seen last.
        """
        curves = np.zeros((len(times), len(ARKIT)), np.float32)
        if not len(times):
            return curves
        x, y = gaze(times, self.seed)
        lids = blinks(times, self.seed, until)
        curves[:, INDEX["eyeLookOutLeft"]] = curves[:, INDEX["eyeLookInRight"]] = np.maximum(x, 0.0)
        curves[:, INDEX["eyeLookInLeft"]] = curves[:, INDEX["eyeLookOutRight"]] = np.maximum(-x, 0.0)
        curves[:, INDEX["eyeLookUpLeft"]] = curves[:, INDEX["eyeLookUpRight"]] = np.maximum(y, 0.0)
        curves[:, INDEX["eyeLookDownLeft"]] = curves[:, INDEX["eyeLookDownRight"]] = np.maximum(-y, 0.0)
        # the upper lid follows the eye down
        lids = np.maximum(lids, 0.35 * np.maximum(-y, 0.0))
        curves[:, INDEX["eyeBlinkLeft"]] = curves[:, INDEX["eyeBlinkRight"]] = lids
        slow = 0.04 + 0.04 * _wave(times, self.seed, 10, (0.05, 0.12))
        inner = np.clip(slow + 0.45 * brow, 0.0, 1.0)
        curves[:, INDEX["browInnerUp"]] = inner
        curves[:, INDEX["browOuterUpLeft"]] = curves[:, INDEX["browOuterUpRight"]] = 0.7 * inner
        return curves
