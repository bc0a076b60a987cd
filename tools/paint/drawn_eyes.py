"""Drawn eyes: white, iris, gleam, lashes and brows as clear shapes."""

from __future__ import annotations

import numpy as np

from tools.paint.field import Canvas, F, Points, catmull, f32, smooth
from tools.paint.sheet import Sheet, ribbon

UPPER = (
    (-0.082, 0.011),
    (-0.066, -0.010),
    (-0.035, -0.031),
    (0.004, -0.038),
    (0.044, -0.030),
    (0.072, -0.010),
    (0.085, 0.002),
)
LOWER = ((0.085, 0.002), (0.066, 0.019), (0.030, 0.030), (-0.010, 0.030), (-0.050, 0.022), (-0.082, 0.011))
BROW = ((0.058, -0.262), (0.10, -0.281), (0.155, -0.292), (0.205, -0.281), (0.252, -0.247))
INK = (0.23, 0.085, 0.065)


def _disc(at: Points, r: float, squeeze: float = 1.0) -> F:
    angle = np.linspace(0, 2 * np.pi, 48, dtype=np.float32)
    return f32(f32(at) + r * np.stack([np.cos(angle), squeeze * np.sin(angle)], -1))


def eyes(s: Sheet, c: Canvas, centre: tuple[float, float]) -> None:
    """Draw both eyes; `centre` is that of the right one."""
    for side in (1, -1):
        at = f32((centre[0] * side, centre[1]))
        upper, lower = (f32(catmull(line, 14) * f32([side, 1]) + at) for line in (UPPER, LOWER))
        inside = c.fill(f32(np.concatenate([upper, lower])), 0.0006)
        s.tint(inside, (0.975, 0.960, 0.945))
        dx, dy = c.x - at[0], c.y - at[1] + 0.004
        r = f32(np.hypot(dx, dy) / 0.0395)
        s.tint(inside * smooth(1.02, 0.96, r), (0.155, 0.300, 0.395))
        s.tint(inside * smooth(0.90, 0.55, f32(np.hypot(dx, dy - 0.010) / 0.0395)), (0.330, 0.560, 0.640))
        s.light(inside * smooth(0.62, 0.15, f32(np.hypot(dx - 0.006, dy - 0.019) / 0.0395)), (0.72, 0.92, 0.88), 0.55)
        s.tint(inside * smooth(0.44, 0.38, r), (0.045, 0.045, 0.060))
        lid = c.fill(f32(np.concatenate([upper + f32((0, 0.017)), upper[::-1] - f32((0, 0.02))])), 0.005)
        s.shade(inside * lid, (0.62, 0.58, 0.66), 0.75)
        s.shade(inside * smooth(0.055, 0.085, np.abs(dx)), (0.86, 0.72, 0.70), 0.7)
        s.patch(_disc((at[0] - 0.0135, at[1] - 0.0185), 0.0098, 1.1), (1, 1, 1), 0.97)
        s.patch(_disc((at[0] + 0.0150, at[1] + 0.0120), 0.0048), (1, 1, 1), 0.55)
        corner = _disc((at[0] - 0.078 * side, at[1] + 0.0105), 0.0058, 0.7)
        s.patch(corner, (0.90, 0.58, 0.54), 0.8)
        t = np.linspace(0, 1, len(upper), dtype=np.float32)
        s.patch(
            ribbon(
                f32(upper - f32((0, 0.001))), f32(0.0016 + 0.0038 * np.sin(np.pi * np.clip(t**1.25, 0, 0.999)) ** 0.8)
            ),
            INK,
        )
        flick = catmull(
            [
                upper[-14].tolist(),
                (upper[-1] + f32((0.006 * side, -0.006))).tolist(),
                (upper[-1] + f32((0.011 * side, -0.008))).tolist(),
            ],
            10,
        )
        s.patch(ribbon(flick, f32(np.linspace(0.0042, 0.0003, len(flick)))), INK)
        for k, length in ((0.80, 0.009), (0.90, 0.010)):
            root = upper[int(k * (len(upper) - 1))]
            lash = catmull(
                [
                    root.tolist(),
                    (root + length * f32((0.45 * side, -0.55))).tolist(),
                    (root + length * f32((1.0 * side, -0.85))).tolist(),
                ],
                8,
            )
            s.patch(ribbon(lash, f32(np.linspace(0.0030, 0.0002, len(lash)))), INK)
        u = np.linspace(0, 1, len(lower), dtype=np.float32)
        s.patch(ribbon(f32(lower + f32((0, 0.0008))), f32(0.0018 * (1 - u) ** 0.6)), (0.55, 0.27, 0.24), 0.85)
        crease = catmull(
            [
                (x * side + at[0], y + at[1])
                for x, y in ((-0.066, -0.026), (-0.035, -0.052), (0.008, -0.060), (0.050, -0.050), (0.086, -0.023))
            ],
            12,
        )
        v = np.linspace(0, 1, len(crease), dtype=np.float32)
        s.patch(ribbon(crease, f32(0.0025 * np.sin(np.pi * v))), (0.66, 0.35, 0.31), 0.8)
        bag = catmull(
            [(x * side + at[0], y + at[1]) for x, y in ((-0.060, 0.042), (-0.015, 0.052), (0.040, 0.048))], 12
        )
        s.patch(
            ribbon(bag, f32(0.0018 * np.sin(np.pi * np.linspace(0, 1, len(bag), dtype=np.float32)))),
            (0.80, 0.50, 0.45),
            0.55,
        )


def brows(s: Sheet, c: Canvas) -> None:
    """Draw both brows as one shape of several strokes each."""
    spine = catmull(BROW, 14)
    t = np.linspace(0, 1, len(spine), dtype=np.float32)
    width = f32(np.interp(t, [0, 0.12, 0.45, 1], [0.0095, 0.0150, 0.0130, 0.0015]))
    rng = np.random.default_rng(31)
    for side in (1, -1):
        way = f32([side, 1])
        s.tint(c.fill(f32(ribbon(spine, width) * way), 0.0022), (0.50, 0.19, 0.095), 0.92)
        for _ in range(46):
            i = int(rng.uniform(0, 0.93) * (len(spine) - 8))
            root = spine[i] + f32((0, rng.uniform(-0.8, 0.8))) * width[i]
            along = spine[i + 6] - spine[i]
            along = along / np.linalg.norm(along)
            rise = float(np.interp(i / len(spine), [0, 0.3, 1], [-0.75, -0.25, 0.05]))
            tip = root + rng.uniform(0.018, 0.030) * (along + f32((0, rise)))
            hair = catmull([root.tolist(), ((root + tip) / 2 + f32((0, -0.001))).tolist(), tip.tolist()], 5)
            tone = (0.34, 0.115, 0.055) if rng.random() < 0.6 else (0.66, 0.29, 0.15)
            s.patch(ribbon(f32(hair * way), f32(np.linspace(0.0017, 0.0002, len(hair)))), tone, 0.8)
