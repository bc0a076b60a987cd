"""The eyes' motion: an iris slides over its eyeball, lids slide over both, and a shut eye is a picture of its own.

Lids that move a little are the picture's own, carried along with their lashes; one that comes down further would drag
them over the eye, so there the shut eye that the rig painted shows above the lid's edge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.eye_frame import EyeFrame, Opening
from visavis.avatars.rig.sampling import Floats, Picture, sample
from visavis.engines.animation.fade import fade
from visavis.engines.animation.pose import Pose

_GAZE = 0.11, 0.05  # how far the iris goes sideways and up or down at full gaze, in eye lengths
_FOLLOW = 0.5  # of the iris' way down that the upper lid goes with it
_WIDE = 0.05  # how far the upper lid rises, in eye lengths
_SQUINT = 0.16, 0.30  # how far upper and lower lid close, in heights of the opening
_CARRIED = 0.25  # how much of the skin above and below goes with a lid, in eye lengths
_PAINTED = 0.15, 0.45  # blink from which and at which the painted lid replaces the picture's own
_MEETING = 0.8, 1.0  # blink from which and at which no crack stays open in the corners


class Eyes:
    """Both eyes of one avatar."""

    def __init__(self, rig: Mapping[str, NDArray[Any]], plate: Picture) -> None:
        self._eyes = [_Eye(rig, eye, plate) for eye in (0, 1)]

    @property
    def areas(self) -> list[tuple[slice, slice]]:
        """Rows and columns of the plate that each eye can change."""
        return [eye.area for eye in self._eyes]

    def draw(self, picture: Picture, pose: Pose) -> None:
        """Draw the eyes as in `pose`, in place."""
        for eye, blink, squint, wide in zip(self._eyes, pose.blink, pose.squint, pose.wide, strict=True):
            if any((blink, squint, wide, *pose.gaze)):
                eye.draw(picture, blink, squint, wide, pose.gaze)


class _Eye:
    def __init__(self, rig: Mapping[str, NDArray[Any]], eye: int, plate: Picture) -> None:
        frame = EyeFrame.from_arrays(rig, eye)
        self._length, self._along, self._down = np.float32(frame.length), frame.along, frame.down
        self.area = frame.area(plate.shape)
        self._plate = np.ascontiguousarray(plate[self.area])
        self._pixel = frame.pixels(self.area)
        u, v = np.moveaxis(frame.to_local(self._pixel), -1, 0)
        self._pixel -= self._pixel[0, 0]
        self._planes = [np.ascontiguousarray(plane) for plane in np.moveaxis(self._pixel, -1, 0)]
        left, right = (float(end) for end in rig["eyes.ends"][eye])
        opening = Opening((left, right), *rig["eyes.lids"][eye])
        upper, lower = opening.heights(u)
        self._opening: Floats = (lower - upper) * self._length
        # how far below the open lids' edges a pixel is, in pixels
        self._below_upper, self._below_lower = (v - upper) * self._length, (v - lower) * self._length
        across = np.abs(opening.across(u))
        self._bow: Floats = np.clip(1 - across**2, 0, 1)  # lids stay together in the corners
        aside = fade(across, 0.6, 1.2)
        self._carried_above = fade(upper - v, 0.0, _CARRIED) * aside
        self._carried_below = fade(v - lower, 0.0, _CARRIED) * aside
        # the eyeball is drawn in the part of the area where lids can uncover it
        ball, disc = rig[f"eyes.ball.{eye}"], rig[f"eyes.disc.{eye}"]
        shows = (across < 1) & (v > upper - 2 * _WIDE) & (v < lower + 0.02)
        self._socket = _box(shows)
        self._ball, self._iris = (np.ascontiguousarray(p[self._socket][..., :3]) for p in (ball, disc))
        self._round = disc[self._socket][..., 3].astype(np.float32) / 255
        self._inside = (fade(across, 0.9, 1.0) * ball[..., 3] / 255).astype(np.float32)[self._socket]
        closed = rig[f"eyes.closed.{eye}"]
        self._closed = np.ascontiguousarray(closed[..., :3])
        self._covered = closed[..., 3].astype(np.float32) / 255
        self._lashes = rig[f"eyes.lashes.{eye}"].astype(np.float32) / 255
        self._lash = np.broadcast_to(np.rint(rig["eyes.lash"][eye]).astype(np.uint8), self._closed.shape).copy()

    def draw(self, picture: Picture, blink: float, squint: float, wide: float, gaze: tuple[float, float]) -> None:
        n = float(self._length)
        right, down = (max(-1.0, min(1.0, g)) * amount * n for g, amount in zip(gaze, _GAZE, strict=True))
        lift = (1 - blink) * (_FOLLOW * down - _WIDE * wide * n)
        # pixels that the edges of the lids go down
        upper = np.float32(lift) * self._bow + np.float32(max(blink, _SQUINT[0] * squint)) * self._opening
        lower = np.float32(-_SQUINT[1] * squint * (1 - blink)) * self._opening
        painted = _part(blink, *_PAINTED)
        shown = self._plate.copy() if painted == 1 and not squint else self._lids(upper, lower)
        if blink < 1:
            socket = shown[self._socket]
            eyeball = self._eyeball(right, down, lift)
            socket[:] = _mix(socket, eyeball, self._between(upper[self._socket], lower[self._socket]))
        if painted:
            shown = self._shut(shown, upper, blink, painted)
        picture[self.area] = shown

    def _lids(self, upper: Floats, lower: Floats) -> Picture:
        """The picture's own skin, gone with the lids' edges."""
        below = lower * self._carried_below * (self._below_lower > lower) if lower.any() else np.float32(0)
        shift = np.where(self._below_upper < upper, upper * self._carried_above, below)
        x, y = (plane - shift * step for plane, step in zip(self._planes, self._down, strict=True))
        return np.asarray(cv2.remap(self._plate, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)

    def _eyeball(self, right: float, down: float, lift: float) -> Picture:
        """The socket's eyeball, its iris moved by so many pixels, as far as a lid lifted so far uncovers it."""
        moved = min(math.hypot(right, down) + max(-lift, 0.0), 1.0)
        still = np.ascontiguousarray(self._plate[self._socket])
        if not moved:
            return still
        x, y = right * self._along + down * self._down
        moves, size = np.array([[1, 0, x], [0, 1, y]], np.float32), self._round.shape[::-1]
        iris = np.asarray(cv2.warpAffine(self._iris, moves, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        ball = _mix(self._ball, iris, np.asarray(cv2.warpAffine(self._round, moves, size), np.float32))
        # what is hardly moved is the picture itself
        return ball if moved == 1 else np.asarray(cv2.addWeighted(still, 1 - moved, ball, moved, 0), np.uint8)

    def _between(self, upper: Floats, lower: Floats) -> Floats:
        """Where in the socket the eye shows between edges that went down by so many pixels."""
        below = np.clip(self._below_upper[self._socket] - upper + np.float32(0.5), 0, 1)
        above = np.clip(lower - self._below_lower[self._socket] + np.float32(0.5), 0, 1)
        return np.asarray(below * above * self._inside, np.float32)

    def _shut(self, shown: Picture, edge: Floats, blink: float, painted: float) -> Picture:
        """The shut eye's skin above the lid's edge, and its lashes on it; the whole shut eye where the lids meet."""
        above = np.clip(edge - self._below_upper + np.float32(0.5), _part(blink, *_MEETING), 1)
        shown = _mix(shown, self._closed, above * (self._covered * np.float32(painted)))
        up = self._opening - edge
        lashes = sample(self._lashes, self._pixel + up[..., None] * self._down)
        return _mix(shown, self._lash, np.asarray(lashes * np.float32(painted), np.float32))


def _box(inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The rows and columns in which an array is true; one of each where it is nowhere."""
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    return tuple(slice(int(i[0]), int(i[-1]) + 1) if len(i) else slice(0, 1) for i in (rows, columns))  # type: ignore[return-value]


def _part(x: float, begin: float, end: float) -> float:
    """0 up to `begin`, 1 from `end`."""
    return min(max((x - begin) / (end - begin), 0.0), 1.0)


def _mix(under: Picture, over: Picture, opacity: Floats) -> Picture:
    return np.asarray(cv2.blendLinear(np.ascontiguousarray(under), over, 1 - opacity, opacity), np.uint8)
