"""A video that speaks: its own frames, played forward and back, with the rig's mouth carried onto each of them.

The mouth is drawn on the reference frame, where the rig was measured, and laid over the current frame by the affine
map between the meshes of both; its colours follow the frame's light, and a soft edge hides what remains.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.avatar import Avatar
from visavis.avatars.rig.sampling import Floats, Picture
from visavis.avatars.video import Frames
from visavis.engines.animation.lower_face import lower_mask
from visavis.engines.animation.mouth import MouthWarp

RATE = 25
"""Frames a second of a stored video."""
_ANCHORS = (
    1, 2, 4, 5, 6, 33, 48, 49, 50, 64, 98, 101, 115, 129, 133, 168, 195, 197, 203, 205, 220, 263, 278, 279, 280, 294,
    327, 330, 344, 358, 362, 423, 425, 440, 205, 425, 206, 426, 36, 266,
)  # fmt: skip
"""Mesh points that a talking mouth leaves where they are: nose, eye corners, cheeks; those near the mouth twice."""


class Video:
    """The frames of one avatar, at the size of its plate."""

    def __init__(self, avatar: Avatar, mouth: MouthWarp) -> None:
        self._frames = Frames(avatar.frames)
        self._shape = avatar.plate.shape
        rest = np.asarray(avatar.landmarks[list(_ANCHORS), :2] - 0.5, np.float64)
        self._maps = [_affine(rest, mesh[list(_ANCHORS), :2] - 0.5) for mesh in avatar.tracks]
        self.box = mouth.box
        x0, y0, x1, y1 = self.box
        self._mask = lower_mask(mouth)
        self._plate = avatar.plate[y0:y1, x0:x1].astype(np.float32)
        self._light: dict[int, Floats] = {}

    def frame_at(self, seconds: float) -> int:
        """Which frame is shown at a time on the media clock: forward, then back, for ever."""
        last = len(self._maps) - 1
        if last < 1:
            return 0
        step = int(np.floor(seconds * RATE + 1e-6)) % (2 * last)
        return min(step, 2 * last - step)

    def carry(self, mouth: Floats, index: int) -> Picture:
        """Frame `index` with the mouth's box, float32 RGB as drawn on the plate, laid over its own mouth."""
        frame = self._frames[index].copy()
        matrix, area, size = self._place(index)
        if not size[0] or not size[1]:
            return frame
        alpha = _placed(self._mask, matrix, size)[..., None]
        drawn = _placed(mouth, matrix, size)
        under = frame[area].astype(np.float32)
        if index not in self._light:
            # what the light adds here, seen along the mask's edge, where frame and plate show the same skin
            edge = alpha * (1 - alpha)
            difference = (under - _placed(self._plate, matrix, size)) * edge
            self._light[index] = difference.sum(axis=(0, 1)) / max(float(edge.sum()), 1e-3)
        under += (drawn + self._light[index] - under) * alpha
        np.rint(under, out=under)
        frame[area] = np.clip(under, 0, 255)
        return frame

    def _place(self, index: int) -> tuple[Floats, tuple[slice, slice], tuple[int, int]]:
        """The affine map from the box to the part of the frame that it covers, and that part."""
        x0, y0, x1, y1 = self.box
        matrix = self._maps[index].copy()
        corners = np.array([[x0, y0, 1], [x1, y0, 1], [x0, y1, 1], [x1, y1, 1]], np.float64) @ matrix.T
        limit = (self._shape[1], self._shape[0])
        left, top = (int(v) for v in np.clip(np.floor(corners.min(axis=0)), 0, limit))
        right, bottom = (int(v) for v in np.clip(np.ceil(corners.max(axis=0)), 0, limit))
        matrix[:, 2] += matrix[:, :2] @ (x0, y0) - (left, top)
        return matrix, (slice(top, bottom), slice(left, right)), (right - left, bottom - top)


def _affine(source: NDArray[np.float64], target: Floats) -> NDArray[np.float64]:
    """(2, 3) the affine map that brings points (n, 2) onto others, by least squares."""
    homogeneous = np.concatenate([source, np.ones((len(source), 1))], axis=1)
    found, *_ = np.linalg.lstsq(homogeneous, np.asarray(target, np.float64), rcond=None)
    return np.asarray(found.T)


def _placed(values: Floats, matrix: Floats, size: tuple[int, int]) -> Floats:
    border = cv2.BORDER_CONSTANT
    return np.asarray(cv2.warpAffine(values, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border))
