"""A picture warped by a coarse grid, in C where the package was built with a compiler, else by OpenCV.

Both read the picture between its pixels with the nearest four, and give a pixel that does not move exactly. They
differ by one grey level at most in all but a few pixels; C takes a third of the time, since it lays out no map.
"""

from __future__ import annotations

import cv2
import numpy as np

from visavis.avatars.rig.sampling import Floats, Picture, enlarge, sample

try:
    from visavis.engines.animation import _warp
except ImportError:  # built without a compiler
    _warp = None  # type: ignore[assignment]

COMPILED = _warp is not None


class GridWarp:
    """The warp of pictures of one shape by a grid of nodes of one shape."""

    def __init__(self, shape: tuple[int, ...], nodes: Floats, compiled: bool = COMPILED) -> None:
        """`shape` of the pictures, (h, w, …); `nodes` (rows, columns, 2): pixel indices where the nodes stand."""
        self._height, self._width = shape[:2]
        self._rows, self._columns = nodes.shape[:2]
        steps = self._width / self._columns, self._height / self._rows
        self._x, self._y = (
            np.ascontiguousarray(np.concatenate([[line[0] - step], line, [line[-1] + step]]), np.float32)
            for line, step in zip((nodes[0, :, 0], nodes[:, 0, 1]), steps, strict=True)
        )
        self._compiled = compiled
        if not compiled:
            self._identity = np.stack(
                np.meshgrid(np.arange(self._width, dtype=np.float32), np.arange(self._height, dtype=np.float32)), -1
            )

    def __call__(self, picture: Picture, back: Floats, behind: Picture | None = None) -> Picture:
        """The picture (h, w, 3 or 4) with each node's colour taken from `back` (rows, columns, 2) pixels away.

        With `behind` (h, w, 3), the picture's four channels are colours multiplied by their opacity, and it: what
        comes back is the one laid over the other, (h, w, 3).
        """
        if not self._compiled:
            moved = np.asarray(sample(picture, enlarge(back, (self._width, self._height)) + self._identity), np.uint8)
            return moved if behind is None else over(moved, behind)
        # beyond the outermost nodes the displacement stays what it is there
        at = np.empty((self._rows + 2, self._columns + 2, 2), np.float32)
        at[1:-1, 1:-1] = back
        at[0], at[-1] = at[1], at[-2]
        at[:, 0], at[:, -1] = at[:, 1], at[:, -2]
        at[..., 0] += self._x
        at[..., 1] += self._y[:, None]
        picture = np.ascontiguousarray(picture)
        out = np.empty_like(picture if behind is None else behind)
        _warp.warp(picture, picture.shape, at, self._x, self._y, behind, out)
        return out


def over(picture: Picture, behind: Picture) -> Picture:
    """Colours multiplied by their opacity (h, w, 4) laid over opaque ones (h, w, 3)."""
    through = cv2.multiply(behind, cv2.cvtColor(255 - picture[..., 3], cv2.COLOR_GRAY2RGB), scale=1 / 255)
    return np.asarray(cv2.add(through, np.ascontiguousarray(picture[..., :3])), np.uint8)
