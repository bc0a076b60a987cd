"""A shut eye's lashes: a line on the lid's edge, and single hairs that hang from it where the open eye has them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.eye_frame import EyeFrame, Opening
from visavis.avatars.rig.sampling import Floats, sample


def paint_lashes(
    plate: NDArray[np.uint8],
    skin: Floats,
    frame: EyeFrame,
    area: tuple[slice, slice],
    opening: Opening,
    hair: float,
    outer_left: bool,
) -> tuple[NDArray[np.uint8], Floats]:
    """Opacity (h, w) of lashes along the lower edge, and their colour (3,).

    The line is as thick as the open eye's; `hair`, 0 … 1, says how clear single lashes are; `skin` (h, w, 3) is bare.
    """
    picture, n = plate[area], frame.length
    u, v = np.moveaxis(frame.to_local(frame.pixels(area)), -1, 0)
    upper, lower = opening.heights(u)
    across = opening.across(u)
    dark = np.clip(1 - picture.sum(axis=-1) / np.maximum(skin.sum(axis=-1), 1), 0, 1)
    strip = (v < upper + 0.01) & (v > upper - 0.12) & (np.abs(across) < 0.8)
    if not strip.any():
        return np.zeros(u.shape, np.uint8), np.zeros(3, np.float32)
    darkest = dark >= np.quantile(dark[strip], 0.85)
    colour = np.asarray(picture[strip & darkest].mean(axis=0), np.float32)
    columns = (1.6 * np.ptp(u[strip]) * n) or 1.0
    thick = float(np.clip(0.7 * (dark[strip] > 0.35).sum() / columns / n, 0.018, 0.036))
    # thin where the lids meet
    tapered = thick * (0.45 + 0.55 * np.clip(1 - np.abs(across) ** 3, 0, 1))
    line = np.exp(-(((v - lower) / tapered) ** 2)) * np.clip(1.08 - np.abs(across) ** 3, 0, 1)
    hairs = _hairs(frame, area, opening, outer_left) * np.float32(hair)
    return (255 * np.clip(np.maximum(0.85 * line, hairs), 0, 1)).astype(np.uint8), colour


def hairiness(plate: NDArray[np.uint8], frame: EyeFrame, opening: Opening) -> float:
    """How clearly single lashes stand on the open upper lid, 0 … 1: brightness that alternates along it."""
    left, right = opening.ends
    u = np.linspace(0.9 * left + 0.1 * right, 0.1 * left + 0.9 * right, 160, dtype=np.float32)
    upper, _ = opening.heights(u)

    def alternation(nearest: float, furthest: float) -> float:
        away = np.linspace(nearest, furthest, 5, dtype=np.float32)[:, None]
        at = frame.to_plate(*np.broadcast_arrays(u, upper - away))
        grey = sample(plate, at).mean(axis=-1).astype(np.float32)
        wave = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), sigmaX=3.0, sigmaY=0.01))
        return float(wave.mean()) / max(float(grey.mean()), 1.0)

    return float(np.clip((alternation(0.05, 0.13) - 1.5 * alternation(0.2, 0.3) - 0.01) / 0.03, 0, 1))


def _hairs(frame: EyeFrame, area: tuple[slice, slice], opening: Opening, outer_left: bool) -> Floats:
    """Opacity (h, w) of single lashes that hang from the shut lid's edge, fanning out towards the temple."""
    rows, columns = (part.stop - part.start for part in area)
    corner = np.array([area[1].start, area[0].start], np.float32)
    random = np.random.default_rng(0)
    finer = 4  # drawn larger and shrunk: a lash is thinner than a pixel
    canvas = np.zeros((finer * rows, finer * columns), np.uint8)
    left, right = opening.ends
    for place in np.linspace(0.06, 0.98, 30) + random.normal(0, 0.008, 30):
        u = np.float32(right - place * (right - left) if outer_left else left + place * (right - left))
        length = (0.05 + 0.06 * place) * random.uniform(0.7, 1.1) * min(1.0, 6 * (1.02 - place))
        aside = (place - 0.35) * (-1 if outer_left else 1)
        t = np.linspace(0, 1, 6, dtype=np.float32)
        _, lower = opening.heights(np.atleast_1d(u))
        # a lash leaves the lid downwards and curls up towards its tip
        curve = frame.to_plate(u + length * aside * t**1.3, lower + length * (t - 0.35 * t**2))
        at = np.rint((curve - corner + 0.5) * finer * 16).astype(np.int32)
        thick = max(round(0.014 * frame.length * finer), 1)
        cv2.polylines(canvas, [at[:4]], False, 255, thick, cv2.LINE_AA, 4)
        cv2.polylines(canvas, [at], False, 200, max(thick // 2, 1), cv2.LINE_AA, 4)
    return np.asarray(cv2.resize(canvas, (columns, rows), interpolation=cv2.INTER_AREA) / np.float32(255), np.float32)
