"""Drawn curls: tapering spirals, each with its dark side, its body and its gleam, laid from the back to the front."""

from __future__ import annotations

import numpy as np

from tools.paint.field import Canvas, F, f32
from tools.paint.look import Colour
from tools.paint.sheet import Sheet, ribbon

DARK, BODY, WARM, GLEAM = (0.30, 0.085, 0.045), (0.60, 0.215, 0.085), (0.735, 0.315, 0.125), (0.93, 0.56, 0.29)


def _spiral(at: F, size: float, start: float, turns: float, hand: float) -> F:
    """Return the line of a curl that winds inwards."""
    t = np.linspace(0, 1, 40, dtype=np.float32)
    angle = start + hand * turns * 2 * np.pi * t
    radius = size * (1 - 0.72 * t**0.9)
    return f32(at + radius[:, None] * np.stack([np.cos(angle), 0.92 * np.sin(angle)], -1))


def curl(sheet: Sheet, at: F, size: float, start: float, turns: float, hand: float, lit: float) -> None:
    """Draw one curl; `lit` from 0, in the shade, to 1."""
    line = _spiral(at, size, start, turns, hand)
    t = np.linspace(0, 1, len(line), dtype=np.float32)
    width = size * 0.34 * np.sin(np.pi * np.clip(0.04 + 0.93 * t, 0, 1)) ** 0.55 * (1 - 0.35 * t)
    body = f32(f32(BODY) + (f32(WARM) - f32(BODY)) * lit)
    body = f32(f32(DARK) + (body - f32(DARK)) * (0.45 + 0.55 * lit))
    sheet.patch(ribbon(f32(line + f32((0.004, 0.006))), f32(width * 1.12 + 0.0015)), DARK)
    sheet.patch(ribbon(line, width), body)
    inner = f32(line + f32((-0.20, -0.26)) * width[:, None])
    sheet.patch(ribbon(inner[3:34], f32(width[3:34] * 0.62)), f32(body + (f32(WARM) - body) * 0.55))
    way = np.gradient(line, axis=0)
    way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
    facing = np.clip(-(way[:, 1] * 0.2 - way[:, 0] * 0.0) * 0 + np.abs(way @ f32((0.8, -0.6))), 0, 1)
    outward = (line - at) @ f32((-0.55, -0.83))
    shine = np.where((outward > 0.15 * size) & (facing > 0.55))[0]
    for part in np.split(shine, np.where(np.diff(shine) > 1)[0] + 1):
        if len(part) > 4:
            taper = np.sin(np.linspace(0, np.pi, len(part), dtype=np.float32))
            sheet.patch(ribbon(inner[part], f32(width[part] * 0.24 * taper)), GLEAM, 0.25 + 0.60 * lit)


def tuft(sheet: Sheet, centres: F, sizes: F, depth: F, c: Canvas, seed: int) -> None:
    """Draw many curls, the deepest first; those to the upper left are in the light."""
    rng = np.random.default_rng(seed)
    for i in np.argsort(depth, kind="stable"):
        x, y = centres[i]
        lit = float(np.clip(0.52 - 0.75 * x - 0.55 * (y + 0.58) + rng.normal(0, 0.10), 0, 1)) * (0.55 + 0.45 * depth[i])
        hand = 1.0 if rng.random() < (0.75 if x < 0.03 else 0.25) else -1.0
        start = rng.uniform(-2.4, -0.7)
        curl(sheet, f32((x, y)), float(sizes[i]), start, rng.uniform(0.95, 1.45), hand, lit)


def colour(name: str) -> Colour:
    """Return one of the hair's colours by its name."""
    return {"dark": DARK, "body": BODY, "warm": WARM, "gleam": GLEAM}[name]
