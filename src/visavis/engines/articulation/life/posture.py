"""How the head is held: it wanders, shifts its weight, turns after the eyes, and is moved by each phrase of speech."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from visavis.engines.articulation.coarticulation import Array
from visavis.engines.articulation.life.chance import chance, shifts, wander
from visavis.engines.articulation.life.spring import Spring
from visavis.media.mood import STATES, State

_LIVELY: dict[State, float] = {"idle": 1.0, "listening": 0.7, "thinking": 0.8, "speaking": 0.75}
"""How much the head wanders."""
_RESTLESS: dict[State, float] = {"idle": 1.0, "listening": 0.5, "thinking": 0.6, "speaking": 0.5}
"""How much it shifts from one pose to another."""
_WANDERS = (  # amplitude, in rad or interocular distances, and seconds of each axis
    (0.016, 2.3), (0.028, 2.9), (0.014, 2.6), (0.016, 3.1), (0.005, 2.2), (0.010, 2.7),
)  # fmt: skip
_SHIFTS = (0.006, 0.014, 0.010, 0.016, 0.003, 0.008)
_PHRASES = np.array([0.010, 0.028, 0.014])  # pitch, yaw and roll that a phrase may take
_CALM, _FOLLOW = 5.0, 4.0  # stiffness of the springs


def _weights(state: State) -> Array:
    return np.array([_LIVELY[state], _RESTLESS[state], float(state == "speaking")])


@dataclass(frozen=True, slots=True)
class Posture:
    """What is left of the state before, and where the head is on its way to."""

    ways: Spring = field(default_factory=lambda: Spring.resting(_weights(STATES[0])))
    """(3,) how lively, how restless, and how much moved by phrases."""
    turn: Spring = field(default_factory=lambda: Spring.resting(np.zeros(3)))
    """(3,) pitch, yaw and roll after the eyes and phrases."""

    @staticmethod
    def of(state: State) -> Posture:
        """At ease in a state."""
        return Posture(Spring.resting(_weights(state)))

    def move(
        self, times: Array, seed: int, state: State, gaze: Array, phrases: Array, step: float
    ) -> tuple[Array, Posture]:
        """(t, 6) the head's pose and the posture after it; `gaze` (t, 2), `phrases` (t,) which phrase is spoken."""
        if not len(times):
            return np.zeros((0, 6)), self
        ways, after = self.ways.pulled(_weights(state), _CALM, len(times), step)
        goals = np.stack([-0.024 * gaze[:, 1], 0.055 * gaze[:, 0], 0.008 * gaze[:, 0]], axis=1)
        for number in np.unique(phrases):
            rows = phrases == number
            heading = _PHRASES * (2.0 * np.array(chance(seed, 8, int(number))[:3]) - 1.0) if number else 0.0
            goals[rows] += heading * ways[rows, 2:]
        turn, turned = self.turn.follow(goals, _FOLLOW, step)
        head = np.stack([
            ways[:, 0] * amount * wander(times, seed, 30 + axis, pace)
            + ways[:, 1] * _SHIFTS[axis] * shifts(times, seed, 40 + axis % 2, 9.0, 1.4)
            for axis, (amount, pace) in enumerate(_WANDERS)
        ], axis=1)  # fmt: skip
        head[:, :3] += turn
        # a head that turns also tilts and goes along
        head[:, 2] += 0.15 * head[:, 1]
        head[:, 3] += 0.10 * head[:, 1]
        return head, Posture(after, turned)
