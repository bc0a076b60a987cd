"""Hair that is cropped or curled: many small marks, each of its own tone, lit by the surface they lie on."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tools.paint.field import Canvas, F, f32
from tools.paint.look import Colour


class Marks:
    """A picture of marks in linear light, and what they cover; later ones lie over earlier ones."""

    def __init__(self, c: Canvas, ground: Colour) -> None:
        self._c = c
        self._picture = np.empty((c.size, c.size, 3), np.uint8)
        self._picture[:] = np.uint8(255 * np.sqrt(f32(ground)))
        self._alpha = np.zeros((c.size, c.size), np.uint8)

    @property
    def colour(self) -> F:
        """(h, w, 3) linear light."""
        return f32((self._picture / np.float32(255)) ** 2)

    @property
    def alpha(self) -> F:
        """(h, w) cover."""
        return f32(self._alpha / np.float32(255))

    def stroke(self, line: F, colour: F, thick: int = 1) -> None:
        """Draw one hair."""
        pixels = [self._c.pixels(line)]
        tone = np.clip(255 * np.sqrt(np.clip(colour, 0, 1)), 0, 255).tolist()
        cv2.polylines(self._picture, pixels, False, tone, thick, cv2.LINE_AA, 4)
        cv2.polylines(self._alpha, pixels, False, 255, thick, cv2.LINE_AA, 4)


def places(density: F, c: Canvas, count: int, rng: np.random.Generator) -> F:
    """Return (n, 2) points of the canvas, as dense as the map says."""
    weight = density.ravel().astype(np.float64)
    at = rng.choice(weight.size, count, p=weight / weight.sum())
    rows, columns = np.divmod(at, c.size)
    jitter = rng.uniform(-0.5, 0.5, (2, count)) / c.unit
    return f32(np.stack([c.x[0, columns] + jitter[0], c.y[rows, 0] + jitter[1]], -1))


def at(c: Canvas, field: F, points: F) -> F:
    """Return a map's values at points of the canvas."""
    p = np.clip(np.round(points * c.unit + c.centre - 0.5).astype(int), 0, c.size - 1)
    return f32(field[p[:, 1], p[:, 0]])


def coils(
    c: Canvas, marks: Marks, density: F, light: F, tones: Sequence[Colour], count: int, radius: float, seed: int
) -> None:
    """Draw small coils: dark ones below, lighter ones above; `light` is how much light the place gets."""
    rng = np.random.default_rng(seed)
    points = places(density, c, count, rng)
    shine, cover = at(c, light, points), at(c, density, points)
    turn = np.linspace(0, 1, 6, dtype=np.float32)
    for i, point in enumerate(points):
        height = i / count
        colour = f32(tones[int(rng.integers(len(tones)))]) * (0.35 + 0.80 * height) * shine[i] * rng.uniform(0.7, 1.25)
        start, sweep = rng.uniform(0, 6.3), rng.uniform(2.0, 4.2)
        r = radius * rng.uniform(0.6, 1.2) * (0.6 + 0.4 * cover[i])
        angle = start + sweep * turn
        line = point + r * np.stack([np.cos(angle), np.sin(angle)], -1)
        marks.stroke(f32(line), colour, 1 if rng.random() < 0.7 else 2)


def bristles(
    c: Canvas, marks: Marks, density: F, light: F, tones: Sequence[Colour], count: int, length: float, seed: int
) -> None:
    """Draw short hairs that grow downwards and outwards from the middle of the face."""
    rng = np.random.default_rng(seed)
    points = places(density, c, count, rng)
    shine = at(c, light, points)
    for i, (x, y) in enumerate(points.tolist()):
        way = np.arctan2(1.0, 1.1 * x) + rng.normal(0, 0.35)
        bend = rng.normal(0, 0.4)
        step = length * rng.uniform(0.55, 1.1) / 3
        line = [(x, y)]
        for k in range(3):
            line.append((line[-1][0] + step * np.cos(way + bend * k), line[-1][1] + step * np.sin(way + bend * k)))
        colour = f32(tones[int(rng.integers(len(tones)))]) * shine[i] * rng.uniform(0.6, 1.3)
        marks.stroke(f32(line), f32(colour))
