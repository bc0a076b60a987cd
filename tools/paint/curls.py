"""Drawn curls: tapering spirals, each with its dark side, its body and its gleam, laid from the back to the front."""

from __future__ import annotations

import numpy as np

from tools.paint.field import Canvas, F, f32
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
    width = f32(size * 0.40 * np.sin(np.pi * np.clip(0.03 + 0.94 * t, 0, 1)) ** 0.6 * (1 - 0.40 * t))
    body = f32(f32(DARK) + (f32(BODY) - f32(DARK)) * (0.50 + 0.50 * lit))
    warm = f32(body + (f32(WARM) - body) * (0.35 + 0.55 * lit))
    way = np.gradient(line, axis=0)
    way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
    across = np.stack([-way[:, 1], way[:, 0]], -1)
    towards = np.sign(across @ f32((-0.55, -0.83)))[:, None] * across  # the side that the light is on
    sheet.patch(ribbon(f32(line + f32((0.003, 0.005))), f32(width * 1.08 + 0.0012)), DARK, 0.9)
    sheet.patch(ribbon(line, width), body)
    facing = np.abs(across @ f32((-0.55, -0.83)))
    for share, shift, colour, power in ((0.66, 0.22, warm, 0.75), (0.30, 0.42, f32(WARM), 0.30 + 0.40 * lit)):
        sheet.patch(
            ribbon(f32(line + shift * width[:, None] * towards * facing[:, None]), f32(width * share)), colour, power
        )
    for lane in (-0.55, -0.15, 0.30, 0.62):  # the hairs of the lock
        hair = f32(line + (lane * width)[:, None] * across)
        sheet.patch(ribbon(hair[2:-3], np.full(len(hair) - 5, 0.0007, np.float32)), DARK, 0.40)
    outward = (line - at) @ f32((-0.55, -0.83))
    shine = np.where((outward > 0.30 * size) & (facing > 0.72))[0]
    for part in np.split(shine, np.where(np.diff(shine) > 1)[0] + 1):
        if len(part) > 3:
            taper = np.sin(np.linspace(0, np.pi, len(part), dtype=np.float32))
            for lane, wide in ((0.05, 0.05), (0.28, 0.09), (0.52, 0.05)):
                hair = f32(line[part] + lane * width[part, None] * towards[part])
                sheet.patch(ribbon(hair, f32(width[part] * wide * taper)), GLEAM, 0.20 + 0.65 * lit)


def tuft(sheet: Sheet, centres: F, sizes: F, depth: F, c: Canvas, seed: int) -> None:
    """Draw many curls, the deepest first; those to the upper left are in the light."""
    rng = np.random.default_rng(seed)
    for i in np.argsort(depth, kind="stable"):
        x, y = centres[i]
        lit = float(np.clip(0.52 - 0.75 * x - 0.55 * (y + 0.58) + rng.normal(0, 0.10), 0, 1)) * (0.55 + 0.45 * depth[i])
        hand = 1.0 if rng.random() < (0.75 if x < 0.03 else 0.25) else -1.0
        start = rng.uniform(-2.9, -0.3)
        curl(sheet, f32((x, y)), float(sizes[i]), start, rng.uniform(0.62, 1.15), hand, lit)
