"""The hair: locks of strands that follow guide curves from a parting, lit strand by strand."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tools.paint.field import Canvas, F, catmull, f32
from tools.paint.light import KEY

DARK, BASE, TIP = f32((0.012, 0.005, 0.003)), f32((0.085, 0.027, 0.010)), f32((0.22, 0.078, 0.024))
# Each side's guides run from the face outwards; each point is (x, y, z), z towards the viewer.
RIGHT = (
    ((0.055, -0.585, 0.30), (0.150, -0.560, 0.33), (0.252, -0.445, 0.27), (0.312, -0.280, 0.20), (0.334, -0.110, 0.16),
     (0.318, 0.050, 0.12), (0.290, 0.200, 0.12), (0.262, 0.360, 0.14), (0.232, 0.500, 0.17), (0.205, 0.590, 0.20)),
    ((0.057, -0.630, 0.30), (0.178, -0.612, 0.34), (0.292, -0.490, 0.28), (0.350, -0.300, 0.22), (0.372, -0.110, 0.19),
     (0.366, 0.070, 0.17), (0.350, 0.220, 0.17), (0.330, 0.370, 0.18), (0.300, 0.510, 0.21), (0.255, 0.625, 0.22)),
    ((0.057, -0.700, 0.24), (0.180, -0.685, 0.25), (0.315, -0.565, 0.20), (0.385, -0.350, 0.15), (0.410, -0.120, 0.12),
     (0.418, 0.080, 0.11), (0.420, 0.230, 0.12), (0.412, 0.380, 0.13), (0.382, 0.520, 0.15), (0.320, 0.635, 0.17)),
    ((0.050, -0.765, 0.12), (0.170, -0.765, 0.10), (0.325, -0.660, 0.05), (0.412, -0.420, 0.00), (0.440, -0.140, -0.02),
     (0.458, 0.080, -0.02), (0.478, 0.240, 0.00), (0.482, 0.390, 0.02), (0.455, 0.520, 0.04), (0.385, 0.620, 0.06)),
)  # fmt: skip
LEFT = (
    ((0.055, -0.585, 0.30), (-0.060, -0.585, 0.35), (-0.200, -0.500, 0.31), (-0.300, -0.320, 0.22),
     (-0.326, -0.120, 0.16), (-0.318, 0.050, 0.12), (-0.290, 0.200, 0.12), (-0.262, 0.360, 0.14),
     (-0.236, 0.500, 0.17), (-0.212, 0.600, 0.20)),
    ((0.057, -0.630, 0.30), (-0.080, -0.640, 0.35), (-0.245, -0.548, 0.30), (-0.342, -0.330, 0.23),
     (-0.372, -0.110, 0.19), (-0.370, 0.070, 0.17), (-0.352, 0.220, 0.17), (-0.332, 0.370, 0.18),
     (-0.302, 0.510, 0.21), (-0.258, 0.625, 0.22)),
    ((0.057, -0.700, 0.24), (-0.090, -0.708, 0.26), (-0.275, -0.605, 0.21), (-0.380, -0.370, 0.15),
     (-0.412, -0.120, 0.12), (-0.420, 0.080, 0.11), (-0.422, 0.230, 0.12), (-0.413, 0.380, 0.13),
     (-0.384, 0.520, 0.15), (-0.325, 0.635, 0.17)),
    ((0.050, -0.765, 0.12), (-0.100, -0.790, 0.10), (-0.290, -0.700, 0.05), (-0.410, -0.440, 0.00),
     (-0.442, -0.140, -0.02), (-0.460, 0.080, -0.02), (-0.480, 0.240, 0.00), (-0.484, 0.390, 0.02),
     (-0.458, 0.520, 0.04), (-0.388, 0.620, 0.06)),
)  # fmt: skip


@dataclass
class Hair:
    """The hair's picture in linear light, its cover, and where it lies over the face's plane."""

    colour: F
    alpha: F


def _strand(guides: F, a: float) -> F:
    """Return the line between the guides at a, 0 at the face and 1 outermost."""
    at = a * (len(guides) - 1)
    i = min(int(at), len(guides) - 2)
    p = guides[max(i - 1, 0) : i + 3]
    w = at - i
    if len(p) == 4:
        c = 0.5 * (2 * p[1] + (p[2] - p[0]) * w + (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]) * w**2
                   + (3 * p[1] - p[0] - 3 * p[2] + p[3]) * w**3)  # fmt: skip
        return f32(c)
    return f32(guides[i] + (guides[i + 1] - guides[i]) * w)


def _shade(line: F, tone: float, edge: float, shift: float) -> F:
    """Return the linear colours along a strand: hair shines across its own direction."""
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-6
    n = line - f32((0, -0.20, -0.18))
    n[:, 1] *= 0.75
    n /= np.linalg.norm(n, axis=1, keepdims=True)
    length = np.linspace(0, 1, len(line), dtype=np.float32)
    facing = np.clip(0.25 + 0.75 * (n @ KEY), 0.04, 1)
    across = np.clip(1 - (tangent @ KEY) ** 2, 0, 1)
    half = KEY + f32((0, 0, 1))
    half /= np.linalg.norm(half)
    gleam = np.clip(1 - (tangent @ half + shift) ** 2, 0, 1)
    halo = np.exp(-0.5 * ((n[:, 1] + 0.60 + shift) / 0.085) ** 2)
    halo += 0.35 * np.exp(-0.5 * ((n[:, 1] + 0.30 + shift) / 0.12) ** 2)
    colour = BASE + (TIP - BASE) * np.clip(1.3 * length - 0.30, 0, 1)[:, None]
    light = (0.20 + 1.45 * facing * across) * tone * (1 - 0.62 * min(edge * edge, 1.0))
    light *= np.interp(length, [0, 0.03, 0.12], [0.30, 0.65, 1])
    light *= np.interp(np.abs(line[:, 0]), [0.20, 0.36], [0.50, 1]) ** np.clip(3 * length - 1, 0, 1)
    shine = facing * (0.110 * gleam**60 + 0.040 * gleam**9 + 0.14 * halo) * tone
    shine *= np.interp(length, [0, 0.08, 0.2], [0.1, 0.6, 1])
    rim = np.clip(n[:, 0], 0, 1) ** 2 * np.clip(1 - n[:, 2], 0, 1) * 0.10
    return f32(colour * (light + rim)[:, None] + (shine + 0.25 * rim)[:, None] * f32((1.0, 0.60, 0.32)))


def _encode(colour: F) -> list[list[int]]:
    codes: list[list[int]] = np.clip(255 * np.sqrt(np.clip(colour, 0, 1)), 0, 255).astype(int).tolist()
    return codes


def _lock(guides: F, middle: float, spread: float, count: int, rng: np.random.Generator) -> list[tuple[F, float]]:
    """Return the strands of one lock, each with its place across the lock: they wave together and meet at the tip."""
    core = _strand(guides, middle)
    phase = 2.2 * middle + rng.normal(0, 0.25)
    swing, turns, length = rng.uniform(0.026, 0.042), rng.uniform(14.0, 15.2), rng.uniform(0.80, 1.03)
    side = np.sign(guides[0, -1, 0])
    lift = rng.normal(0, 0.010) * middle
    lines = []
    for edge in np.clip(rng.normal(0, 0.5, count), -1.2, 1.2).tolist():
        line = _strand(guides, float(np.clip(middle + spread * edge, -0.05, 1.03))).copy()
        t = np.linspace(0, 1, len(line), dtype=np.float32)
        late = np.clip(1.6 * t - 0.38, 0, 1) ** 1.2
        line += (core - line) * (0.80 * np.clip(2 * t - 1, 0, 1) ** 1.5)[:, None]
        own = phase + turns * t + 0.25 * edge
        line[:, 0] += side * swing * late * np.sin(own) + rng.normal(0, 0.0012) + rng.normal(0, 0.006) * t**2
        line[:, 0] += side * lift * np.clip(3 * t, 0, 1)
        line[:, 1] -= lift * np.clip(6 * t, 0, 1) * np.clip(2 - 5 * t, 0, 1)
        line[:, 2] += 2.4 * swing * late * np.cos(own)
        line[:, :2] += rng.normal(0, 0.0035, 2) * (1 - t[:, None]) ** 3
        lines.append((f32(line[: max(8, int(len(line) * length * (1 - abs(rng.normal(0, 0.065)))))]), edge))
    return lines


def strands(c: Canvas, seed: int = 91) -> Hair:
    """Draw the locks from the outermost and deepest to the nearest, then loose hairs."""
    rng = np.random.default_rng(seed)
    picture = np.empty((c.size, c.size, 3), np.uint8)
    picture[:] = np.uint8(255 * np.sqrt(DARK))
    alpha = np.zeros((c.size, c.size), np.uint8)
    locks: list[tuple[F, float, float, float, int]] = []
    for side in (LEFT, RIGHT):
        guides = np.stack([catmull(g, 8) for g in side])
        for count, depth, spread, size in ((50, 0.0, 0.10, 80), (80, 0.5, 0.055, 60), (70, 1.0, 0.025, 34)):
            for middle in (np.arange(count) + rng.uniform(0, 1, count)) / count:
                locks.append((guides, float(middle), depth + float(rng.uniform(0, 0.6)), spread, size))
        for middle in rng.uniform(-0.03, 1.04, 40):
            locks.append((guides, float(middle), 3.0, 0.05, 2))
    locks.sort(key=lambda lock: lock[2] - 0.8 * lock[1])
    for guides, middle, depth, spread, size in locks:
        tone = 0.42 + 0.38 * min(depth, 1.6) + rng.normal(0, 0.17)
        for line, edge in _lock(guides, middle, spread, size, rng):
            colours = _encode(_shade(line, tone + rng.normal(0, 0.10), edge, float(rng.normal(0.03, 0.07))))
            pixels = c.pixels(line)
            thick = 2 if depth < 1.0 and rng.random() < 0.6 else 1
            points = pixels.tolist()
            for i, (p, q, colour) in enumerate(zip(points, points[1:], colours, strict=False)):
                cv2.line(picture, p, q, colour, thick if i < 0.7 * len(points) else 1, cv2.LINE_AA, 4)
            if depth < 3:
                cv2.polylines(alpha, [pixels[: int(0.9 * len(pixels))]], False, 255, thick, cv2.LINE_AA, 4)
                cv2.polylines(alpha, [pixels[int(0.9 * len(pixels)) - 1 :]], False, 255, 1, cv2.LINE_AA, 4)
            else:
                fine = np.zeros_like(alpha)
                cv2.polylines(fine, [pixels], False, 130, 1, cv2.LINE_AA, 4)
                np.maximum(alpha, fine, out=alpha)
    return Hair(f32((picture / 255.0) ** 2), f32(alpha / 255.0))


def wisps(c: Canvas, picture: F, seed: int = 97) -> F:
    """Paint the fine short hairs that soften the hairline, over the forehead and the temples."""
    rng = np.random.default_rng(seed)
    for side in (LEFT, RIGHT):
        inner = catmull(side[0], 24)
        inner = inner[: int(0.42 * len(inner))]
        for _ in range(300):
            i = int(rng.uniform(0.0, 1) * (len(inner) - 12))
            way = inner[i + 10, :2] - inner[i, :2]
            way = way / np.linalg.norm(way)
            out = f32((-way[1], way[0])) * np.sign(side[0][-1][0])  # towards the face
            reach = rng.uniform(0.004, 0.020) * rng.uniform(0.3, 1)
            root = inner[i, :2] + reach * out - 0.004 * out
            length = rng.uniform(0.020, 0.060)
            tip = root + length * (way - rng.uniform(0.15, 0.6) * out)
            line = catmull([root.tolist(), ((root + tip) / 2 + 0.12 * length * out).tolist(), tip.tolist()], 6)
            layer = np.zeros((c.size, c.size), np.uint8)
            cv2.polylines(layer, [c.pixels(line)], False, int(rng.uniform(60, 150)), 1, cv2.LINE_AA, 4)
            y, x = np.nonzero(layer)
            weight = (layer[y, x] / np.float32(255))[:, None]
            picture[y, x] += (BASE * 1.5 - picture[y, x]) * weight
    return picture
