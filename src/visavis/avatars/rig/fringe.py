"""A moustache that hangs over the lip: its ends, which teeth must be seen between and never cut off in a line."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.frame import MouthFrame
from visavis.avatars.rig.lips import COLUMNS
from visavis.avatars.rig.sampling import Floats, sample
from visavis.avatars.rig.tones import CHEEKS

REACH = 0.15
"""How far below the lip's edge `mouth.fringe` ends, in mouth widths: the longest hair that hangs over the opening."""
ROOT = 0.07
"""How far above the edge it begins: what is dark there, in the shadow of hair, is not where an open mouth begins."""
HALF = 0.70
"""s from the midline to either end of `mouth.fringe`."""
_SHAPE = (32, 200)


def hang_fringe(plate: NDArray[np.uint8], points: Floats, frame: MouthFrame, seam: Floats) -> dict[str, NDArray[Any]]:
    """`mouth.fringe` (32, 200, 4) RGBA, colours multiplied by opacity, from hair to its ends; nothing without it."""
    hair = _hair(plate, points, frame, seam)
    if hair < 0.2:
        return {}
    rows, columns = _SHAPE
    s = np.linspace(-HALF, HALF, columns, dtype=np.float32) + np.float32(frame.middle)
    d = np.linspace(-ROOT, REACH, rows, dtype=np.float32)[:, None]
    random = np.random.default_rng(11)

    def uneven(width: float) -> Floats:
        noise = cv2.GaussianBlur(random.standard_normal((1, columns)), (0, 0), width * columns / (2 * HALF), sigmaY=1)
        return np.asarray(noise / noise.std(), np.float32)

    # strands continue what is above the edge, each its own length
    edge = np.interp(frame.across(s), COLUMNS, seam).astype(np.float32)
    local = np.stack(np.broadcast_arrays(s, edge - ROOT - 0.6 * (d + ROOT)), axis=-1)
    colour = np.asarray(sample(plate, frame.to_plate(np.ascontiguousarray(local, np.float32))), np.float32)
    length = REACH * hair * np.clip(0.55 + 0.20 * uneven(0.040) + 0.16 * uneven(0.012), 0.10, 1)
    corners = np.clip((1.03 - np.abs(frame.across(s))) / 0.15, 0.01, 1)
    # a strand grows thin before it ends: what is behind it shows through
    thin = np.clip(1 - d / (length * corners), 0, 1)
    alpha = thin * thin * (3 - 2 * thin) * np.clip((d + ROOT) / 0.03, 0, 1) * corners
    alpha = alpha[..., None]
    shade = (1 - 0.25 * np.clip(d / REACH, 0, 1))[..., None]
    return {"mouth.fringe": np.rint(np.concatenate([colour * shade * alpha, 255 * alpha], axis=-1)).astype(np.uint8)}


def _hair(plate: NDArray[np.uint8], points: Floats, frame: MouthFrame, seam: Floats) -> float:
    """0 … 1 how surely hair covers the upper lip: it is darker than the skin, and no redder."""
    rows = np.linspace(-0.08, -0.02, 8, dtype=np.float32)[:, None]
    middle = slice(len(COLUMNS) // 5, -(len(COLUMNS) // 5))
    local = np.stack(np.broadcast_arrays(frame.along(COLUMNS[middle]), seam[middle] + rows), axis=-1)
    lab = cv2.cvtColor(plate, cv2.COLOR_RGB2LAB)
    lip = np.asarray(sample(lab, frame.to_plate(local)), np.float32).mean(axis=(0, 1))
    cheeks = np.asarray(sample(lab, points[list(CHEEKS)][None].astype(np.float32)), np.float32)[0]
    lightness, redness, _ = lip - np.median(cheeks, axis=0)
    return float(np.clip(-redness / 6, 0, 1) * np.clip((-lightness - 30) / 30, 0, 1))
