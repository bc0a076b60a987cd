"""What a face does in one picture: ARKit's curves and extra channels brought down to what the rig can move."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visavis.media.face import INDEX, from_curves


@dataclass(frozen=True, slots=True)
class Pose:
    """One picture's face. Pairs are the viewer's left and right, which is the face's own right and left."""

    aperture: float = 0.0
    """This and the six that follow: the controls of `media.face`."""
    jaw: float = 0.0
    width: float = 0.0
    round: float = 0.0
    tuck: float = 0.0
    press: float = 0.0
    tongue: float = 0.0
    smile: tuple[float, float] = (0.0, 0.0)
    """Corners of the mouth raised; below 0 lowered."""
    aside: float = 0.0
    """The mouth drawn to the viewer's right."""
    blink: tuple[float, float] = (0.0, 0.0)
    """0 as on the plate … 1 shut."""
    wide: tuple[float, float] = (0.0, 0.0)
    squint: tuple[float, float] = (0.0, 0.0)
    gaze: tuple[float, float] = (0.0, 0.0)
    """To the viewer's right, and down, -1 … 1."""
    brow_inner: float = 0.0
    brow_outer: tuple[float, float] = (0.0, 0.0)
    brow_down: tuple[float, float] = (0.0, 0.0)
    head: tuple[float, float, float, float, float, float] = (0.0,) * 6
    """Pitch, yaw, roll, x, y, z, as in `media.face`."""
    breath: float = 0.0

    def speaking(self, share: float) -> Pose:
        """The same face, its lips moved by speech only so much."""
        names = ("aperture", "jaw", "width", "round", "tuck", "press", "tongue")
        return replace(self, **{name: share * getattr(self, name) for name in names})


def poses(
    curves: NDArray[np.float32],
    head: NDArray[np.float32],
    tongue: NDArray[np.float32] | None = None,
    breath: NDArray[np.float32] | None = None,
) -> list[Pose]:
    """The poses of (t, 52) curves, (t, 6) head rows and the (t,) channels `tongue_raise` and `breath`."""
    rows = np.clip(curves, 0.0, 1.0)
    mouth = from_curves(rows, tongue).to_matrix().tolist()
    breaths = [0.0] * len(rows) if breath is None else breath.tolist()
    return [
        _pose(m, row, tuple(pose), air)
        for m, row, pose, air in zip(mouth, rows.tolist(), head.tolist(), breaths, strict=True)
    ]


def _pose(mouth: list[float], c: list[float], head: tuple[float, ...], breath: float) -> Pose:
    def pair(name: str) -> tuple[float, float]:
        return c[INDEX[f"{name}Right"]], c[INDEX[f"{name}Left"]]

    smile, frown = pair("mouthSmile"), pair("mouthFrown")
    # each eye has its own in and out; both eyes look the same way
    right = c[_LOOK["OutLeft"]] + c[_LOOK["InRight"]] - c[_LOOK["InLeft"]] - c[_LOOK["OutRight"]]
    down = c[_LOOK["DownLeft"]] + c[_LOOK["DownRight"]] - c[_LOOK["UpLeft"]] - c[_LOOK["UpRight"]]
    aperture, jaw, width, round_, tuck, press, tongue = mouth
    return Pose(
        aperture,
        jaw,
        width,
        round_,
        tuck,
        press,
        tongue,
        smile=(smile[0] - frown[0], smile[1] - frown[1]),
        aside=c[INDEX["mouthLeft"]] - c[INDEX["mouthRight"]],
        blink=pair("eyeBlink"),
        wide=pair("eyeWide"),
        squint=tuple(max(a, 0.6 * b) for a, b in zip(pair("eyeSquint"), pair("cheekSquint"), strict=True)),  # type: ignore[arg-type]
        gaze=(right / 2, down / 2),
        brow_inner=c[INDEX["browInnerUp"]],
        brow_outer=pair("browOuterUp"),
        brow_down=pair("browDown"),
        head=head,  # type: ignore[arg-type]
        breath=breath,
    )


_LOOK = {side: INDEX[f"eyeLook{side}"] for side in (
    "InLeft", "OutLeft", "UpLeft", "DownLeft", "InRight", "OutRight", "UpRight", "DownRight"
)}  # fmt: skip
