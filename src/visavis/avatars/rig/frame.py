"""The mouth's own coordinates: s along the lips, t down the face, in units of the mouth's width.

A portrait's head may be turned and tilted, so the axes are not square to the picture nor to one another: s runs from
corner to corner, t from the bridge of the nose to the chin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig import topology
from visavis.avatars.rig.sampling import Floats

_CORNER_SHARE = 0.65
"""Where a mouth's visible corner lies between the mesh's inner (0) and outer (1) corner points: measured by eye."""
_WIDTH_LIMITS = (0.60, 0.80)
"""A mouth's working width in interocular distances: a smile's is too wide, a pout's too narrow, for speech."""


@dataclass(frozen=True, slots=True, eq=False)
class MouthFrame:
    """An affine frame on the plate. Points are in pixel indices: a pixel's middle is a whole number."""

    origin: Floats
    """(2,) the middle between the corners."""
    axes: Floats
    """(2, 2) columns: unit vectors along the lips and down the face."""
    width: float
    """Pixels: the unit of s and t."""
    corners: tuple[float, float]
    """s of the left and the right corner."""
    middle: float
    """s of the face's midline at the lips."""

    def to_local(self, points: Floats) -> Floats:
        """(..., 2) points on the plate as (s, t)."""
        inverse = np.linalg.inv(self.axes)
        return np.asarray((points - self.origin) @ inverse.T / self.width, np.float32)

    def to_plate(self, local: Floats) -> Floats:
        """(..., 2) points (s, t) on the plate."""
        return np.asarray(local @ self.axes.T * self.width + self.origin, np.float32)

    def across(self, s: Floats) -> Floats:
        """Position between the corners: -1 at the left one, 0 at the midline, 1 at the right one."""
        left, right = self.corners
        x = s - np.float32(self.middle)
        return np.asarray(np.where(x < 0, x / (self.middle - left), x / (right - self.middle)), np.float32)

    def along(self, u: Floats) -> Floats:
        """The inverse of `across`."""
        left, right = self.corners
        return np.asarray(
            self.middle + np.where(u < 0, u * (self.middle - left), u * (right - self.middle)), np.float32
        )

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """The frame as named arrays."""
        scalars = np.array([self.width, *self.corners, self.middle], np.float32)
        return {"frame.origin": self.origin, "frame.axes": self.axes, "frame.scalars": scalars}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> MouthFrame:
        """The inverse of `to_arrays`."""
        width, left, right, middle = (float(v) for v in arrays["frame.scalars"])
        return MouthFrame(arrays["frame.origin"], arrays["frame.axes"], width, (left, right), middle)


def fit_frame(points: Floats, interocular: float) -> MouthFrame:
    """The frame of a face's mouth from its mesh, (468, 2) pixel indices."""
    inner, outer = points[[78, 308]], points[[61, 291]]
    corners = inner + _CORNER_SHARE * (outer - inner)
    along = corners[1] - corners[0]
    down = points[topology.CHIN] - points[topology.NASION]
    axes = np.stack([along / np.linalg.norm(along), down / np.linalg.norm(down)], axis=1).astype(np.float32)
    least, most = (limit * interocular for limit in _WIDTH_LIMITS)
    width = float(np.clip(np.linalg.norm(inner[1] - inner[0]), least, most))
    frame = MouthFrame(corners.mean(axis=0).astype(np.float32), axes, width, (-1.0, 1.0), 0.0)
    left, right = frame.to_local(corners)[:, 0]
    middle = float(frame.to_local(points[[0, 13, 14, 17]])[:, 0].mean())
    # a midline near a corner (a face in profile) would stretch one half without limit
    middle = float(np.clip(middle, left + 0.3 * (right - left), right - 0.3 * (right - left)))
    return MouthFrame(frame.origin, axes, width, (float(left), float(right)), middle)
