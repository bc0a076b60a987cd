"""What shows between the lips: the rig's sprites laid over one another, moved with the jaw and shaded by the lips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.frame import MouthFrame
from visavis.avatars.rig.fringe import HALF, REACH, ROOT
from visavis.avatars.rig.sampling import Floats, Picture
from visavis.engines.animation.mouth import Lips, Warped
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.warp import laid

_CONTACT_WIDTH = 0.016  # of the line where lips touch, in mouth widths
_BARED = 0.07  # how much of the lower teeth a lip can show that falls without the jaw, in mouth widths
_BITE = 0.06  # how much of a tucked lower lip the upper teeth hide, in mouth widths


class Interior:
    """The inside of one avatar's mouth, and how the two lips and it make one picture."""

    def __init__(self, rig: Mapping[str, NDArray[Any]], frame: MouthFrame) -> None:
        self._frame = frame
        self._rim = np.asarray(rig["mouth.flesh"], np.float32) * np.array([0.38, 0.27, 0.27], np.float32)
        self._fringe = rig.get("mouth.fringe")
        self._x, self._y = (int(v) for v in rig["mouth.box"])
        self._sprites = {
            name: np.ascontiguousarray(rig[f"mouth.{name}"], np.uint8)
            for name in ("cavity", "upper_teeth", "lower_teeth", "tongue")
        }

    def compose(self, upper: Picture, lower: Picture, warped: Warped) -> Floats:
        """Both lips' sides of the band as one picture, float32 RGB, the line of contact drawn where there is one."""
        away = (warped.below_upper + warped.below_lower) * np.float32(0.5)
        side = _limited(away + np.float32(0.5))
        picture = cv2.blendLinear(upper, lower, 1 - side, side).astype(np.float32)
        if warped.contact is not None:
            sigma = np.float32(max(_CONTACT_WIDTH * self._frame.width, 0.8))
            away *= 1 / sigma
            picture *= _threefold(1 - warped.contact * np.exp(-away * away))
        return picture

    def draw(self, picture: Floats, warped: Warped, corner: tuple[int, int], lips: Lips, pose: Pose) -> None:
        """Lay teeth, tongue and cavity between parted lips, in place; `corner` is where the band lies on the plate."""
        coverage = _limited(warped.below_upper + np.float32(0.5))
        # a lower lip that is tucked in lies behind the upper teeth
        bite = _BITE * self._frame.width * pose.tuck * max(1 - pose.aperture / 0.35, 0.0)
        shown = coverage - _limited(warped.below_lower + np.float32(0.5 - bite)) if bite else None
        coverage -= _limited(warped.below_lower + np.float32(0.5))
        # the sprites' box bounds what can be shown
        x0, y0 = corner
        height, width = self._sprites["cavity"].shape[:2]
        left, top = max(self._x - x0, 0), max(self._y - y0, 0)
        right, bottom = min(self._x + width - x0, picture.shape[1]), min(self._y + height - y0, picture.shape[0])
        if right <= left or bottom <= top:
            return
        seen = coverage if shown is None else shown
        x, y, w, h = cv2.boundingRect((seen[top:bottom, left:right] > 0.004).astype(np.uint8))
        if not w or not h:
            return
        view = (slice(top + y, top + y + h), slice(left + x, left + x + w))
        at = (left + x + x0 - self._x, top + y + y0 - self._y)

        sprites = np.ascontiguousarray(self._sprites["cavity"][at[1] : at[1] + h, at[0] : at[0] + w, :3])
        # teeth part with the jaw, lips also without it: behind those of an s or an i the teeth nearly meet. Round lips
        # stand before the lower ones
        jaw = min(max(pose.jaw, 0.15) / max(pose.aperture, 0.15), 1.0)
        fall = max(lips.lower * max(jaw, pose.round**2), lips.lower - _BARED)
        raised = -0.05 * pose.round
        for name, down in (
            ("tongue", 0.025 + 0.38 * fall - 0.11 * pose.tongue),
            ("lower_teeth", 0.95 * fall - 0.020),
            ("upper_teeth", raised),
        ):
            sprites = laid(self._sprites[name], self._shift(down), at, sprites)
        inside = sprites.astype(np.float32)
        # lips let less light in the less they part, and the further they come forward
        lit = np.float32((0.78 + 0.22 * min(lips.gap / 0.25, 1.0)) * (1 - 0.25 * pose.round))
        unit = np.float32(1 / self._frame.width)
        light = lit - np.float32(0.42) * lit * np.exp(np.maximum(warped.below_upper[view], 0) * (unit / -0.040))
        inside *= _threefold(light)
        # lips are thick: they turn inwards before they end
        rim = np.float32(0.60) * np.exp(np.minimum(warped.below_lower[view], 0) * (unit / 0.018))
        inside += (self._rim - inside) * _threefold(rim)
        under = picture[view]
        under += (inside - under) * _threefold(coverage[view])
        if shown is not None:
            teeth = self._cut("upper_teeth", at, (w, h), raised)
            _over(under, teeth * (shown[view] * (0.5 + 0.5 * light))[..., None])
        if self._fringe is not None:
            out = min(lips.gap / 0.30 + 0.35 * pose.tuck, 1.0)
            hung = np.flatnonzero((warped.below_upper[view] < out * REACH * self._frame.width).any(axis=1))
            rows = top + y + int(hung.max(initial=0)) + 1
            y = max(top + y - round(ROOT * self._frame.width), 0)
            view = (slice(y, rows), view[1])
            self._hang(self._fringe, picture[view], warped, view, (x0 + view[1].start, y0 + y), out)

    def _hang(
        self,
        fringe: Picture,
        picture: Floats,
        warped: Warped,
        view: tuple[slice, slice],
        at: tuple[int, int],
        out: float,
    ) -> None:
        """Lay hair over a view of the band that lies `at` on the plate, in place; `out` 0 … 1: how far it hangs."""
        rows, columns = fringe.shape[:2]
        height, width = picture.shape[:2]
        # s is an affine function of a pixel's place
        (a, b), _ = np.linalg.inv(self._frame.axes) / self._frame.width
        x, y = at - self._frame.origin
        s = a * (x + np.arange(width)) + b * (y + np.arange(height)[:, None]) - self._frame.middle
        across = ((s + HALF) * ((columns - 1) / (2 * HALF))).astype(np.float32)
        below = warped.below_upper[view] * np.float32(1 / self._frame.width)
        below = np.where(below > 0, below * np.float32(1 / max(out, 0.05)), below) + np.float32(ROOT)
        down = below * np.float32((rows - 1) / (ROOT + REACH))
        hair = cv2.remap(fringe, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT).astype(np.float32)
        above_lower = _limited(np.float32(0.5) - warped.below_lower[view]) * np.float32(min(4 * out, 1.0))
        _over(picture, hair * above_lower[..., None])

    def _shift(self, down: float) -> tuple[float, float]:
        """So many mouth widths down along the face, in pixels."""
        dx, dy = (self._frame.axes[:, 1] * (down * self._frame.width)).tolist()
        return dx, dy

    def _cut(self, name: str, at: tuple[int, int], size: tuple[int, int], down: float) -> Floats:
        """A part of a sprite, after it moved `down` by that many mouth widths along the face."""
        dx, dy = self._shift(down)
        shift = np.array([[1, 0, dx - at[0]], [0, 1, dy - at[1]]], np.float32)
        return np.asarray(cv2.warpAffine(self._sprites[name], shift, size, borderMode=cv2.BORDER_REPLICATE), np.float32)


def _over(picture: Floats, sprite: Floats) -> None:
    """Lay a sprite whose colours are multiplied by its opacity over a picture, in place."""
    *colours, opacity = cv2.split(sprite)
    picture *= _threefold(1 - opacity * np.float32(1 / 255))
    picture += cv2.merge(colours)


def _threefold(plane: Floats) -> Floats:
    """A plane for each of three colours: faster than to let NumPy repeat it for each value."""
    return np.asarray(cv2.merge([plane, plane, plane]))


def _limited(plane: Floats) -> Floats:
    """What is below 0 or above 1 cut off, in place."""
    np.maximum(plane, 0, out=plane)
    return np.minimum(plane, 1, out=plane)
