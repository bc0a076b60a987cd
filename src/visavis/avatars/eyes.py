"""Eyes: the iris network's answer put in the face mesh's terms, and kept only where it makes sense."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_MOST = 0.25  # of the eye's length: further, a lid is not moved
_FOLLOW = (1.0, 1.0, 0.5)  # how far the lid's own edge, the crease and the ring around it go along


@dataclass(frozen=True, slots=True)
class Eye:
    """An eye in the 468-point mesh. Of its lids the network gives the points in this order, the lower one first."""

    mirrored: bool
    """The network knows the eye on the viewer's left; the other one is shown to it in a mirror."""
    corners: tuple[int, int]
    """Outer and inner."""
    lower: tuple[tuple[int, ...], ...]
    """The lid's edge from the outer to the inner corner, without them; then the rings around it."""
    upper: tuple[tuple[int, ...], ...]


EYES = (
    Eye(
        mirrored=False,
        corners=(33, 133),
        lower=((7, 163, 144, 145, 153, 154, 155),
               (25, 110, 24, 23, 22, 26, 112),
               (31, 228, 229, 230, 231, 232, 233)),
        upper=((246, 161, 160, 159, 158, 157, 173),
               (247, 30, 29, 27, 28, 56, 190),
               (113, 225, 224, 223, 222, 221, 189)),
    ),
    Eye(
        mirrored=True,
        corners=(263, 362),
        lower=((249, 390, 373, 374, 380, 381, 382),
               (255, 339, 254, 253, 252, 256, 341),
               (261, 448, 449, 450, 451, 452, 453)),
        upper=((466, 388, 387, 386, 385, 384, 398),
               (467, 260, 259, 257, 258, 286, 414),
               (342, 445, 444, 443, 442, 441, 413)),
    ),
)  # fmt: skip
"""The eyes on the viewer's left and right."""


def iris_fits(iris: Floats, landmarks: Floats, eye: Eye) -> bool:
    """Whether an iris (5, 2) can belong to the eye: inside it, and of a size an iris can have."""
    outer, inner = landmarks[list(eye.corners), :2]
    length, along, across = _frame(outer, inner)
    offset = (iris[0] - outer) / length
    radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean()) / length
    return bool(0.05 < offset @ along < 0.95 and abs(offset @ across) < 0.3 and 0.1 < radius < 0.42)


def drawn_iris(landmarks: Floats, eye: Eye) -> Floats:
    """(5, 2): a circle of the usual size in the middle of the lids' opening."""
    outer, inner = landmarks[list(eye.corners), :2]
    centre = landmarks[[*eye.lower[0], *eye.upper[0]], :2].mean(axis=0)
    radius = 0.2 * float(np.linalg.norm(inner - outer))
    return np.asarray(centre + radius * np.array(((0, 0), (1, 0), (0, -1), (-1, 0), (0, 1))), np.float32)


def with_lids(landmarks: Floats, eye: Eye, contour: Floats) -> Floats:
    """The mesh (468, 3) with the lids as far open as the network's contour (16, 2) says.

    The mesh knows the corners of an eye best, and draws the large eyes of cartoons half closed; the network knows
    how far they are open. So each lid point keeps its place along the eye and takes the contour's across it.
    """
    moved = landmarks.copy()
    outer, inner = landmarks[list(eye.corners), :2]
    length, along, across = _frame(outer, inner)
    own_length, own_along, _ = _frame(contour[0], contour[8])
    for rings, edge in ((eye.lower, contour[:9]), (eye.upper, contour[[0, *range(9, 16), 8]])):
        place = (edge - contour[0]) @ own_along / own_length
        height = (edge - outer) @ across
        order = np.argsort(place)
        now = landmarks[list(rings[0]), :2] - outer
        at = now @ along / length
        shift = np.interp(at, place[order], height[order]) - now @ across
        # towards the corners, which stay where they are, less and less of what the contour's corners are off
        shift -= (2 * at - 1) ** 2 * np.interp(at, (0, 1), (height[0], height[-1]))
        shift = np.clip(shift, -_MOST * length, _MOST * length)
        for ring, share in zip(rings, _FOLLOW, strict=True):
            moved[list(ring), :2] += (share * shift[:, None] * across).astype(np.float32)
    return moved


def _frame(start: Floats, end: Floats) -> tuple[float, Floats, Floats]:
    """Distance, direction and normal from one point to another."""
    axis = end - start
    length = float(np.linalg.norm(axis)) or 1.0
    along = axis / np.float32(length)
    return length, along, np.array((-along[1], along[0]), np.float32)
