"""The face's vocabulary: ARKit's names and order, what its curves mean for the lips, and the axes of the head.

Seven *controls* describe a talking mouth; a rig is driven by them, articulation thinks in them, and `to_curves` and
`from_curves` translate between them and the 52 public curves without loss.

Axes of the head, as the viewer sees the picture: x to the viewer's right, y down, z away from the viewer.
Pitch > 0 nods down, yaw > 0 turns towards the viewer's right, roll > 0 tilts clockwise.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

ARKIT: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""ARKit's 52 blendshape names, in ARKit's order. Left and right are the face's own."""
INDEX = {name: i for i, name in enumerate(ARKIT)}
CLOSED_GAP = 0.01
"""A lip gap (in units of the widest one) at and below which the lips touch."""

_JAW, _CLOSE = INDEX["jawOpen"], INDEX["mouthClose"]
_PART = [INDEX[n] for n in ("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")]
_STRETCH = [INDEX["mouthStretchLeft"], INDEX["mouthStretchRight"]]
_PRESS = [INDEX["mouthPressLeft"], INDEX["mouthPressRight"]]


@dataclass(frozen=True, slots=True)
class Controls:
    """What a talking mouth does, each (t,) float32."""

    aperture: NDArray[np.float32]
    """Gap between the inner lips, 0 closed … 1 the widest vowel."""
    jaw: NDArray[np.float32]
    """Jaw drop, 0 … 1."""
    width: NDArray[np.float32]
    """-1 narrow … 0 at rest … 1 spread."""
    round: NDArray[np.float32]
    """Lips rounded and forward, 0 … 1."""
    tuck: NDArray[np.float32]
    """Lower lip under the upper teeth (f, v), 0 … 1."""
    press: NDArray[np.float32]
    """Lips pressed together (p, b, m), 0 … 1."""
    tongue: NDArray[np.float32]
    """Tongue tip raised (l, t, d, n, th), 0 … 1. Not an ARKit curve: it travels in `Motion.extra["tongue_raise"]`."""

    @staticmethod
    def from_matrix(rows: NDArray[np.float32]) -> Controls:
        """(t, 7) columns in the order of the fields."""
        return Controls(*np.ascontiguousarray(rows.T, dtype=np.float32))

    def to_matrix(self) -> NDArray[np.float32]:
        """(t, 7) columns in the order of the fields."""
        return np.stack([getattr(self, f.name) for f in fields(self)], axis=1).astype(np.float32)


def lip_gap(curves: NDArray[np.float32]) -> NDArray[np.float32]:
    """(t,) gap between the inner lips, 0 … 1, from (t, 52) curves.

    ARKit's `mouthClose` is relative to `jawOpen`: the lips meet where both are equal. Lips that part more than the
    jaw drops do so by `mouthLowerDown` and `mouthUpperUp`.
    """
    gap = curves[:, _JAW] - curves[:, _CLOSE] + curves[:, _PART].mean(axis=1)
    return np.asarray(np.clip(gap, 0.0, 1.0), np.float32)


def to_curves(controls: Controls) -> NDArray[np.float32]:
    """(t, 52) curves that say the same as the controls (all but `tongue`)."""
    curves = np.zeros((len(controls.jaw), len(ARKIT)), np.float32)
    curves[:, _JAW] = controls.jaw
    curves[:, _CLOSE] = np.maximum(controls.jaw - controls.aperture, 0.0)
    curves[:, _PART] = np.maximum(controls.aperture - controls.jaw, 0.0)[:, None]
    curves[:, _STRETCH] = np.maximum(controls.width, 0.0)[:, None]
    curves[:, INDEX["mouthPucker"]] = np.maximum(-controls.width, 0.0)
    curves[:, INDEX["mouthFunnel"]] = controls.round
    curves[:, INDEX["mouthRollLower"]] = controls.tuck
    curves[:, _PRESS] = controls.press[:, None]
    return curves


def from_curves(curves: NDArray[np.float32], tongue: NDArray[np.float32] | None = None) -> Controls:
    """The controls that (t, 52) curves describe: the inverse of `to_curves`."""
    return Controls(
        aperture=lip_gap(curves),
        jaw=curves[:, _JAW],
        width=curves[:, _STRETCH].mean(axis=1) - curves[:, INDEX["mouthPucker"]],
        round=curves[:, INDEX["mouthFunnel"]],
        tuck=curves[:, INDEX["mouthRollLower"]],
        press=curves[:, _PRESS].mean(axis=1),
        tongue=np.zeros(len(curves), np.float32) if tongue is None else tongue,
    )
