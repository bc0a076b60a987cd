"""The head's motion and the brows': one gentle warp of the whole picture, after everything else is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.head import node_positions
from visavis.avatars.rig.sampling import Floats, Picture, sample
from visavis.engines.animation.cutout import Cutout
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.warp import GridWarp

_STEPS = 2  # of the fixed point that inverts the warp: within 0.15 px while a head speaks, 6 px at a turn of 20°
_DISTANCE = 5.0  # of the camera, in face heights
_BREATH = 0.006  # how far shoulders rise, in face heights


class HeadWarp:
    """The warp of one avatar's head: a relief turned in space, as far as each part of the picture belongs to it."""

    def __init__(self, rig: Mapping[str, NDArray[Any]], shape: tuple[int, ...]) -> None:
        height, width = shape[:2]
        self._nodes = node_positions(shape)
        offset = self._nodes - rig["head.pivot"]
        self._relief = np.concatenate([offset, rig["head.depth"][..., None]], axis=-1).astype(np.float32)
        self._weight = np.repeat(rig["head.weight"][..., None], 2, axis=-1)
        self._body: Floats = rig["head.body"]
        self._interocular, self._face = (float(v) for v in rig["head.scale"])
        self._brows: Floats = rig["head.brows"].reshape(len(rig["head.brows"]), -1)
        rows, columns = self._nodes.shape[:2]
        self._to_node = np.array([columns / width, rows / height], np.float32)
        self._node_index = np.stack(
            np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)), axis=-1
        )
        self._warp = GridWarp(shape, self._nodes)

    def apply(
        self,
        picture: Picture,
        pose: Pose,
        cutout: Cutout | None = None,
        carried: Callable[[Picture], Picture] | None = None,
    ) -> Picture:
        """The picture (h, w, 3 or 4) with head, brows and breath as in `pose`; the same object if nothing moves.

        With a `cutout`, the background stays where it is; `carried` is what `Cutout.person` wants to know of the mouth.
        """
        forward = self._forward(pose)
        if forward is None:
            return picture
        # the displacement at which each node's colour started out: g = -F(x + g)
        back = -forward
        for _ in range(_STEPS):
            at = self._node_index + back * self._to_node
            back = -sample(forward, at)
        if cutout is None:
            return self._warp(picture, back)
        return self._warp(cutout.person(picture, carried), back, cutout.behind)

    def _forward(self, pose: Pose) -> Floats | None:
        """(rows, columns, 2) how far each node moves, in pixels; None if none does."""
        pitch, yaw, roll, x, y, z = pose.head
        moved: Floats | None = None
        if any(pose.head):
            near = 1 / (1 + z * self._interocular / (_DISTANCE * self._face))
            turn = _rotation(pitch, yaw, roll)[:2] * near - np.eye(2, 3)
            shift = np.array([[x], [y]]) * self._interocular
            moved = np.asarray(cv2.transform(self._relief, np.hstack([turn, shift])), np.float32)
            moved *= self._weight
        amounts = (pose.brow_inner, *pose.brow_outer, *(-b for b in pose.brow_down))
        if any(amounts):
            lift = (np.array(amounts, np.float32) @ self._brows).reshape(self._nodes.shape)
            moved = lift if moved is None else moved + lift
        if pose.breath:
            moved = np.zeros_like(self._nodes) if moved is None else moved
            moved[..., 1] -= (_BREATH * self._face * pose.breath) * self._body
        return None if moved is None else np.ascontiguousarray(moved, np.float32)


def _rotation(pitch: float, yaw: float, roll: float) -> NDArray[np.float64]:
    """(3, 3) rotation about the axes of `media.face`: nod, then turn, then tilt."""
    (cp, sp), (cy, sy), (cr, sr) = ((np.cos(a), np.sin(a)) for a in (pitch, yaw, roll))
    nod = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    turn = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(tilt @ turn @ nod)
