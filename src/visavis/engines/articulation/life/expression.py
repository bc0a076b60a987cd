"""What a face feels, as ARKit's curves and a pose of the head, and how that goes together with speech.

No expression touches what the lips say: the seven controls of `media.face` stay the speech's own. A smile makes room
for rounded lips; corners, cheeks, lids and brows have the rest to themselves. Every face is a little lopsided. Lids are
narrowed and widened by little: on a picture, less of that says more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.coarticulation import Array
from visavis.engines.articulation.life.chance import chance
from visavis.media.face import ARKIT, INDEX, lip_gap
from visavis.media.mood import Mood, State

POSE = ("pitch", "yaw", "roll", "x", "y", "z")
CURVES = len(ARKIT)
SIZE = CURVES + len(POSE)
"""Numbers of an expression: the curves, then the head's pose in `Motion`'s units."""

_EMOTIONS: dict[str, dict[str, float]] = {
    "neutral": {},
    "friendly": {
        "mouthSmile": 0.50, "mouthDimple": 0.15, "cheekSquint": 0.12, "browInnerUp": 0.10, "browOuterUp": 0.16,
        "roll": 0.012, "z": -0.01,
    },
    "happy": {
        "mouthSmile": 0.88, "mouthDimple": 0.30, "cheekSquint": 0.28, "browInnerUp": 0.18, "browOuterUp": 0.32,
        "pitch": -0.018, "roll": 0.022, "z": -0.02,
    },
    "sad": {
        "mouthFrown": 0.85, "mouthShrugLower": 0.20, "browInnerUp": 0.75, "browOuterUp": -0.12, "browDown": 0.18,
        "eyeLookDown": 0.16, "pitch": 0.045, "roll": 0.025, "y": 0.02,
    },
    "surprised": {
        "eyeWide": 0.50, "browInnerUp": 0.90, "browOuterUp": 0.95, "jawOpen": 0.10, "mouthFunnel": 0.30,
        "pitch": -0.030, "z": 0.03, "y": -0.01,
    },
    "concerned": {
        "mouthFrown": 0.45, "browInnerUp": 0.62, "browDown": 0.40, "eyeSquint": 0.08, "pitch": 0.018, "roll": 0.035,
        "z": -0.03,
    },
}  # fmt: skip
_STATES: dict[State, dict[str, float]] = {
    "idle": {},
    "listening": {"browInnerUp": 0.06, "browOuterUp": 0.05, "pitch": 0.008, "roll": 0.015, "z": -0.025},
    "thinking": {
        "browInnerUp": 0.12, "browOuterUpLeft": 0.22, "browDownRight": 0.18, "eyeSquint": 0.05, "pitch": -0.022,
        "roll": -0.022,
    },
    "speaking": {},
}  # fmt: skip
_LOPSIDED = 0.12
_SMILES = [INDEX["mouthSmileLeft"], INDEX["mouthSmileRight"], INDEX["mouthDimpleLeft"], INDEX["mouthDimpleRight"]]
_JAW, _FUNNEL = INDEX["jawOpen"], INDEX["mouthFunnel"]
_HOLDING = [INDEX["mouthPressLeft"], INDEX["mouthPressRight"], INDEX["mouthRollLower"]]
_ROUND = [INDEX["mouthPucker"], INDEX["mouthFunnel"]]


def expression(mood: Mood, seed: int) -> Array:
    """(SIZE,) what a face of this seed shows in a mood."""
    shown = mood.strength * _vector(_EMOTIONS[mood.emotion], seed)
    return np.asarray(shown + _vector(_STATES[mood.state], seed))


def _vector(parts: dict[str, float], seed: int) -> Array:
    lean, tilt, _, _ = chance(seed, 7, 0)
    vector = np.zeros(SIZE)
    for name, value in parts.items():
        if name in POSE:
            sign = -1.0 if name == "roll" and tilt < 0.5 else 1.0
            vector[CURVES + POSE.index(name)] += sign * value
        elif name in INDEX:
            vector[INDEX[name]] += value
        else:
            vector[INDEX[f"{name}Left"]] += value * (1.0 + _LOPSIDED * (2 * lean - 1))
            vector[INDEX[f"{name}Right"]] += value * (1.0 - _LOPSIDED * (2 * lean - 1))
    return vector


def joined(speech: NDArray[np.float32], face: NDArray[np.float32]) -> NDArray[np.float32]:
    """(t, 52) a speaking mouth and a living face in one.

    What is rounded smiles less. A face parts and rounds lips that are at rest, and no others: those that speech has
    shut stay shut, and those it has opened are as it wants them.
    """
    face = face.copy()
    face[:, _SMILES] *= (1.0 - 0.65 * np.clip(speech[:, _ROUND].max(axis=1), 0.0, 1.0))[:, None]
    held = np.clip(speech[:, _HOLDING].max(axis=1) / 0.2, 0.0, 1.0)
    gap = lip_gap(speech)
    face[:, _JAW] = np.maximum(face[:, _JAW] * (1.0 - held) - gap, 0.0)
    face[:, _FUNNEL] *= (1.0 - held) * np.clip(1.0 - gap / 0.15, 0.0, 1.0)
    return np.asarray(np.clip(speech + face, 0.0, 1.0), np.float32)
