"""A face cut out as restorers know faces, and what they made of it laid back into its picture.

The cut is a similarity that lays five points of the face (the eyes' centres, the nose's tip, the mouth's corners) as
near as can be to where the faces of FFHQ (arXiv:1812.04948) have them on average, in the least-squares sense (Umeyama
1991). Laid back is not the restored cut but what restoring changed in it: a picture keeps what the cut has lost by
being resampled, and what nobody restored stays as it was, to the bit.

Pictures are RGB (h, w, 3) uint8. Landmarks have (0, 0) at the picture's corner, matrices count a pixel's middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.topology import OVAL

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

SIZE = 512
"""Pixels of a side of the cut."""
TEMPLATE = np.array([(193.0, 239.9), (318.9, 240.2), (256.6, 314.0), (201.3, 371.4), (313.1, 371.2)])
"""Where the five points lie in the cut: FFHQ's averages."""
_POINTS = (33, 133), (362, 263), (1, 4), (61,), (291,)
"""Of the mesh, whose means are the five points: the eyes' corners, the nose's tip and what is above it, the mouth's."""
_FEATHER = 32
"""Pixels of the cut over which the mask falls from 1 to 0."""
_WIDER = 0.1
"""How much wider than the mesh the mask is, so that it falls where the face ends, not inside it."""


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """A face cut out of a picture."""

    matrix: NDArray[np.float64]
    """(2, 3): from a pixel's index (x, y) in the picture to that in the cut; a similarity."""
    crop: Floats
    """(512, 512, 3) RGB, 0 to 255; beyond the picture's edge, its edge."""
    mask: Floats
    """(512, 512): 1 in the face, falling smoothly to 0 around it."""


def align(picture: Picture, landmarks: Floats) -> Aligned:
    """The face with these landmarks, (468, 2 or 3) pixels."""
    points = np.asarray(landmarks[:, :2], np.float64) - 0.5
    matrix = similarity(np.array([points[list(each)].mean(axis=0) for each in _POINTS]), TEMPLATE)
    crop = _drawn(picture.astype(np.float32), matrix, (SIZE, SIZE), cv2.BORDER_REPLICATE)
    return Aligned(matrix, crop, _face_mask(_moved(points[list(OVAL)], matrix)))


def similarity(points: NDArray[np.float64], onto: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3): the rotation, scaling and shift that lays points (n, 2) nearest to others, in least squares.

    In the plane, with points as complex numbers, Umeyama's solution is one regression coefficient.
    """
    middle, other = points.mean(axis=0), onto.mean(axis=0)
    z, w = ((each - mean) @ (1, 1j) for each, mean in ((points, middle), (onto, other)))
    turn = complex(np.vdot(z, w) / np.vdot(z, z))
    linear = np.array([(turn.real, -turn.imag), (turn.imag, turn.real)])
    return np.column_stack([linear, other - linear @ middle])


def paste(
    picture: Picture,
    restored: NDArray[np.floating[Any]],
    aligned: Aligned,
    weight: float = 1.0,
    mask: Floats | None = None,
    upscale: float = 1.0,
) -> Picture:
    """The picture with its face as restored, (512, 512, 3) RGB, 0 to 255.

    A `weight` of 0.5 goes half the way there; `mask` (512, 512) in [0, 1] replaces the face's own. `upscale` enlarges
    the picture first, so that more of what was restored is seen: (h, w, 3) becomes (upscale · h, upscale · w, 3).
    """
    matrix = aligned.matrix
    if upscale != 1.0:
        picture = np.asarray(cv2.resize(picture, None, fx=upscale, fy=upscale, interpolation=cv2.INTER_CUBIC), np.uint8)
        matrix = _of_enlarged(matrix, upscale)
    change = (np.asarray(restored, np.float32) - aligned.crop) * (aligned.mask if mask is None else mask)[..., None]
    back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
    height, width = picture.shape[:2]
    corners = _moved(np.array([(-1, -1), (SIZE, -1), (SIZE, SIZE), (-1, SIZE)], np.float64), back)
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, (width, height)).astype(int)
    out = picture.copy()
    if left < right and top < bottom:
        back[:, 2] -= left, top
        change = _drawn(change, back, (right - left, bottom - top), cv2.BORDER_CONSTANT)
        box = slice(top, bottom), slice(left, right)
        out[box] = np.clip(np.rint(picture[box] + np.float32(weight) * change), 0, 255).astype(np.uint8)
    return out


def _of_enlarged(matrix: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """The matrix for the picture enlarged: pixels' middles lie at halves, which an index does not show."""
    linear = matrix[:, :2] / scale
    return np.column_stack([linear, matrix[:, 2] + matrix[:, :2] @ np.full(2, 0.5 / scale - 0.5)])


def _moved(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:, :2].T + matrix[:, 2]


def _drawn(values: Floats, matrix: NDArray[np.float64], size: tuple[int, int], border: int) -> Floats:
    """Values (h, w, c) moved by a similarity, as (width, height) pixels; smoothed before where they shrink."""
    scale = float(np.hypot(*matrix[:, 0]))
    if scale < 1.0:
        # as wide as the larger pixels are, less what the smaller ones are already
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), 0.5 * (scale**-2 - 1.0) ** 0.5 + 1e-3), np.float32)
    return np.asarray(cv2.warpAffine(values, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border), np.float32)


def _face_mask(outline: NDArray[np.float64]) -> Floats:
    """The inside of an outline (n, 2) in the cut, widened a little, with a smooth edge; 0 on the cut's own edge."""
    middle = outline.mean(axis=0)
    wider = middle + (outline - middle) * (1 + _WIDER)
    filled = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(filled, [np.rint(wider).astype(np.int32)], (1,))
    filled[[0, -1]] = filled[:, [0, -1]] = 0
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    part = np.clip(np.asarray(depth, np.float32) / _FEATHER, 0, 1)
    mask = part * part * (3 - 2 * part)
    # a distance has ridges where it is as far to two sides
    smooth = np.asarray(cv2.GaussianBlur(mask, (0, 0), _FEATHER / 8), np.float32)
    return np.asarray(np.minimum(smooth, np.clip(np.asarray(depth, np.float32) / 4, 0, 1)), np.float32)
