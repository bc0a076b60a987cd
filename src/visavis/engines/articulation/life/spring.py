"""Critically damped springs: whatever pulls them, and whenever that changes, nothing jumps and nothing rings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from visavis.engines.articulation.coarticulation import Array


@dataclass(frozen=True, slots=True, eq=False)
class Spring:
    """Where some numbers are, and how fast each goes, in units a second."""

    at: Array
    speed: Array

    @staticmethod
    def resting(at: Array) -> Spring:
        """Still."""
        return Spring(at, np.zeros_like(at))

    def pulled(self, goal: Array, stiffness: float, rows: int, step: float) -> tuple[Array, Spring]:
        """(rows, n) the next positions, `step` seconds apart, on the way to a `goal`; nine tenths take 4 / stiffness.

        The exact solution, so it does not matter how the rows are cut.
        """
        if not rows:
            return np.zeros((0, len(self.at))), self
        time = np.arange(1, rows + 1)[:, None] * step
        away, left = self.at - goal, np.exp(-stiffness * time)
        push = self.speed + stiffness * away
        at = goal + (away + push * time) * left
        speed = (self.speed - stiffness * push * time) * left
        return at, Spring(at[-1], speed[-1])

    def follow(self, goals: Array, stiffness: float, step: float) -> tuple[Array, Spring]:
        """(t, n) the next positions where every row has a goal (t, n) of its own."""
        rows = np.zeros_like(goals)
        left = math.exp(-stiffness * step)
        at, speed = self.at, self.speed
        for i, goal in enumerate(goals):
            away = at - goal
            push = speed + stiffness * away
            at, speed = goal + (away + push * step) * left, (speed - stiffness * push * step) * left
            rows[i] = at
        return rows, Spring(at, speed)


def pulled(x: float, v: float, goal: float, stiffness: float, step: float) -> tuple[float, float]:
    """The same for a single number and a single step."""
    d, e = x - goal, math.exp(-stiffness * step)
    push = v + stiffness * d
    return goal + (d + push * step) * e, (v - stiffness * push * step) * e
