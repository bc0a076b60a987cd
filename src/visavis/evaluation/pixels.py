"""Raw pictures against the plate they are made from: what changes where nothing should, seams, flicker. Grey levels."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def change_outside(plate: Picture, frame: Picture, inside: Mask) -> int:
    """The largest difference of any channel between two (h, w, 3) pictures outside the (h, w) mask, in grey levels."""
    difference = np.abs(plate[..., :3].astype(np.int16) - frame[..., :3])[~inside]
    return int(difference.max(initial=0))


def seam_excess(plate: Picture, frame: Picture, inside: Mask) -> float:
    """How much steeper the picture is at the mask's border than the plate is there, in grey levels a pixel.

    The mean length of the luma's gradient over the two pixels on each side of the border, frame less plate, never
    below 0. A seam, a step or a smear where a warped region meets the rest, shows here; 0.3 is not visible.
    """
    ring = _border(inside)
    if not ring.any():
        return 0.0
    return max(0.0, float((_gradient(frame) - _gradient(plate))[ring].mean()))


def static_flicker(frames: Sequence[Picture]) -> int:
    """The largest difference of any channel between pictures of a face that does not move, in grey levels."""
    first = frames[0].astype(np.int16)
    return max((int(np.abs(first - frame).max()) for frame in frames[1:]), default=0)


def _border(inside: Mask) -> Mask:
    """(h, w) the two pixels on each side of the border, the picture's own edge left out."""
    mask = inside.astype(np.uint8)
    square = np.ones((5, 5), np.uint8)
    ring = cv2.dilate(mask, square) != cv2.erode(mask, square, borderType=cv2.BORDER_REPLICATE)
    ring[[0, -1]] = ring[:, [0, -1]] = False
    return np.asarray(ring, bool)


def _gradient(picture: Picture) -> NDArray[np.float32]:
    """(h, w) length of the luma's gradient, central differences, in grey levels a pixel."""
    grey = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_RGB2GRAY).astype(np.float32)
    down, right = np.gradient(grey)
    return np.asarray(np.hypot(down, right), np.float32)
