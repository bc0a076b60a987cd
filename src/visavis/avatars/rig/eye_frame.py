"""An eye's own coordinates: u from its left corner to its right one, v down the face, in units of the eye's length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.sampling import Floats

ALONG = np.linspace(-0.24, 1.24, 75, dtype=np.float32)
"""u at which lids are kept: a drawn eye reaches further than the mesh's corners."""
_SIDE, _ABOVE, _BELOW = 0.36, 0.52, 0.48
"""How far from its corners and from the line between them an eye's motion reaches."""


@dataclass(frozen=True, slots=True, eq=False)
class EyeFrame:
    """Where an eye is on the plate. Points are in pixel indices: a pixel's middle is a whole number."""

    corner: Floats
    """(2,) the left one."""
    along: Floats
    """(2,) unit vector from the left corner to the right one."""
    length: float
    """Pixels: the unit of u and v."""

    @staticmethod
    def between(corners: Floats) -> EyeFrame:
        """The frame of an eye with these corners, (2, 2)."""
        length = max(float(np.linalg.norm(corners[1] - corners[0])), 1.0)
        return EyeFrame(corners[0], np.asarray((corners[1] - corners[0]) / length, np.float32), length)

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]], eye: int) -> EyeFrame:
        """The inverse of `to_row`."""
        row = arrays["eyes.frame"][eye]
        return EyeFrame(row[:2], row[2:4], float(row[4]))

    def to_row(self) -> list[float]:
        """Corner x and y, unit vector along, length."""
        return [*self.corner.tolist(), *self.along.tolist(), self.length]

    @property
    def down(self) -> Floats:
        """(2,) unit vector."""
        return np.array([-self.along[1], self.along[0]], np.float32)

    def to_local(self, points: Floats) -> Floats:
        """(..., 2) points on the plate as (u, v)."""
        axes = np.stack([self.along, self.down], axis=-1)
        return np.asarray((points - self.corner) @ axes / np.float32(self.length), np.float32)

    def to_plate(self, u: Floats, v: Floats) -> Floats:
        """(..., 2) points (u, v) on the plate."""
        offset = u[..., None] * self.along + v[..., None] * self.down
        return np.asarray(self.corner + np.float32(self.length) * offset, np.float32)

    def area(self, shape: tuple[int, ...]) -> tuple[slice, slice]:
        """The rows and columns of a plate (h, w, …) that the eye's motion can change."""
        box = np.array([[-_SIDE, -_ABOVE], [1 + _SIDE, -_ABOVE], [-_SIDE, _BELOW], [1 + _SIDE, _BELOW]], np.float32)
        outline = self.to_plate(box[:, 0], box[:, 1])
        most = np.array([shape[1], shape[0]])
        low = np.clip(np.floor(outline.min(axis=0)), 0, most).astype(int)
        high = np.clip(np.ceil(outline.max(axis=0)) + 1, 0, most).astype(int)
        return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))

    def pixels(self, area: tuple[slice, slice]) -> Floats:
        """(h, w, 2): the area's pixels, x first."""
        rows, columns = (np.arange(part.start, part.stop, dtype=np.float32) for part in area)
        return np.stack(np.meshgrid(columns, rows), axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """Between an eye's lids; heights in eye lengths at `ALONG`."""

    ends: tuple[float, float]
    """u where the lids meet."""
    upper: Floats
    lower: Floats

    def heights(self, u: Floats) -> tuple[Floats, Floats]:
        """Of the upper and the lower edge, for any array of u."""
        upper, lower = (np.interp(u, ALONG, line).astype(np.float32) for line in (self.upper, self.lower))
        return upper, lower

    def across(self, u: Floats) -> Floats:
        """-1 where the lids meet on the left … 1 on the right, and beyond."""
        left, right = self.ends
        return np.asarray((2 * u - left - right) / (right - left), np.float32)

    def shown(self, uv: Floats, soft: float) -> Floats:
        """(h, w): 1 where the eyeball shows, with an edge `soft` eye lengths wide."""
        upper, lower = self.heights(uv[..., 0])
        v = uv[..., 1]
        inside = np.clip((v - upper) / soft + 0.5, 0, 1) * np.clip((lower - v) / soft + 0.5, 0, 1)
        return np.asarray(inside * (np.abs(self.across(uv[..., 0])) < 1), np.float32)
