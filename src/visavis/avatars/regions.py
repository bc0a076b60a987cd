"""Square, turned regions of a picture: what a network is shown, and how its answer is carried back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Region:
    """A square in a picture: centre and side in pixels, turned clockwise by `angle` radians."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    @classmethod
    def around_detection(cls, box: Floats, keypoints: Floats) -> Self:
        """MediaPipe's `face_detection_front_detection_to_roi`: 1.5 times the box, upright by the eyes."""
        left, top, right, bottom = (float(v) for v in box)
        side = 1.5 * max(right - left, bottom - top)
        return cls((left + right) / 2, (top + bottom) / 2, side, _angle(keypoints[0], keypoints[1]))

    @classmethod
    def around_mesh(cls, landmarks: Floats) -> Self:
        """MediaPipe's `face_landmark_landmarks_to_roi`: 1.5 times the mesh's box, upright by the outer eye corners."""
        low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
        x, y = (low + high) / 2
        return cls(float(x), float(y), 1.5 * float((high - low).max()), _angle(landmarks[33], landmarks[263]))

    @classmethod
    def around_eye(cls, corner: Floats, other: Floats) -> Self:
        """MediaPipe's `iris_landmark_landmarks_to_roi`: 2.3 times the distance of the eye's corners."""
        x, y = (corner + other) / 2
        left, right = (corner, other) if corner[0] <= other[0] else (other, corner)
        return cls(float(x), float(y), 2.3 * float(np.abs(other - corner).max()), _angle(left, right))

    def cut(self, picture: NDArray[np.uint8], size: int, border: int | None = None) -> NDArray[np.uint8]:
        """(size, size, 3): the region scaled to `size`. Outside the picture is `border`, or the edge repeated."""
        shrink = self.side / size
        if shrink > 2:  # average first: a bilinear step of several pixels would skip most of them
            return self._shrunk(picture, size, border)
        mode = cv2.BORDER_REPLICATE if border is None else cv2.BORDER_CONSTANT
        value = (border or 0,) * 3
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        # pixel centres: OpenCV counts them at whole numbers, we at halves
        scale, offset = self._affine(size)
        offset = offset + scale @ (0.5, 0.5) - 0.5
        matrix = np.concatenate([scale, offset[:, None]], axis=1)
        return np.asarray(
            cv2.warpAffine(picture, matrix, (size, size), flags=flags, borderMode=mode, borderValue=value)
        )

    def to_picture(self, points: Floats, size: int) -> Floats:
        """(n, 2) points in the cut of that size as points in the picture."""
        scale, offset = self._affine(size)
        return np.asarray(points @ scale.T + offset, np.float32)

    def _affine(self, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        cos, sin = np.cos(self.angle) * self.side / size, np.sin(self.angle) * self.side / size
        scale = np.array(((cos, -sin), (sin, cos)))
        return scale, np.array((self.x, self.y)) - scale @ (size / 2, size / 2)

    def _shrunk(self, picture: NDArray[np.uint8], size: int, border: int | None) -> NDArray[np.uint8]:
        """The same by way of the region's surroundings, averaged over squares of whole pixels (OpenCV's fast way)."""
        by = int(self.side / size)
        height, width = picture.shape[:2]
        reach = self.side * (abs(np.cos(self.angle)) + abs(np.sin(self.angle))) / 2 + 2 * by
        left, right = (int(np.clip(v, 0, width)) for v in (self.x - reach, self.x + reach))
        top, bottom = (int(np.clip(v, 0, height)) for v in (self.y - reach, self.y + reach))
        columns, rows = (right - left) // by, (bottom - top) // by
        if columns < 1 or rows < 1:
            return np.full((size, size, 3), border or 0, np.uint8)
        part = picture[top : top + rows * by, left : left + columns * by]
        small = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        inner = Region((self.x - left) / by, (self.y - top) / by, self.side / by, self.angle)
        return inner.cut(small, size, border)


def tiles(width: int, height: int, side: float) -> Iterator[Region]:
    """Overlapping squares that cover a picture; one, if the side is the picture's longer one."""
    step = 0.6 * side  # a face of up to .4 of a square lies whole in one of them
    columns = 1 + max(0, int(np.ceil((width - side) / step)))
    rows = 1 + max(0, int(np.ceil((height - side) / step)))
    for y in np.linspace(min(side, height) / 2, height - min(side, height) / 2, rows):
        for x in np.linspace(min(side, width) / 2, width - min(side, width) / 2, columns):
            yield Region(float(x), float(y), side)


def _angle(left: Floats, right: Floats) -> float:
    return float(np.arctan2(right[1] - left[1], right[0] - left[0]))
