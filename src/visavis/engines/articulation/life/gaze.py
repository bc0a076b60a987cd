"""Where the eyes look: mostly at the viewer, away now and then, and away and up in thought; always by saccades.

A look is held for as long as chance says; a change of state ends it a moment later. Within a look the eyes are never
quite still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from visavis.engines.articulation.coarticulation import Array, smoothstep
from visavis.engines.articulation.life.chance import between, chance, wander
from visavis.media.mood import State

LARGE = 0.22
"""A saccade from which on the lids may blink with it."""
_LOOK, _HOLD = 2, 3  # streams of chance


@dataclass(frozen=True, slots=True)
class _Manner:
    """How the eyes look about in a state."""

    away: float
    """The chance that a look at the viewer is followed by one away."""
    contact: tuple[float, float]
    """Seconds that a look at the viewer lasts; small saccades divide longer ones."""
    glance: tuple[float, float]
    """The same for a look away."""
    reach: tuple[float, float]
    """How far away is, of what eyes can turn."""
    lift: tuple[float, float]
    """How high away is, below 0 down."""


_MANNERS: dict[State, _Manner] = {
    "idle": _Manner(0.22, (0.7, 2.4), (0.6, 2.0), (0.22, 0.48), (-0.16, 0.12)),
    "listening": _Manner(0.05, (0.6, 2.6), (0.3, 0.7), (0.16, 0.28), (-0.12, 0.06)),
    "thinking": _Manner(1.0, (0.4, 0.9), (0.8, 2.2), (0.55, 0.90), (0.45, 0.80)),
    "speaking": _Manner(0.20, (0.6, 1.9), (0.4, 1.1), (0.18, 0.40), (-0.16, 0.14)),
}


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where the eyes are, and until when. Pairs are to the face's own left, and up, in [-1, 1]."""

    state: State | None = None
    count: int = 0
    """Looks so far."""
    origin: tuple[float, float] = (0.0, 0.0)
    goal: tuple[float, float] = (0.0, 0.0)
    begin: float = -math.inf
    """Seconds on the media clock at which the saccade from `origin` to `goal` began, and at which the next does."""
    end: float = -math.inf
    away: bool = False

    def move(self, times: Array, seed: int, state: State) -> tuple[Array, tuple[float, ...], Gaze]:
        """(t, 2) where the eyes look, the times of large saccades, and the gaze after them."""
        gaze = self
        if not len(times):
            return np.zeros((0, 2)), (), gaze
        wait = chance(seed, _HOLD, self.count)
        if gaze.state is None:
            gaze = replace(gaze, state=state, end=float(times[0]) + between(0.2, 1.5, wait[0]))
        elif gaze.state != state:
            soon = float(times[0]) + between(0.06, 0.30, wait[1])
            # a look that suits the new state is kept
            stays = state != "thinking" and not gaze.away
            gaze = replace(gaze, state=state, end=gaze.end if stays else min(gaze.end, soon))
        at, large = np.zeros((len(times), 2)), []
        begun = 0
        while gaze.end <= times[-1]:
            due = int(np.searchsorted(times, gaze.end))
            at[begun:due] = gaze._at(times[begun:due])
            gaze, begun = gaze._next(seed, state), due
            if math.dist(gaze.origin, gaze.goal) > LARGE:
                large.append(gaze.begin)
        at[begun:] = gaze._at(times[begun:])
        drift = np.stack([wander(times, seed, 20, 0.7), wander(times, seed, 21, 0.8)], axis=1)
        return at + 0.012 * drift, tuple(large), gaze

    def _at(self, times: Array) -> Array:
        distance = math.dist(self.origin, self.goal)
        done = smoothstep((times - self.begin) / (0.035 + 0.05 * distance))[:, None]
        return np.asarray(np.array(self.origin) + (np.array(self.goal) - np.array(self.origin)) * done)

    def _next(self, seed: int, state: State) -> Gaze:
        """The look after this one."""
        manner, count = _MANNERS[state], self.count + 1
        chosen, x, y, side = chance(seed, _LOOK, count)
        held = chance(seed, _HOLD, count)
        away = chosen < manner.away if state == "thinking" or not self.away else chosen < 0.25 * manner.away
        if away:
            # thought stays on its side more often than not
            left = side < 0.5 if not self.away else (self.goal[0] > 0) == (side < 0.75)
            goal = (between(*manner.reach, x) * (1 if left else -1), between(*manner.lift, y))
            lasts = between(*manner.glance, held[0])
        else:
            # from eye to eye, now and then to the mouth
            goal = (0.05 * (2 * x - 1), 0.05 * (2 * y - 1) - (0.06 if side < 0.2 else 0.0))
            lasts = between(*manner.contact, held[0])
        origin = self._at(np.array([self.end]))[0]
        return Gaze(state, count, (float(origin[0]), float(origin[1])), goal, self.end, self.end + lasts, away)
