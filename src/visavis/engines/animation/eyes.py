"""The eyes' motion: gaze slides the iris behind the lids, and a painted lid slides over the eye.

A lid that is warped drags its lashes over the eye; so a blink paints skin, in the colours found above and below the
eye, from the crease down to where the lid's edge is, with a line of lashes on that edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.eyes import ALONG
from visavis.avatars.rig.sampling import Floats, sample
from visavis.engines.animation.fade import fade
from visavis.engines.animation.pose import Pose

_GAZE = 0.11, 0.05  # how far the iris goes sideways and up or down at full gaze, in eye lengths
_MARGIN = 0.32  # around the eye, in eye lengths
_LASHES = 0.09  # what of the skin above the lid's edge is painted over, to hide the lashes of the open eye


class Eyes:
    """Both eyes of one avatar."""

    def __init__(self, rig: Mapping[str, NDArray[Any]], plate: NDArray[np.uint8]) -> None:
        self._eyes = [_Eye(rig, eye, plate) for eye in (0, 1)]

    def draw(self, picture: NDArray[np.uint8], pose: Pose) -> None:
        """Draw the eyes as in `pose`, in place."""
        for eye, blink, squint, wide in zip(self._eyes, pose.blink, pose.squint, pose.wide, strict=True):
            eye.draw(picture, blink, squint, wide, pose.gaze)


class _Eye:
    def __init__(self, rig: Mapping[str, NDArray[Any]], eye: int, plate: NDArray[np.uint8]) -> None:
        height, width = plate.shape[:2]
        x, y, ax, ay, length = (float(v) for v in rig["eyes.frame"][eye])
        self._length = length
        along, down = np.array([ax, ay], np.float32), np.array([-ay, ax], np.float32)
        corner = np.array([x, y], np.float32)
        box = np.array([[-_MARGIN, -_MARGIN], [1 + _MARGIN, -_MARGIN], [-_MARGIN, 0.5], [1 + _MARGIN, 0.5]], np.float32)
        outline = corner + length * (box[:, :1] * along + box[:, 1:] * down)
        low = np.clip(np.floor(outline.min(axis=0)), 0, [width, height]).astype(int)
        high = np.clip(np.ceil(outline.max(axis=0)) + 1, 0, [width, height]).astype(int)
        self._area = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))
        self._pixel = np.stack(
            np.meshgrid(np.arange(low[0], high[0], dtype=np.float32), np.arange(low[1], high[1], dtype=np.float32)), -1
        )
        self._along, self._down = along, down
        offset = (self._pixel - corner) / np.float32(length)
        u, self._v = offset @ along, offset @ down

        def spread(values: Floats) -> Floats:
            """Values at `ALONG` for every pixel of the area."""
            planes = [np.interp(u, ALONG, column) for column in np.atleast_2d(values.T)]
            return np.asarray(np.stack(planes, axis=-1).squeeze(), np.float32)

        self._upper, self._lower = (spread(line) for line in rig["eyes.lids"][eye])
        self._above, self._below = (spread(colour) for colour in rig["eyes.skin"][eye])
        noise = np.random.default_rng(eye).normal(0, float(rig["eyes.grain"]), (*u.shape, 1)).astype(np.float32)
        self._above = self._above + noise
        self._below = self._below + noise
        self._lash: Floats = rig["eyes.lash"][eye]
        # lids end in the corners
        self._within = fade(np.abs(u - 0.5), 0.44, 0.53)
        self._spread = fade(np.abs(u - 0.5), 0.36, 0.52)
        centre_u, centre_v, radius = (float(v) for v in rig["eyes.iris"][eye])
        self._inside = (
            (1 - fade(self._v - self._upper, -0.02, 0.08))
            * (1 - fade(self._lower - self._v, -0.02, 0.08))
            # one long slope to the corners: a steeper one would fold the iris
            * fade(np.hypot(u - centre_u, self._v - centre_v), 0.5 * radius, 0.5 * radius + 0.36)
        )
        self._lift = np.exp(-(((self._v - self._upper) / 0.11) ** 2)) * fade(np.abs(u - 0.5), 0.15, 0.55)

    def draw(
        self, picture: NDArray[np.uint8], blink: float, squint: float, wide: float, gaze: tuple[float, float]
    ) -> None:
        if any(gaze) or wide:
            self._move(picture, wide * (1 - blink), gaze)
        lid = max(blink, 0.12 * squint)
        if lid > 0.01 or squint > 0.01:
            self._paint(picture, min(lid, 1.0), squint * (1 - blink))

    def _move(self, picture: NDArray[np.uint8], wide: float, gaze: tuple[float, float]) -> None:
        """Slide the iris, and lift the upper lid's edge."""
        n = self._length
        right, down = (max(-1.0, min(1.0, g)) * amount * n for g, amount in zip(gaze, _GAZE, strict=True))
        shift = (right * self._along + down * self._down) * self._inside[..., None]
        shift -= self._down * ((0.06 * n * wide) * self._lift)[..., None]
        picture[self._area] = sample(picture, self._pixel - shift)

    def _paint(self, picture: NDArray[np.uint8], lid: float, squint: float) -> None:
        """Paint the upper lid down to its edge, and the lower one up to its own."""
        n = np.float32(self._length)
        v, opening = self._v, self._lower - self._upper
        edge = self._upper + np.float32(lid) * opening
        rise = self._lower - np.float32(0.22 * squint) * opening
        area = picture[self._area]
        painted = area.astype(np.float32)
        # skin: from the colour above the eye towards that below it, rounded like the eye beneath
        down = np.clip((v - self._upper) / np.maximum(edge - self._upper, 0.02), 0, 1)[..., None]
        skin = self._above + (self._below - self._above) * (0.5 * lid) * down
        skin = skin * (1 - 0.10 * (1 - down) ** 2 - 0.08 * down**3)
        start = 1 - fade(v - self._upper, -_LASHES - 0.04, -_LASHES * 0.6)
        cover = start * np.clip((edge - v) * n + np.float32(0.5), 0, 1) * self._within * min(lid / 0.15, 1.0)
        painted += (skin - painted) * cover[..., None]
        if squint > 0.01:
            below = np.clip((v - rise) * n + np.float32(0.5), 0, 1) * fade(v - self._lower, 0.0, 0.10) * self._within
            painted += (self._below - painted) * (below * min(squint / 0.2, 1.0))[..., None]
        thickness = 0.030 + 0.012 * lid
        lashes = np.exp(-(((v - edge) / thickness) ** 2)) * self._spread * (0.85 * min(lid / 0.2, 1.0))
        painted += (self._lash - painted) * lashes[..., None]
        np.rint(painted, out=painted)
        picture[self._area] = np.clip(painted, 0, 255)
