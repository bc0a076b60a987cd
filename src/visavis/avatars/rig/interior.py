"""What is behind the lips: teeth, tongue and cavity, painted once in the picture's own light and sharpness."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig import topology
from visavis.avatars.rig.frame import MouthFrame
from visavis.avatars.rig.sampling import Floats

_SUPER = 4
"""Sprites are painted this many times larger, then averaged down: smooth edges."""
_EXTENT = (-0.88, 0.88, -0.30, 0.62)
"""s and t, from the middle of the seam, that the sprites cover."""
_UPPER_WIDTHS = (0.135, 0.104, 0.105, 0.085, 0.07)
"""Widths of the upper teeth from the middle outwards, in mouth widths: 8.6, 6.6 and 7.6 mm on a foreshortened arch."""
_LOWER_WIDTHS = (0.083, 0.090, 0.098, 0.085, 0.07)


def paint_interior(
    plate: NDArray[np.uint8], points: Floats, irises: Floats, frame: MouthFrame, seam: Floats
) -> dict[str, NDArray[Any]]:
    """Sprites over one box of the plate: RGBA (h, w, 4) uint8 each, and the box's corner `mouth.box` (x, y)."""
    centre = float(np.interp(0.0, np.linspace(-1, 1, len(seam)), seam))
    s0, s1, t0, t1 = _EXTENT
    outline = np.array([[s0, t0], [s1, t0], [s0, t1], [s1, t1]], np.float32)
    on_plate = frame.to_plate(outline + np.array([frame.middle, centre], np.float32))
    low, high = np.floor(on_plate.min(axis=0)).astype(int), np.ceil(on_plate.max(axis=0)).astype(int)
    width, height = (high - low).tolist()
    ys, xs = np.mgrid[0 : height * _SUPER, 0 : width * _SUPER].astype(np.float32)
    at = (np.stack([xs, ys], axis=-1) + 0.5) / _SUPER - 0.5 + low
    local = frame.to_local(at.astype(np.float32))
    s, t = local[..., 0] - np.float32(frame.middle), local[..., 1] - np.float32(centre)

    enamel, flesh = _colours(plate, points, irises)
    blur = _softness(plate, points, frame)

    def finish(colour: Floats, alpha: Floats) -> NDArray[np.uint8]:
        rgba = np.concatenate([colour * alpha[..., None], alpha[..., None] * 255.0], axis=-1)
        rgba = cv2.resize(rgba.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        rgba = cv2.GaussianBlur(rgba, (0, 0), blur)
        return np.clip(np.rint(rgba), 0, 255).astype(np.uint8)

    # light reaches the inside through flesh: dark red, not black
    warm = flesh * np.array([1.0, 0.55, 0.55], np.float32)
    depth = np.clip((t + 0.05) / 0.5, 0.0, 1.0)
    dark, deep = 0.27 * warm, 0.14 * warm
    cavity = dark + (deep - dark) * np.exp(-(((depth - 0.35) / 0.35) ** 2))[..., None]
    return {
        "mouth.box": low.astype(np.int32),
        "mouth.cavity": finish(cavity, np.ones_like(s)),
        "mouth.upper_teeth": finish(*_teeth(s, t, enamel, _UPPER_WIDTHS, edge=0.030, root=-0.16, curve=-0.10)),
        "mouth.lower_teeth": finish(*_teeth(s, -t, enamel * 0.62, _LOWER_WIDTHS, edge=0.0, root=-0.13, curve=-0.12)),
        "mouth.tongue": finish(*_tongue(s, t, flesh)),
        "mouth.flesh": flesh.astype(np.float32),
    }


def _teeth(
    s: Floats, t: Floats, enamel: Floats, widths: tuple[float, ...], edge: float, root: float, curve: float
) -> tuple[Floats, Floats]:
    """One continuous band, scalloped at its edge, with faint lines between teeth; t grows from root to edge."""
    x = np.abs(s)
    bounds = np.cumsum((0.0, *widths))
    index = np.clip(np.searchsorted(bounds, x, side="right") - 1, 0, len(widths) - 1)
    inside = (x - bounds[index]) / np.asarray(widths, np.float32)[index]  # 0 … 1 across its tooth
    rounding = np.abs(2 * inside - 1) ** 4
    longer = np.asarray((0.0, -0.010, -0.002, -0.014, -0.02), np.float32)[index]
    tip = edge + longer + curve * x**2 - 0.012 * rounding
    alpha = np.clip((tip - t) / 0.008 + 0.5, 0, 1) * np.clip((bounds[-1] - x) / 0.03, 0, 1)
    along = np.clip((tip - t) / (edge - root), 0, 1)
    shade = 0.96 - 0.30 * along**1.5  # towards the gums
    shade = shade * (1 - 0.10 * np.exp(-((np.minimum(inside, 1 - inside) * np.asarray(widths)[index] / 0.006) ** 2)))
    shade = shade * (1 - 0.10 * rounding) * np.clip(1.04 - (x / 0.52) ** 2.4, 0.12, 1)
    shade = shade * (0.90 + 0.10 * np.clip((tip - t) / 0.015, 0, 1))
    gum = np.clip((along - 0.80) / 0.15, 0, 1)[..., None]
    colour = enamel * shade[..., None] * (1 - 0.5 * gum * np.array([0.3, 0.9, 0.85], np.float32))
    return colour.astype(np.float32), alpha.astype(np.float32)


def _tongue(s: Floats, t: Floats, flesh: Floats) -> tuple[Floats, Floats]:
    """A rounded back with a groove and a soft sheen; its top lies at t = 0."""
    r = np.sqrt((s / 0.34) ** 2 + ((t - 0.20) / 0.20) ** 2)
    alpha = np.clip((1 - r) / 0.10, 0, 1)
    shade = 0.42 - 0.14 * np.clip(r, 0, 1) ** 2 - 0.10 * np.exp(-((s / 0.025) ** 2)) * np.clip(t / 0.1, 0, 1)
    sheen = 0.06 * np.exp(-(((np.abs(s) - 0.12) / 0.06) ** 2) - ((t - 0.07) / 0.035) ** 2)
    colour = flesh * np.array([1.0, 0.86, 0.88], np.float32) * shade[..., None] + 255.0 * sheen[..., None] * 0.5
    return colour.astype(np.float32), alpha.astype(np.float32)


def _colours(plate: NDArray[np.uint8], points: Floats, irises: Floats) -> tuple[Floats, Floats]:
    """Enamel and flesh, RGB 0 … 255, in the light of the picture: from the eyes' white and from skin and lips."""
    height, width = plate.shape[:2]
    skin = _sample(plate, points[[50, 280, 205, 425, 101, 330]])
    lip = _sample(plate, points[[84, 314, 17, 181, 405, 37, 267]])
    eye = np.zeros((height, width), np.uint8)
    for upper, lower in zip(topology.UPPER_LIDS, topology.LOWER_LIDS, strict=True):
        cv2.fillPoly(eye, [np.rint(points[[*upper, *lower[::-1]]]).astype(np.int32)], 255)
    for iris in irises:
        radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        cv2.circle(eye, tuple(np.rint(iris[0]).astype(int).tolist()), round(radius * 1.1), 0, -1)
    whites = plate[eye > 0].astype(np.float32)
    light = float(np.percentile(skin @ _LUMA, 80))
    white = np.median(whites[whites @ _LUMA >= np.percentile(whites @ _LUMA, 70)], axis=0) if len(whites) else skin[0]
    grey = float(white @ _LUMA)
    # half of the colour of the eye's white: it is redder than enamel; and no darker than the skin's light allows
    tone = 0.5 * white / max(grey, 1.0) + 0.5 * np.array([1.03, 1.0, 0.93], np.float32)
    level = np.clip(max(grey * 1.15, light * 1.12), 100.0, 240.0)
    flesh = 0.6 * np.median(lip, axis=0) + 0.4 * np.array([170, 80, 75], np.float32) * level / 220.0
    return np.asarray(np.clip(tone * level, 0, 245), np.float32), np.asarray(flesh, np.float32)


def _sample(plate: NDArray[np.uint8], points: Floats) -> Floats:
    """(n, 3) colours of the surroundings of points."""
    soft = cv2.GaussianBlur(plate, (0, 0), 1.5)
    high = np.array([plate.shape[1] - 1, plate.shape[0] - 1])
    x, y = np.clip(np.rint(points).astype(int), 0, high).T
    return np.asarray(soft[y, x], np.float32)


def _softness(plate: NDArray[np.uint8], points: Floats, frame: MouthFrame) -> float:
    """Sigma in pixels that makes a painted edge as sharp as the sharpest edges of this face."""
    low = np.clip(points.min(axis=0), 0, None).astype(int)
    high = points.max(axis=0).astype(int) + 1
    grey = cv2.cvtColor(plate[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY).astype(np.float32)
    gradient = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    contrast = float(np.percentile(grey, 99) - np.percentile(grey, 1))
    # a step of `contrast` blurred by sigma has a steepest slope of contrast / (sigma sqrt(2 pi))
    sigma = 0.5 * contrast / (2.5 * max(float(np.percentile(gradient, 99.7)), 1.0))
    return float(np.clip(sigma, 0.5, 0.02 * frame.width + 0.5))


_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
