"""A listener's nods: small, sometimes two, at the speaker's pauses if they are told and now and then if not."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from visavis.engines.articulation.coarticulation import Array
from visavis.engines.articulation.life.chance import between, chance
from visavis.media.mood import Mood

LASTS = 0.5
"""Seconds of a nod."""
_STREAM, _AGAIN = 6, 0.35  # stream of chance, and the chance that a smaller nod follows


@dataclass(frozen=True, slots=True)
class Nods:
    """The nods that may still be seen, and the next that comes by itself."""

    count: int = 0
    nods: tuple[tuple[float, float], ...] = ()
    """When each began, in seconds on the media clock, and how deep it is, 0 … 1."""
    next: float | None = None

    def move(self, times: Array, seed: int, mood: Mood) -> tuple[Array, Nods]:
        """(t,) how far the head is nodded, 0 … 1, and the nods after it."""
        nods = self
        if not len(times):
            return np.zeros(0), nods
        if mood.state != "listening":
            nods = replace(nods, next=None)
        elif nods.next is None:
            nods = replace(nods, next=float(times[0]) + between(1.5, 6.0, chance(seed, _STREAM, self.count)[3]))
        busy = nods.nods[-1][0] + LASTS if nods.nods else -1e9
        if mood.nod and busy < times[0]:
            nods = nods._nodded(seed, float(times[0]))
        while nods.next is not None and nods.next <= times[-1]:
            nods = nods._nodded(seed, nods.next)
        down = np.zeros(len(times))
        for begin, deep in nods.nods:
            part = np.clip((times - begin) / LASTS, 0.0, 1.0)
            down += deep * np.sin(np.pi * part) ** 2
        return down, replace(nods, nods=tuple(nod for nod in nods.nods if nod[0] > times[-1] - 2 * LASTS))

    def _nodded(self, seed: int, begin: float) -> Nods:
        deep, again, wait, _ = chance(seed, _STREAM, self.count + 1)
        deep = between(0.55, 1.0, deep)
        new = [(begin, deep)]
        if again < _AGAIN:
            new.append((begin + 0.8 * LASTS, 0.5 * deep))
        after = None if self.next is None else begin + between(4.0, 11.0, wait)
        return Nods(self.count + 1, (*self.nods, *new), after)
