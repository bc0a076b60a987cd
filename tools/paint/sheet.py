"""A transparent sheet to draw on with flat and soft shapes, in sRGB."""

from __future__ import annotations

import cv2
import numpy as np

from tools.paint.field import Canvas, F, Points, catmull, f32
from tools.paint.look import Colour


def both(c: Canvas, points: Points, soft: float = 0.0) -> F:
    """Return the mask inside a smooth closed line of the right half, and inside its mirror image."""
    line = ring(points)
    return np.maximum(c.fill(line, soft), c.fill(f32(line * f32([-1, 1])), soft))


def halves(c: Canvas, points: Points, soft: float = 0.0) -> F:
    """Return the mask of a shape whose right half runs from top to bottom along the points."""
    line = catmull(points, 16)
    return c.fill(f32(np.concatenate([line, line[::-1] * f32([-1, 1])])), soft)


def ring(points: Points) -> F:
    """Return a dense smooth closed line through the points."""
    p = f32(points)
    return catmull(np.concatenate([p[-2:], p, p[:2]]).tolist(), 12)[24:-24]


def ribbon(line: F, width: F) -> F:
    """Return the outline of a band along a line; `width` is half its width at each point."""
    way = np.gradient(line, axis=0)
    way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
    side = np.stack([-way[:, 1], way[:, 0]], -1) * width[:, None]
    return f32(np.concatenate([line + side, (line - side)[::-1]]))


class Sheet:
    """Colour and cover, both growing as shapes are laid on."""

    def __init__(self, c: Canvas) -> None:
        self.c = c
        self.colour = np.zeros((c.size, c.size, 3), np.float32)
        """(h, w, 3) sRGB 0..1, weighted by the cover."""
        self.cover = c.zeros()

    def lay(self, mask: F, colour: Colour | F, opacity: float = 1.0) -> None:
        """Lay a shape over what is there."""
        weight = f32(mask * opacity)
        self.colour += (f32(colour) - self.colour) * weight[..., None] if weight.max() else 0
        self.cover += (1 - self.cover) * weight

    def tint(self, mask: F, colour: Colour | F, opacity: float = 1.0) -> None:
        """Colour a shape, only where something is there already."""
        weight = f32(mask * opacity)[..., None]
        self.colour += (f32(colour) * self.cover[..., None] - self.colour) * weight

    def shade(self, mask: F, factor: Colour, opacity: float = 1.0) -> None:
        """Multiply the colours within a shape."""
        self.colour *= 1 + (f32(factor) - 1) * f32(mask * opacity)[..., None]

    def light(self, mask: F, colour: Colour, opacity: float = 1.0) -> None:
        """Screen light over a shape."""
        glow = f32(colour) * f32(mask * opacity * self.cover)[..., None]
        self.colour = f32(self.colour + glow * np.clip(1 - self.colour, 0, 1))

    def patch(self, outline: F, colour: Colour | F, opacity: float = 1.0) -> None:
        """Lay a small sharp shape; only its surroundings are touched."""
        c = self.c
        pixels = c.pixels(outline)
        low, high = np.floor(pixels.min(0) / 16).astype(int) - 2, np.ceil(pixels.max(0) / 16).astype(int) + 3
        (x0, y0), (x1, y1) = np.clip(low, 0, c.size), np.clip(high, 0, c.size)
        if x1 <= x0 or y1 <= y0:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        moved = (pixels - np.array((x0, y0), np.int32) * 16).astype(np.int32)
        cv2.fillPoly(mask, [moved], 255, cv2.LINE_AA, 4)
        weight = f32(mask * np.float32(opacity / 255))
        self.colour[y0:y1, x0:x1] += (f32(colour) - self.colour[y0:y1, x0:x1]) * weight[..., None]
        self.cover[y0:y1, x0:x1] += (1 - self.cover[y0:y1, x0:x1]) * weight

    def finish(self, size: int) -> F:
        """Return (size, size, 4) sRGB and opacity, 0..1."""
        colour = cv2.resize(self.colour, (size, size), interpolation=cv2.INTER_AREA)
        cover = cv2.resize(self.cover, (size, size), interpolation=cv2.INTER_AREA)
        plain = colour / np.maximum(cover, 1e-3)[..., None]
        return f32(np.concatenate([np.where(cover[..., None] > 0.002, np.clip(plain, 0, 1), 0), cover[..., None]], -1))
