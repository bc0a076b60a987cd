"""Small tools for painting with numpy: a canvas in units, smooth curves, bumps, noise and strokes."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

F = npt.NDArray[np.float32]
Points = Sequence[Sequence[float]]


def f32(value: object) -> F:
    """Return anything array-like as float32."""
    return np.asarray(value, np.float32)


def smooth(low: float, high: float, value: F) -> F:
    """Rise smoothly from 0 at low to 1 at high (low may be above high)."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return f32(t * t * (3 - 2 * t))


def mix(a: F, b: F | Sequence[float], weight: F) -> F:
    """Blend the colour image a towards b by a weight per pixel."""
    return f32(a + (f32(b) - a) * weight[..., None])


def catmull(points: Points, steps: int = 24) -> F:
    """Return a dense smooth line through the points, of any dimension."""
    p = f32(points)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[:, None]
    parts = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return f32(np.concatenate([*parts, p[-2:-1]]))


def graph(points: Points, at: F) -> F:
    """Read the smooth curve through (argument, value) points at the given arguments."""
    line = catmull(points, 40)
    return f32(np.interp(at, line[:, 0], line[:, 1]))


class Canvas:
    """A square picture, about -1 to 1 in both directions, y down, with the coordinates of its pixels."""

    def __init__(self, size: int, zoom: float = 1.0, rise: float = 0.0) -> None:
        self.size = size
        self.unit = size / 2 * zoom
        self.centre = f32((size / 2, size / 2 - rise * self.unit))
        step = np.arange(size, dtype=np.float32)[:, None] + np.float32(0.5)
        axes = (step - self.centre) / self.unit
        self.x, self.y = (f32(a) for a in np.meshgrid(axes[:, 0], axes[:, 1]))

    def zeros(self) -> F:
        """Return an empty map."""
        return np.zeros((self.size, self.size), np.float32)

    def blur(self, image: F, sigma: float) -> F:
        """Blur by a sigma in units; wide blurs run on a smaller picture."""
        s = sigma * self.unit
        if s < 0.3:
            return image
        if s > 12:
            k = int(s // 6)
            small = cv2.resize(image, None, fx=1 / k, fy=1 / k, interpolation=cv2.INTER_AREA)
            small = cv2.GaussianBlur(small, (0, 0), s / k, borderType=cv2.BORDER_REPLICATE)
            return f32(cv2.resize(small, (self.size, self.size), interpolation=cv2.INTER_CUBIC))
        return f32(cv2.GaussianBlur(image, (0, 0), s, borderType=cv2.BORDER_REPLICATE))

    def bump(
        self, target: F, at: tuple[float, float], size: tuple[float, float], height: float, turn: float = 0.0
    ) -> None:
        """Add a Gaussian bump, turned by an angle in degrees; off-centre ones are mirrored to the other side."""
        for side in (1, -1) if at[0] else (1,):
            cx, cy, angle = at[0] * side, at[1], np.deg2rad(turn) * side
            reach = 3.3 * max(size)
            x0, x1 = (int(np.clip((cx + r) * self.unit + self.centre[0], 0, self.size)) for r in (-reach, reach))
            y0, y1 = (int(np.clip((cy + r) * self.unit + self.centre[1], 0, self.size)) for r in (-reach, reach))
            dx, dy = self.x[y0:y1, x0:x1] - cx, self.y[y0:y1, x0:x1] - cy
            u = (dx * np.cos(angle) + dy * np.sin(angle)) / size[0]
            v = (dy * np.cos(angle) - dx * np.sin(angle)) / size[1]
            target[y0:y1, x0:x1] += f32(height * np.exp(-0.5 * (u * u + v * v)))

    def pixels(self, points: F) -> npt.NDArray[np.int32]:
        """Return points as cv2's fixed-point pixels (shift 4)."""
        return np.round((points[:, :2] * self.unit + self.centre - 0.5) * 16).astype(np.int32)

    def fill(self, points: F, soft: float = 0.0) -> F:
        """Return the mask inside a closed line, its edge softened by a width in units."""
        mask = np.zeros((self.size, self.size), np.uint8)
        cv2.fillPoly(mask, [self.pixels(points)], 255, cv2.LINE_AA, 4)
        return self.blur(f32(mask / np.float32(255)), soft)

    def line(self, points: Points, width: float, soft: float, mirror: bool = True) -> F:
        """Return the mask of a smooth soft line, and of its mirror image."""
        mask = np.zeros((self.size, self.size), np.uint8)
        for side in (1, -1) if mirror else (1,):
            line = catmull(points) * f32([side, 1])
            cv2.polylines(mask, [self.pixels(line)], False, 255, max(1, round(width * self.unit)), cv2.LINE_AA, 4)
        return self.blur(f32(mask / np.float32(255)), soft)

    def noise(self, seed: int, cell: float, stretch: float = 1.0) -> F:
        """Return smooth noise of about unit spread; cell is its grain in units, stretch elongates it along y."""
        rng = np.random.default_rng(seed)
        rows, cols = max(4, int(2 / (cell * stretch))), max(4, int(2 / cell))
        grid = rng.standard_normal((rows, cols)).astype(np.float32)
        return f32(cv2.resize(grid, (self.size, self.size), interpolation=cv2.INTER_CUBIC))

    def normals(self, z: F) -> F:
        """Return the unit normals of a relief (x right, y down, z towards the viewer)."""
        gx = cv2.Sobel(z, cv2.CV_32F, 1, 0, ksize=3, scale=self.unit / 8)
        gy = cv2.Sobel(z, cv2.CV_32F, 0, 1, ksize=3, scale=self.unit / 8)
        n = np.stack([-gx, -gy, np.ones_like(gx)], -1)
        return f32(n / np.linalg.norm(n, axis=-1, keepdims=True))
