"""A jacket with lapels over a rollneck."""

from __future__ import annotations

import cv2
import numpy as np

from tools.paint.body import knit
from tools.paint.field import Canvas, F, Points, catmull, f32, smooth
from tools.paint.head import Layer
from tools.paint.look import Colour

CHEST = (
    (0.0, 0.45),
    (0.15, 0.45),
    (0.215, 0.49),
    (0.262, 0.51),
    (0.36, 0.545),
    (0.50, 0.60),
    (0.62, 0.70),
    (0.66, 1.2),
)
JACKET = ((0.218, 0.487), (0.250, 0.462), (0.32, 0.490), (0.46, 0.532), (0.62, 0.580), (0.750, 0.640), (0.83, 0.745),
          (0.870, 0.92), (0.89, 1.2))  # fmt: skip
FRONT = ((0.03, 1.2), (0.075, 0.98), (0.118, 0.80), (0.165, 0.63), (0.203, 0.54), (0.218, 0.487))
LAPEL = ((0.218, 0.483), (0.262, 0.580), (0.300, 0.672), (0.318, 0.700))
NOTCH = ((0.318, 0.700), (0.262, 0.738), (0.352, 0.752), (0.345, 0.80), (0.305, 0.93), (0.235, 1.07), (0.17, 1.2))


def _both(c: Canvas, line: F, soft: float) -> F:
    """Return the mask inside a closed line of the right half, and inside its mirror image."""
    return np.maximum(c.fill(line, soft), c.fill(f32(line * f32([-1, 1])), soft))


def _depth(c: Canvas, mask: F) -> F:
    """Return the distance of each point within the mask from its edge."""
    return f32(cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5) / c.unit)


def rollneck(c: Canvas, wool: Colour) -> Layer:
    """Return the rollneck: a knitted chest and a ribbed roll around the neck."""
    half = catmull(CHEST, 16)
    chest = c.fill(f32(np.concatenate([half, half[::-1] * f32([-1, 1])])), 0.0012)
    across = f32(np.abs(c.x) / (0.213 + 0.026 * smooth(0.36, 0.50, c.y) - 0.010 * smooth(0.375, 0.345, c.y)))
    arch = np.sqrt(np.clip(1 - across**2, 0, 1))
    top, bottom = 0.338 + 0.062 * arch, 0.440 + 0.090 * arch
    tube = smooth(1.004, 0.990, across) * smooth(-0.002, 0.002, f32(c.y - top))
    collar = f32(tube * smooth(0.002, -0.002, f32(c.y - bottom)))
    t = np.clip((c.y - top) / (bottom - top), 0, 1)
    roll = 0.055 + 0.16 * arch - 0.06 + 0.030 * np.sqrt(np.clip(1 - (2 * t - 1) ** 4, 0, 1))
    rib = f32(np.abs(np.sin(np.arcsin(np.clip(c.x / 0.245, -1, 1)) * 46)) ** 0.7)
    chest_z = knit(c, np.maximum(chest, collar), wool, collar, f32(roll + 0.0045 * rib), rib)
    return chest_z


def _cloth(c: Canvas, z: F, colour: Colour, seed: int) -> tuple[F, F]:
    """Return the relief with a twill woven in, and its colour."""
    twill = np.sin((c.x + 0.8 * c.y + 0.002 * c.noise(seed, 0.05)) * 620) * np.sin((c.x * 0.9 - c.y) * 540)
    z = f32(z + 0.0005 * twill + 0.0004 * c.noise(seed + 1, 0.006))
    shade = 1 + 0.10 * twill + 0.12 * c.noise(seed + 2, 0.005) + 0.05 * c.noise(seed + 3, 0.08)
    return z, f32(f32(colour) * np.clip(shade, 0.3, 2)[..., None])


def jacket(c: Canvas, colour: Colour) -> list[Layer]:
    """Return the jacket's body and, over it, its lapels."""
    outer, front = catmull(JACKET, 16), catmull(FRONT, 16)
    mask = _both(c, f32(np.concatenate([outer, front])), 0.0010)
    inside = _depth(c, mask)
    z = 0.20 * (1 - np.exp(-inside / 0.16)) - 0.06 + 0.10 * smooth(0.5, 1.0, c.y)
    z = c.blur(f32(z), 0.014)
    folds: tuple[tuple[Points, float], ...] = (
        (((0.50, 1.04), (0.58, 0.90), (0.63, 0.74)), 0.020), (((0.34, 1.02), (0.46, 0.88), (0.60, 0.74)), 0.015),
        (((0.70, 1.02), (0.72, 0.90), (0.69, 0.78)), 0.016), (((0.30, 0.56), (0.42, 0.60), (0.56, 0.655)), 0.014),
    )  # fmt: skip
    for points, wide in folds:
        z += 1.3 * wide * c.line(points, wide, wide * 1.7)
    z -= 0.010 * c.line(((0.598, 0.615), (0.640, 0.74), (0.655, 0.90), (0.650, 1.1)), 0.004, 0.005)  # the sleeve's seam
    z += 0.016 * c.noise(171, 0.15)
    body_z, body_colour = _cloth(c, f32(z), colour, 172)
    layers = [Layer(mask, c.blur(body_z, 0.0008), body_colour, c.zeros() + 0.06, 0.15)]
    edge = f32(np.concatenate([catmull(LAPEL, 12), f32(NOTCH[:3]), catmull(NOTCH[3:], 12), front]))
    flap = _both(c, edge, 0.0008)
    rise = 0.030 * (1 - np.exp(-_depth(c, flap) / 0.012)) + 0.012
    rise -= 0.004 * np.exp(-0.5 * ((_depth(c, flap) - 0.011) / 0.0018) ** 2)  # the edge is sewn down
    flap_z, flap_colour = _cloth(c, f32(c.blur(f32(z), 0.03) + rise), colour, 181)
    layers.append(Layer(flap, c.blur(flap_z, 0.0008), f32(1.12 * flap_colour), c.zeros() + 0.07, 0.15))
    return layers
