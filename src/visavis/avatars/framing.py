"""Which square of a picture an avatar shows: the head and shoulders of the face, within the picture's borders."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FACE_SHARE = 0.46
"""Height of the face, forehead to chin, as a share of the frame's: room for hair, shoulders and motion."""
_MIDDLE = 0.52  # of the frame's height, where the middle of the face comes to lie
_BORDER = 0.015  # of the picture's side: the widest frame around a picture that is cut off
_STEP = 16.0  # grey levels between a frame and the picture, for three quarters of the pixels along it
_TIGHTEST = 1.12  # the frame's side in extents of the face: tighter, the chin would leave it when the mouth opens


@dataclass(frozen=True, slots=True)
class Square:
    """A square of whole pixels in a picture; it may reach over the picture's border where that is unavoidable."""

    left: int
    top: int
    side: int

    def cut(self, pixels: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        """(size, size, …): what is in the square, scaled; beyond the picture's border its edge is repeated."""
        height, width = pixels.shape[:2]
        right, bottom = self.left + self.side, self.top + self.side
        inside = pixels[max(self.top, 0) : min(bottom, height), max(self.left, 0) : min(right, width)]
        beyond = (max(-self.top, 0), max(bottom - height, 0), max(-self.left, 0), max(right - width, 0))
        if any(beyond):
            inside = np.asarray(cv2.copyMakeBorder(inside, *beyond, cv2.BORDER_REPLICATE), np.uint8)
        how = cv2.INTER_AREA if self.side > 1.5 * size else cv2.INTER_CUBIC  # a slight reduction needs no averaging
        return np.asarray(cv2.resize(inside, (size, size), interpolation=how), np.uint8)

    def to_frame(self, points: Floats, size: int) -> Floats:
        """(…, 2 or 3) points of the picture in the frame that `cut` gives, in pixels; z is scaled alike."""
        moved = points.astype(np.float32, copy=True)
        moved[..., 0] -= self.left
        moved[..., 1] -= self.top
        return moved * np.float32(size / self.side)


def frame_faces(meshes: Floats, width: int, height: int) -> Square:
    """The square for a face, or for one that moves: (t, 468, 3) meshes in pixels of a picture of that size.

    The face's height is `FACE_SHARE` of the frame's where the picture allows it. Where it does not, the square is
    moved, then made smaller; only a face larger than what is left makes it reach over the border.
    """
    heights = np.linalg.norm(meshes[:, 10, :2] - meshes[:, 152, :2], axis=-1)
    low, high = meshes[..., :2].min(axis=(0, 1)), meshes[..., :2].max(axis=(0, 1))
    needed = _TIGHTEST * float((high - low).max())
    wanted = max(float(np.median(heights)) / FACE_SHARE, needed)
    side = round(max(min(wanted, width, height), needed))
    x, y = (low + high) / 2
    return Square(_place(x - side / 2, side, width), _place(y - _MIDDLE * side, side, height), side)


def unbordered(pixels: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The rows and columns of a picture (h, w, 3) without the thin frame that a scan or a screenshot may have.

    A frame ends in a step that nearly every pixel along it shares, within `_BORDER` of the edge. It must not be seen
    at all: where a head moves away from the picture's edge, what lies on the edge fills the room.
    """
    rows = _without_steps(pixels)
    columns = _without_steps(pixels.transpose(1, 0, 2))
    return rows, columns


def _without_steps(pixels: NDArray[np.uint8]) -> slice:
    length = len(pixels)
    reach = max(round(_BORDER * length), 2)
    if length < 4 * reach:
        return slice(0, length)
    begin = _after_step(pixels[: 3 * reach], reach)
    return slice(begin, length - _after_step(pixels[::-1][: 3 * reach], reach))


def _after_step(lines: NDArray[np.uint8], reach: int) -> int:
    """How many of the first lines lie before the last step among the first `reach`."""
    change = np.abs(np.diff(lines.astype(np.int16), axis=0)).max(axis=2)
    steps = np.quantile(change, 0.25, axis=1)
    usual = float(np.median(np.quantile(change[reach:], 0.75, axis=1)))
    (found,) = np.nonzero(steps[:reach] > max(_STEP, 2 * usual))
    return int(found[-1]) + 1 if len(found) else 0


def _place(start: float, side: int, length: int) -> int:
    """Where a stretch of `side` begins: within `length` if it fits, over both ends alike if not."""
    return round(min(max(start, 0), length - side)) if side <= length else (length - side) // 2
