"""Chance that repeats: numbers that belong to a seed and a count, and slow wanders that never come back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from visavis.engines.articulation.coarticulation import Array, smoothstep

_MASK = (1 << 64) - 1


@lru_cache(4096)
def chance(seed: int, stream: int, count: int) -> tuple[float, float, float, float]:
    """Four numbers in [0, 1) that belong to the three keys (splitmix64)."""
    x = (seed * 0x9E3779B97F4A7C15 + stream * 0xBF58476D1CE4E5B9 + count * 0x94D049BB133111EB) & _MASK
    numbers = []
    for _ in range(4):
        x = (x + 0x9E3779B97F4A7C15) & _MASK
        z = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
        numbers.append(((z ^ (z >> 31)) >> 11) / 2.0**53)
    return numbers[0], numbers[1], numbers[2], numbers[3]


def between(low: float, high: float, number: float) -> float:
    """The number in [0, 1) spread over a range."""
    return low + (high - low) * number


def wander(times: Array, seed: int, stream: int, pace: float) -> Array:
    """(t,) a curve in [-1, 1] that turns about every `pace` seconds: a cubic spline through chance.

    Unlike any sum of waves it has no period, and any stretch of it can be computed on its own.
    """
    if not len(times):
        return np.zeros(0)
    at = times / pace
    cell = np.floor(at).astype(int)
    x = at - cell
    first, last = int(cell[0]) - 1, int(cell[-1]) + 2
    knots = np.array([2.0 * chance(seed, stream, k)[0] - 1.0 for k in range(first, last + 1)])
    a, b, c, d = (knots[cell - first + i] for i in (-1, 0, 1, 2))
    basis = ((1 - x) ** 3, 3 * x**3 - 6 * x**2 + 4, -3 * x**3 + 3 * x**2 + 3 * x + 1, x**3)
    return np.asarray((a * basis[0] + b * basis[1] + c * basis[2] + d * basis[3]) / 6.0 * 1.4).clip(-1.0, 1.0)


def shifts(times: Array, seed: int, stream: int, every: float, lasting: float) -> Array:
    """(t,) a value in [-1, 1] that stays, and about `every` seconds goes to another one in `lasting` seconds."""
    value = np.zeros(len(times))
    if not len(times):
        return value
    first = int(times[0] // every) - 1
    for cell in range(first, int(times[-1] // every) + 2):
        when, here, _, _ = chance(seed, stream, cell)
        before = chance(seed, stream, cell - 1)[1]
        begin = (cell + when) * every - lasting
        moved = smoothstep((times - begin) / lasting)
        value += 2.0 * (here - before) * moved
        if cell == first:
            value += 2.0 * before - 1.0
    return value
