"""A picture warped by a coarse grid, in C where the package was built with a compiler, else by OpenCV.

Both read the picture between its pixels with the nearest four, and give a pixel that does not move exactly. They
differ by one grey level at most in all but a few pixels; C takes a sixth of the time, since it lays out no map.
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
    """The warp of a part of pictures of one shape by a grid of nodes."""

    def __init__(
        self,
        shape: tuple[int, ...],
        nodes: Floats,
        box: tuple[int, int, int, int] | None = None,
        compiled: bool = COMPILED,
    ) -> None:
        """`shape` of the pictures, (h, w, …); `nodes` (rows, columns, 2): pixel indices where the nodes stand, in
        equal steps; `box` of pixels to draw, left, top, right and bottom: by default, all.
        """
        self._box = box or (0, 0, shape[1], shape[0])
        left, top, right, bottom = self._box
        lines = nodes[0, :, 0], nodes[:, 0, 1]
        steps = [float(line[-1] - line[0]) / (len(line) - 1) for line in lines]
        # beyond the outermost nodes the displacement stays what it is there
        self._x, self._y = (
            np.concatenate([[line[0] - step], line, [line[-1] + step]]).astype(np.float32)
            for line, step in zip(lines, steps, strict=True)
        )
        self._compiled = compiled
        if not compiled:
            # nodes stand where cv2.resize takes its samples to be
            self._size = round(nodes.shape[1] * steps[0]), round(nodes.shape[0] * steps[1])
            x, y = (round(float(line[0]) - (step - 1) / 2) for line, step in zip(lines, steps, strict=True))
            self._cut = slice(top - y, bottom - y), slice(left - x, right - x)
            self._identity = np.stack(
                np.meshgrid(np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)), -1
            )

    def __call__(
        self,
        picture: Picture,
        back: Floats,
        behind: Picture | None = None,
        rows: slice = slice(None),
        channels: int | None = None,
    ) -> Picture:
        """The picture (h, w, 3 or 4) with each node's colour taken from `back` (rows, columns, 2) pixels away.

        With `behind`, (h, w, 3) as large as what is drawn, the picture's four channels are colours multiplied by their
        opacity, and it: what comes back is the one laid over the other. `rows` of the box are drawn; of four channels,
        the first three where `channels` says so.
        """
        left, top, right, bottom = self._box
        first, last, _ = rows.indices(bottom - top)
        channels = channels or (picture.shape[2] if behind is None else 3)
        out = np.empty((max(last - first, 0), right - left, channels), np.uint8)
        if not out.size:
            return out
        if not self._compiled:
            at = (enlarge(back, self._size)[self._cut] + self._identity)[first:last]
            moved = np.asarray(sample(picture, at), np.uint8)
            return np.ascontiguousarray(moved[..., :channels]) if behind is None else over(moved, behind[first:last])
        picture, back = readable(picture), np.ascontiguousarray(back, np.float32)
        ground = None if behind is None else np.ascontiguousarray(behind[first:last])
        _warp.warp(picture, picture.shape, back, self._x, self._y, ground, out, (left, top + first), out.shape)
        return out


def laid(sprite: Picture, shift: tuple[float, float], corner: tuple[int, int], ground: Picture) -> Picture:
    """A sprite (h, w, 4), its colours multiplied by their opacity, moved by `shift` pixels and laid over `ground`,
    (m, n, 3), whose first pixel lies at `corner` of the sprite, x first.
    """
    (left, top), (height, width) = corner, ground.shape[:2]
    if not COMPILED:
        moves = np.array([[1, 0, shift[0] - left], [0, 1, shift[1] - top]], np.float32)
        border = cv2.BORDER_REPLICATE
        return over(np.asarray(cv2.warpAffine(sprite, moves, (width, height), borderMode=border), np.uint8), ground)
    out, back = np.empty_like(ground), np.array([[[-shift[0], -shift[1]]]], np.float32)
    x, y = (np.array([first - 1, first, first + n + 1], np.float32) for first, n in ((left, width), (top, height)))
    _warp.warp(sprite, sprite.shape, back, x, y, ground, out, corner, out.shape)
    return out


def readable(picture: Picture) -> Picture:
    """A picture as C reads it, of four channels."""
    if picture.shape[2] == 3:
        picture = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA), np.uint8)
    return np.ascontiguousarray(picture)


def over(picture: Picture, behind: Picture) -> Picture:
    """Colours multiplied by their opacity (h, w, 4) laid over opaque ones (h, w, 3)."""
    through = cv2.multiply(behind, cv2.cvtColor(255 - picture[..., 3], cv2.COLOR_GRAY2RGB), scale=1 / 255)
    return np.asarray(cv2.add(through, np.ascontiguousarray(picture[..., :3])), np.uint8)
