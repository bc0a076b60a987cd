"""The lips of a picture: where they meet, how thick they are, and how far a jaw can carry them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig import topology
from visavis.avatars.rig.frame import MouthFrame
from visavis.avatars.rig.sampling import Floats

COLUMNS = np.linspace(-1.0, 1.0, 81, dtype=np.float32)
"""The places between the corners (`MouthFrame.across`) at which contours are kept."""
OPEN_GAP = 0.10
"""Inner lips further apart than this share of the mouth's width are an open mouth, to be closed by the rig."""
_SEARCH = 0.13
"""How far from the mesh, in mouth widths, the line between closed lips is looked for."""


def measure_lips(plate: NDArray[np.uint8], points: Floats, frame: MouthFrame) -> dict[str, NDArray[Any]]:
    """Contours at `COLUMNS`, as t in mouth widths, and whether the picture's mouth is open.

    `lips.seam` is where closed lips meet; `lips.upper` and `lips.lower` are the edges, on the plate, of what belongs
    to each lip: the same line where the picture's mouth is closed. `lips.band` is how thick the dark line between
    closed lips looks to the mesh.
    """
    upper = _contour(frame, points, topology.INNER_UPPER)
    lower = _contour(frame, points, topology.INNER_LOWER)
    gap = float((lower - upper).max())
    is_open = gap > OPEN_GAP
    if is_open:
        upper, lower = np.minimum(upper, lower), np.maximum(upper, lower)
        seam = _relaxed(0.45 * upper + 0.55 * lower)
        band = np.zeros_like(seam)
    else:
        seam = _darkest_path(plate, frame, (upper + lower) / 2)
        band = np.maximum(lower - upper, 0)
        upper = lower = seam
    top = _contour(frame, points, topology.OUTER_UPPER)
    bottom = _contour(frame, points, topology.OUTER_LOWER)
    chin = frame.to_local(points[list(topology.JAW)])
    return {
        "lips.seam": seam,
        "lips.upper": upper,
        "lips.lower": lower,
        "lips.band": band,
        "lips.thickness": np.array(
            [np.maximum(upper - top, 0.02).max(), np.maximum(bottom - lower, 0.02).max()], np.float32
        ),
        "lips.open": np.array(is_open),
        "lips.gap": np.array(gap, np.float32),
        "lips.nose": np.array(frame.to_local(points[topology.SUBNASALE])[1], np.float32),
        "lips.chin": chin[np.argsort(chin[:, 0])],
        "lips.jaw": frame.to_local(points[list(topology.JAW_CORNERS)])[:, 0],
    }


def _contour(frame: MouthFrame, points: Floats, indices: tuple[int, ...]) -> Floats:
    """t at `COLUMNS` of a line of mesh points that runs from corner to corner."""
    local = frame.to_local(points[list(indices)])
    u = frame.across(local[:, 0])
    order = np.argsort(u)
    return np.asarray(np.interp(COLUMNS, u[order], local[order, 1]), np.float32)


def _relaxed(seam: Floats) -> Floats:
    """A smile's line, nearly half of its curve taken out."""
    line = np.interp(COLUMNS, COLUMNS[[0, -1]], seam[[0, -1]])
    flat = seam.mean() + (line - line.mean())
    return np.asarray(flat + 0.55 * (seam - flat), np.float32)


def _darkest_path(plate: NDArray[np.uint8], frame: MouthFrame, guess: Floats) -> Floats:
    """The line between closed lips near `guess`: the darkest path from corner to corner, by dynamic programming."""
    rows = np.linspace(-_SEARCH, _SEARCH, 53, dtype=np.float32)
    local = np.stack(np.broadcast_arrays(frame.along(COLUMNS)[None], guess[None] + rows[:, None]), axis=-1)
    at = frame.to_plate(local.astype(np.float32))
    grey = cv2.cvtColor(plate, cv2.COLOR_RGB2GRAY)
    grey = cv2.GaussianBlur(grey, (0, 0), max(0.012 * frame.width, 0.5)).astype(np.float32)
    dark = cv2.remap(grey, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    spread = max(float(np.percentile(dark, 90) - np.percentile(dark, 2)), 8.0)
    cost = (dark - dark.min(axis=0)) / spread + 0.35 * (rows[:, None] / _SEARCH) ** 2
    total = cost.copy()
    came = np.zeros(cost.shape, int)
    step = np.arange(-2, 3)
    for c in range(1, cost.shape[1]):
        before = np.pad(total[:, c - 1], 2, constant_values=np.inf)
        options = np.stack([before[2 + k : 2 + k + len(rows)] + 0.04 * abs(k) for k in step])
        best = options.argmin(axis=0)
        came[:, c] = np.arange(len(rows)) + step[best]
        total[:, c] += options.min(axis=0)
    path = np.zeros(cost.shape[1], int)
    path[-1] = int(total[:, -1].argmin())
    for c in range(cost.shape[1] - 1, 0, -1):
        path[c - 1] = came[path[c], c]
    seam = guess + rows[path]
    padded = np.pad(seam, 6, mode="reflect", reflect_type="odd")
    smooth = np.convolve(padded, np.hanning(15)[1:-1] / np.hanning(15).sum(), mode="same")[6:-6]
    return np.asarray(smooth, np.float32)
