"""What is below the head: the neck's skin and a knitted jumper."""

from __future__ import annotations

import cv2
import numpy as np

from tools.paint.field import Canvas, F, catmull, f32, mix, smooth
from tools.paint.head import Layer
from tools.paint.look import Colour, Look

WOOL = (0.028, 0.125, 0.135)
NECK = ((0.0, 0.20), (0.178, 0.20), (0.168, 0.30), (0.163, 0.38), (0.172, 0.44), (0.205, 0.49), (0.25, 0.54),
        (0.27, 0.62), (0.27, 1.1))  # fmt: skip
SHOULDER = ((0.0, 0.70), (0.10, 0.685), (0.185, 0.61), (0.226, 0.525), (0.262, 0.508), (0.36, 0.545), (0.50, 0.595),
            (0.63, 0.655), (0.73, 0.75), (0.79, 0.88), (0.83, 1.10))  # fmt: skip
COLLAR = ((0.232, 0.512), (0.194, 0.61), (0.108, 0.692), (0.0, 0.712))


def _closed(half: tuple[tuple[float, float], ...], bottom: float) -> F:
    line = catmull(half, 16)
    mirror = line[::-1] * f32([-1, 1])
    return f32(np.concatenate([line, [[line[-1, 0], bottom], [-line[-1, 0], bottom]], mirror]))


def neck(c: Canvas, look: Look) -> Layer:
    """Return the neck and what shows of the chest."""
    broad = tuple((x * (look.neck if y < 0.45 else 1.0), y) for x, y in NECK)
    mask = c.fill(_closed(broad, 1.2), 0.001)
    across = np.abs(c.x) / (0.172 * look.neck + 0.30 * smooth(0.42, 0.62, c.y) ** 1.5)
    z = f32(0.17 * np.sqrt(1 - np.minimum(across, 0.998) ** 2.2) - 0.17 + 0.10 * smooth(0.40, 0.75, c.y))
    z += 0.020 * c.line(((0.16, 0.26), (0.125, 0.40), (0.062, 0.535)), 0.018, 0.017)
    z -= 0.012 * c.line(((0, 0.565), (0, 0.525)), 0.030, 0.020)
    z += 0.016 * c.line(((0.050, 0.572), (0.13, 0.560), (0.26, 0.535)), 0.012, 0.013)
    z -= 0.006 * c.line(((0.10, 0.525), (0.2, 0.50)), 0.02, 0.02)
    z += 0.00012 * c.noise(61, 0.006)
    colour = np.broadcast_to(f32(look.skin), (*c.x.shape, 3)) * (
        1 + 0.02 * c.noise(62, 0.06)[..., None] * f32([0.5, 1, 1])
    )
    colour = mix(f32(colour), f32(look.skin) * f32((0.97, 0.84, 0.86)), f32(0.35 * smooth(0.48, 0.62, c.y)))
    colour = f32(colour * (1 - 0.22 * smooth(0.52, 0.28, c.y))[..., None] ** f32((0.8, 1.05, 1.1)))
    return Layer(mask, c.blur(z, 0.002), colour, c.zeros() + 0.22, 1.0)


def jumper(c: Canvas) -> Layer:
    """Return the jumper: stocking stitch, with a ribbed collar."""
    outline = _closed(SHOULDER, 1.2)
    mask = c.fill(outline, 0.0012)
    line = catmull(COLLAR, 30)
    far = np.ones((c.size, c.size), np.uint8)
    for side in (1, -1):
        cv2.polylines(far, [c.pixels(line * f32([side, 1]))], False, 0, 1, cv2.LINE_8, 4)
    away = f32(cv2.distanceTransform(far, cv2.DIST_L2, 5) / c.unit)
    collar = smooth(0.050, 0.046, away)
    round_ = np.sqrt(np.clip(1 - ((away - 0.023) / 0.026) ** 2, 0, 1))
    angle = np.arctan2(c.x, c.y - 0.46)
    rib = f32(np.abs(np.sin(angle * 36.0)) ** 0.7)
    return knit(c, mask, WOOL, collar, f32(0.026 * round_ + 0.0045 * rib), rib)


def knit(c: Canvas, mask: F, wool: Colour, collar: F, roll: F, rib: F) -> Layer:
    """Return a jumper of that outline; where `collar` is 1 it has the relief `roll` and is ribbed, not stitched."""
    inside = f32(cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / c.unit)
    inside += 0.10 * smooth(0.30, 0.16, np.abs(c.x))
    z = 0.22 * (1 - np.exp(-inside / 0.15)) - 0.12 + 0.10 * smooth(0.5, 1.0, c.y)
    z = c.blur(f32(z), 0.016)
    folds = np.zeros_like(z)
    for points, size in (
        (((0.17, 0.80), (0.36, 0.74), (0.56, 0.70)), 0.014), (((0.24, 0.92), (0.42, 0.83), (0.62, 0.76)), 0.016),
        (((0.50, 1.02), (0.60, 0.88), (0.64, 0.76)), 0.020), (((0.0, 0.86), (0.12, 0.83), (0.26, 0.72)), 0.012),
    ):  # fmt: skip
        folds += 1.5 * size * c.line(points, size, size * 1.6)
    z = z + folds + 0.018 * c.noise(71, 0.16)
    along = f32(c.y - 0.30 * np.abs(c.x) ** 1.25 + 0.006 * c.noise(72, 0.10))
    column = f32(c.x * (1 + 0.10 * np.abs(c.x)) + 0.004 * c.noise(73, 0.12)) / 0.0185
    u = np.abs((column % 1) - 0.5) * 2
    row = (along / 0.0150 + 0.42 * u) % 1
    stitch = np.sqrt(np.clip(1 - ((row - 0.5) / 0.53) ** 2, 0, 1))
    stitch *= 0.35 + 0.65 * np.sin(np.pi * np.clip(u, 0.03, 0.97)) ** 0.6
    z = z + (0.0042 * stitch * (1 - collar) + collar * roll)
    depth = 0.55 + 0.45 * (stitch * (1 - collar) + (0.25 + 0.75 * rib) * collar)
    fuzz = 1 + 0.10 * c.noise(74, 0.004) + 0.06 * c.noise(75, 0.03)
    colour = f32(f32(wool) * (depth * fuzz)[..., None])
    return Layer(mask, c.blur(f32(z), 0.0010), colour, c.zeros() + 0.05, 0.25)
