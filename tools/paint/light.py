"""The studio's light: key, fill, sky and rim on reliefs, with soft shadows and light that spreads under skin."""

from __future__ import annotations

import cv2
import numpy as np

from tools.paint.field import Canvas, F, f32, smooth
from tools.paint.head import Layer

KEY = f32((-0.46, -0.50, 0.735)) / np.float32(np.linalg.norm((-0.46, -0.50, 0.735)))
FILL = f32((0.70, -0.05, 0.70)) / np.float32(np.linalg.norm((0.70, -0.05, 0.70)))
KEY_COLOUR = f32((1.0, 0.925, 0.84)) * 1.27
FILL_COLOUR = f32((0.96, 0.95, 1.0)) * 0.33
SKY, GROUND = f32((0.86, 0.93, 1.0)) * 0.27, f32((1.0, 0.70, 0.54)) * 0.25


def shadow(c: Canvas, z: F, softness: float = 0.45) -> F:
    """Return how much of the key light reaches each point, 1 where it is open."""
    size = min(640, c.size)
    small = cv2.resize(z, (size, size), interpolation=cv2.INTER_AREA)
    unit = c.unit * size / c.size
    dark = np.zeros_like(small)
    for t in np.geomspace(0.02, 0.65, 44):
        move = f32([[1, 0, -KEY[0] * t * unit], [0, 1, -KEY[1] * t * unit]])
        there = cv2.warpAffine(small, move, (size, size), borderMode=cv2.BORDER_REPLICATE)
        over = (there - small - np.float32(t) * KEY[2]) / np.float32(softness * t + 0.01)
        np.maximum(dark, np.clip(over + 0.25, 0, 1), out=dark)
    open_ = cv2.resize(cv2.GaussianBlur(1 - dark, (0, 0), 1.6), (c.size, c.size), interpolation=cv2.INTER_CUBIC)
    return f32(np.clip(open_, 0, 1))


def occlusion(c: Canvas, z: F) -> F:
    """Return how open each point is to the light from all around, from the relief at several scales."""
    open_ = np.ones_like(z)
    for sigma, weight in ((0.006, 0.55), (0.014, 0.60), (0.032, 0.55), (0.075, 0.42)):
        open_ *= 1 - weight * np.clip((c.blur(z, sigma) - z) / (1.6 * sigma), 0, 1)
    return f32(open_)


def lit(c: Canvas, layer: Layer, open_key: F, open_all: F) -> F:
    """Return a layer's picture in linear light."""
    n = c.normals(layer.z)
    wraps, spreads = (0.38, 0.20, 0.15), (0.0085, 0.0042, 0.0028)
    out = np.empty((*layer.z.shape, 3), np.float32)
    for i in range(3):
        soft = f32(c.blur(n, spreads[i] * layer.soft))
        wrap = wraps[i] * layer.soft
        key = np.clip((soft @ KEY + wrap) / (1 + wrap), 0, 1)
        fill = np.clip((soft @ FILL + wrap) / (1 + wrap), 0, 1)
        up = 0.5 - 0.5 * soft[..., 1]
        spread = open_key ** (1 - (0.30, -0.05, -0.15)[i] * layer.soft)
        around = open_all ** (1 - (0.35, 0.0, -0.10)[i] * layer.soft)
        light = KEY_COLOUR[i] * key * spread * (0.35 + 0.65 * around)
        light += (FILL_COLOUR[i] * fill + SKY[i] * up + GROUND[i] * (1 - up)) * around
        out[..., i] = layer.colour[..., i] * light
    for way, colour, visible in ((KEY, KEY_COLOUR, open_key), (FILL, FILL_COLOUR * 1.4, open_all)):
        half = way + f32((0, 0, 1))
        nh = np.clip(n @ (half / np.linalg.norm(half)), 0, 1)
        shine = (0.055 * nh**14 + 0.17 * nh**60) * layer.gloss * visible * (0.3 + 0.7 * open_all)
        out += shine[..., None] * colour
    edge = smooth(0.62, 0.10, n[..., 2])
    rim = edge * (np.clip(n[..., 0], 0, 1) * 0.9 + np.clip(-n[..., 0], 0, 1) * 0.45) * smooth(0.35, -0.3, n[..., 1])
    return f32(out + (0.22 * rim * open_all)[..., None] * f32((1.0, 0.92, 0.85)) * (0.25 + layer.colour))


def backdrop(c: Canvas) -> F:
    """Return the studio wall: a soft pool of light behind the shoulders, darker towards the corners."""
    glow = np.exp(-0.5 * (((c.x - 0.22) / 0.72) ** 2 + ((c.y + 0.16) / 0.70) ** 2))
    wall = f32((0.060, 0.100, 0.118)) + f32((0.290, 0.305, 0.275)) * glow[..., None]
    warm = np.exp(-0.5 * (((c.x + 0.95) / 0.55) ** 2 + ((c.y - 0.75) / 0.6) ** 2))
    wall = wall + f32((0.10, 0.055, 0.025)) * warm[..., None]
    return f32(wall * (1 + 0.02 * c.noise(81, 0.25)[..., None]))


def develop(picture: F) -> F:
    """Turn linear light into the values of a picture: a gentle shoulder, then the sRGB curve."""
    x = np.maximum(picture * 1.12, 0)
    x = x * (1 + x / 4.5) / (1 + x * 0.62)
    x = np.clip(x, 0, 1)
    return f32(np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-6) ** (1 / 2.4) - 0.055))
