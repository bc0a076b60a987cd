"""A life, and where a face is in it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.coarticulation import Array
from visavis.engines.articulation.life.breath import Breath
from visavis.engines.articulation.life.chance import wander
from visavis.engines.articulation.life.expression import CURVES, SIZE, expression
from visavis.engines.articulation.life.gaze import Gaze
from visavis.engines.articulation.life.lids import Lids
from visavis.engines.articulation.life.nods import Nods
from visavis.engines.articulation.life.posture import Posture
from visavis.engines.articulation.life.spring import Spring
from visavis.engines.articulation.life.stress import Stress
from visavis.media.face import ARKIT, INDEX
from visavis.media.mood import Mood

STEP = 0.02
"""Seconds from row to row."""
EASE = 8.0
"""Stiffness with which an expression comes and goes: nine tenths of it in half a second."""


@dataclass(frozen=True, slots=True)
class Being:
    """Where a face is in its life: all that one row leaves for the next."""

    luck: int = 0
    """Which of the seed's lives this is."""
    stress: Stress = field(default_factory=Stress)
    gaze: Gaze = field(default_factory=Gaze)
    lids: Lids = field(default_factory=Lids)
    nods: Nods = field(default_factory=Nods)
    breath: Breath = field(default_factory=Breath)
    posture: Posture | None = None
    """None before the first row, which finds the face at ease in its mood; so with the expression."""
    expression: Spring | None = None

    @staticmethod
    def born(beginning: bytes) -> Being:
        """A life that begins with these words or this sound: two are not lived alike, and the same one always is."""
        return Being(zlib.crc32(beginning))


@dataclass(frozen=True, slots=True, eq=False)
class Living:
    """What a life adds to some rows of motion."""

    curves: NDArray[np.float32]
    """(t, 52) lids, gaze, brows and the expression: to be `joined` with the mouth's curves."""
    head: NDArray[np.float32]
    """(t, 6) pose."""
    breath: NDArray[np.float32]
    """(t,) how full the chest is, 0 … 1."""


@dataclass(frozen=True, slots=True)
class Life:
    """The face's own movements, for one seed."""

    seed: int = 0

    def move(
        self, times: Array, energy: Array, mood: Mood, being: Being, until: float | None = None
    ) -> tuple[Living, Being]:
        """What a face does in a mood at `times`, the next rows, and what it is after them.

        `energy` (t,) is the mean square of its own voice in each row; `until`, if it is known, when it is seen last.
        """
        seed, rows = self.seed + being.luck, len(times)
        nod, brow, phrases, stress = _voiced(energy, being.stress)
        look, saccades, gaze = being.gaze.move(times, seed, mood.state)
        down, lids = being.lids.move(times, seed, mood.state, saccades, until)
        nods_down, nods = being.nods.move(times, seed, mood)
        full, breath = being.breath.move(times, seed)
        posture = being.posture or Posture.of(mood.state)
        head, posture = posture.move(times, seed, mood.state, look, phrases, STEP)
        goal = expression(mood, self.seed)  # a face keeps its own lopsidedness
        shown, felt = (being.expression or Spring.resting(goal)).pulled(goal, EASE, rows, STEP)
        # no expression is held like a mask
        shown = shown * (1.0 + 0.04 * wander(times, seed, 50, 2.7))[:, None]
        head[:, 0] += 0.030 * nod + 0.040 * nods_down
        head[:, 4] += 0.020 * nod + 0.012 * nods_down - 0.006 * full
        head += shown[:, CURVES:SIZE]
        lift = 0.04 + 0.04 * wander(times, seed, 51, 3.3) + 0.45 * brow
        after = replace(
            being, stress=stress, gaze=gaze, lids=lids, nods=nods, breath=breath, posture=posture, expression=felt
        )
        curves = _curves(shown[:, :CURVES], look, down, lift)
        return Living(curves, head.astype(np.float32), full.astype(np.float32)), after


def _voiced(energy: Array, stress: Stress) -> tuple[Array, Array, Array, Stress]:
    """(t,) each: the nod and the brows' lift that the voice asks for, and the phrase it is in."""
    nod, brow, phrases = np.zeros(len(energy)), np.zeros(len(energy)), np.zeros(len(energy), int)
    for i, each in enumerate(energy.tolist()):
        stress = stress.heard(each, STEP)
        nod[i], brow[i], phrases[i] = stress.nod, stress.brow, stress.phrase
    return nod, brow, phrases, stress


def _curves(shown: Array, look: Array, down: Array, lift: Array) -> NDArray[np.float32]:
    """(t, 52) the expression with gaze, lids and brows."""
    curves = np.zeros((len(shown), len(ARKIT)))
    curves += shown
    left = look[:, 0]
    # an expression may lower the eyes
    up = look[:, 1] - shown[:, INDEX["eyeLookDownLeft"]]
    for name, amount in (("OutLeft", left), ("InRight", left), ("InLeft", -left), ("OutRight", -left)):
        curves[:, INDEX[f"eyeLook{name}"]] = np.maximum(amount, 0.0)
    for side in ("Left", "Right"):
        curves[:, INDEX[f"eyeLookUp{side}"]] = np.maximum(up, 0.0)
        curves[:, INDEX[f"eyeLookDown{side}"]] = np.maximum(-up, 0.0)
        # the upper lid follows the eye down
        curves[:, INDEX[f"eyeBlink{side}"]] = np.maximum(down, 0.35 * np.maximum(-up, 0.0))
        curves[:, INDEX[f"eyeWide{side}"]] *= 1.0 - down
        curves[:, INDEX[f"browOuterUp{side}"]] += 0.7 * lift
    curves[:, INDEX["browInnerUp"]] += lift
    return np.asarray(np.clip(curves, 0.0, 1.0), np.float32)
