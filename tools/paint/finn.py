"""Finn: a drawn young man with red curls and freckles, in a green hooded jumper, on nothing."""

from __future__ import annotations

import numpy as np

from tools.paint import curls, drawn_eyes
from tools.paint.field import Canvas, F, catmull, f32, smooth
from tools.paint.sheet import Sheet, both, halves, ribbon

SKIN, SHADE, DEEP, LIGHT = (0.965, 0.800, 0.705), (0.925, 0.735, 0.69), (0.80, 0.53, 0.50), (1.0, 0.885, 0.80)
LINE = (0.36, 0.15, 0.125)
FACE = ((0, -0.66), (0.15, -0.64), (0.262, -0.55), (0.310, -0.41), (0.322, -0.26), (0.319, -0.12), (0.308, 0.02),
        (0.278, 0.130), (0.228, 0.222), (0.150, 0.300), (0.075, 0.334), (0, 0.340))  # fmt: skip
EAR = (
    (0.300, -0.19),
    (0.330, -0.225),
    (0.364, -0.218),
    (0.380, -0.175),
    (0.374, -0.115),
    (0.357, -0.055),
    (0.340, -0.010),
    (0.320, 0.005),
    (0.300, -0.03),
)
EYE = (0.146, -0.150)
CLOTH, CLOTH_DARK, CLOTH_LIGHT = (0.235, 0.455, 0.385), (0.150, 0.325, 0.290), (0.345, 0.575, 0.485)


def _ear(s: Sheet, c: Canvas) -> None:
    shape = both(c, EAR)
    s.lay(shape, (0.93, 0.70, 0.62))
    inside = both(
        c, ((0.318, -0.165), (0.342, -0.192), (0.358, -0.165), (0.352, -0.105), (0.335, -0.055), (0.322, -0.06)), 0.004
    )
    s.tint(np.minimum(inside, shape), (0.78, 0.45, 0.41), 0.75)
    s.tint(shape * smooth(0.1, 0.4, c.x), DEEP, 0.40)
    rim = c.line(((0.315, -0.20), (0.345, -0.212), (0.367, -0.18), (0.362, -0.12), (0.347, -0.06)), 0.005, 0.003)
    s.light(rim * shape, (1.0, 0.9, 0.8), 0.5)


def _neck(s: Sheet, c: Canvas) -> None:
    mask = halves(
        c,
        ((0, 0.15), (0.175, 0.15), (0.172, 0.30), (0.178, 0.42), (0.215, 0.50), (0.30, 0.60), (0.32, 0.80), (0, 0.80)),
    )
    s.lay(mask, SKIN)
    s.shade(mask * smooth(-0.10, 0.19, c.x), (0.88, 0.76, 0.76), 0.8)
    chin = halves(
        c, ((0, 0.20), (0.26, 0.16), (0.24, 0.25), (0.17, 0.345), (0.09, 0.415), (0.03, 0.440), (0, 0.442)), 0.006
    )
    s.tint(np.minimum(chin, mask), (0.77, 0.49, 0.46), 0.85)
    s.shade(mask * c.line(((0.13, 0.36), (0.09, 0.47), (0.045, 0.56)), 0.012, 0.012), (0.90, 0.78, 0.76), 0.8)
    s.light(mask * c.line(((-0.155, 0.43), (-0.19, 0.50), (-0.24, 0.55)), 0.012, 0.012, False), (1, 0.9, 0.8), 0.3)


def _hoodie(s: Sheet, c: Canvas) -> None:
    back = halves(c, ((0, 0.40), (0.13, 0.40), (0.225, 0.415), (0.285, 0.47), (0.31, 0.56), (0.27, 0.68), (0, 0.70)))
    s.lay(back, CLOTH_DARK)
    s.shade(back * smooth(0.34, 0.50, c.y) * smooth(0.29, 0.10, np.abs(c.x)), (0.62, 0.64, 0.68), 0.9)
    _neck(s, c)
    body = (
        (0, 0.735),
        (0.075, 0.705),
        (0.16, 0.615),
        (0.215, 0.515),
        (0.262, 0.470),
        (0.32, 0.500),
        (0.46, 0.560),
        (0.62, 0.625),
        (0.735, 0.72),
        (0.80, 0.85),
        (0.84, 1.1),
        (0.84, 1.3),
        (0, 1.3),
    )
    mask = halves(c, body)
    s.lay(mask, CLOTH)
    s.tint(mask * smooth(-0.05, 0.85, f32(c.x + 0.25 * (c.y - 0.7))), CLOTH_DARK, 0.75)
    s.light(
        mask * c.blur(f32(smooth(0.25, 0.0, f32(np.hypot(c.x + 0.52, (c.y - 0.70) * 1.3)))), 0.05), CLOTH_LIGHT, 0.35
    )
    folds = (((0.33, 1.00), (0.43, 0.90), (0.58, 0.80)), ((0.44, 1.05), (0.57, 0.95), (0.68, 0.87)),
             ((0.63, 1.04), (0.648, 0.92), (0.630, 0.80)))  # fmt: skip
    for line in folds:
        dense = catmull(line, 12)
        t = np.linspace(0, 1, len(dense), dtype=np.float32)
        for side in (1, -1):
            band = ribbon(f32(dense * f32([side, 1])), f32(0.011 * np.sin(np.pi * np.clip(t, 0, 0.999)) ** 0.8))
            s.shade(c.fill(band, 0.006) * mask, (0.74, 0.78, 0.80), 0.8)
            s.light(c.fill(f32(band + f32((-0.004, -0.016))), 0.006) * mask, CLOTH_LIGHT, 0.14)
    for side in (1, -1):  # the hood's two lips around the neck
        lip = (
            (0.0, 0.765),
            (0.04, 0.66),
            (0.115, 0.575),
            (0.165, 0.495),
            (0.205, 0.435),
            (0.262, 0.418),
            (0.312, 0.452),
            (0.318, 0.53),
            (0.275, 0.625),
            (0.19, 0.715),
            (0.10, 0.785),
            (0.04, 0.815),
        )
        edge = f32(lip) * f32([side, 1])
        shape = c.fill(catmull([*edge.tolist(), edge[0].tolist()], 12))
        shadow = c.fill(catmull([*(edge + f32((0.012, 0.030))).tolist(), edge[0].tolist()], 12), 0.012)
        s.shade(np.clip(shadow - shape, 0, 1) * mask, (0.62, 0.66, 0.70), 0.75)
        s.lay(shape, (0.265, 0.495, 0.420) if side < 0 else (0.205, 0.415, 0.355))
        inner = c.fill(catmull([*(f32(lip[:8]) * f32([side, 1])).tolist()], 12) + f32((0.022 * side, 0.018)), 0.012)
        s.shade(shape * np.clip(1 - inner, 0, 1) * smooth(0.32, 0.10, np.abs(c.x)), (0.66, 0.70, 0.72), 0.55)
        ridge = c.line([(x + 0.004 * side, y) for x, y in (edge[3:9] * f32((0.99, 1))).tolist()], 0.012, 0.012, False)
        s.light(shape * ridge, CLOTH_LIGHT, 0.55 if side < 0 else 0.30)
        seam = c.line((edge[7:12] + f32((-0.022 * side, -0.012))).tolist(), 0.0022, 0.0006, False)
        s.shade(seam * shape, (0.60, 0.66, 0.68), 0.8)
        cord = catmull([(0.094 * side, 0.735), (0.102 * side, 0.82), (0.092 * side, 0.90), (0.098 * side, 0.965)], 12)
        s.shade(
            c.fill(ribbon(f32(cord + f32((0.010, 0.008))), f32(np.full(len(cord), 0.010))), 0.004),
            (0.6, 0.65, 0.7),
            0.7,
        )
        s.patch(ribbon(cord, f32(np.full(len(cord), 0.0085))), (0.93, 0.89, 0.80))
        s.patch(ribbon(f32(cord + f32((0.0045, 0))), f32(np.full(len(cord), 0.0030))), (0.80, 0.74, 0.64))
        tip = f32(((0.098 * side, 0.960), (0.098 * side, 1.0)))
        s.patch(ribbon(tip, f32((0.0105, 0.0095))), (0.70, 0.56, 0.34))
        hole = np.linspace(0, 2 * np.pi, 24, dtype=np.float32)
        s.patch(
            f32((0.094 * side, 0.735)) + 0.0125 * f32(np.stack([np.cos(hole), np.sin(hole)], -1)), (0.70, 0.56, 0.34)
        )
        s.patch(
            f32((0.094 * side, 0.735)) + 0.0072 * f32(np.stack([np.cos(hole), np.sin(hole)], -1)), (0.20, 0.16, 0.12)
        )


def _skin(s: Sheet, c: Canvas) -> F:
    """Lay the head's skin, its light and shade; return its mask."""
    mask = halves(c, FACE)
    s.lay(mask, SKIN)
    turn = f32(c.x + 0.06 * np.sin(5 * c.y + 0.6))
    s.tint(mask * smooth(0.06, 0.34, turn), SHADE, 0.75)
    s.tint(mask * smooth(0.225, 0.33, turn), DEEP, 0.42)
    s.tint(mask * smooth(-0.26, -0.33, c.x), SHADE, 0.55)
    s.tint(mask * smooth(0.20, 0.34, f32(c.y + 0.5 * c.x**2)), SHADE, 0.70)
    for at, wide, power in (
        ((-0.20, -0.035), (0.075, 0.055), 0.45),
        ((0.20, -0.035), (0.075, 0.055), 0.45),
        ((0, 0.03), (0.05, 0.04), 0.34),
        ((0, 0.30), (0.06, 0.03), 0.22),
        ((0, -0.45), (0.2, 0.08), 0.10),
    ):
        glow = f32(np.exp(-0.5 * (((c.x - at[0]) / wide[0]) ** 2 + ((c.y - at[1]) / wide[1]) ** 2)))
        s.tint(mask * glow, (0.935, 0.52, 0.46), power)
    for at, wide, power in (
        ((-0.155, -0.055), (0.06, 0.022), 0.30),
        ((-0.07, -0.36), (0.12, 0.07), 0.35),
        ((-0.012, 0.272), (0.035, 0.018), 0.35),
    ):
        glow = f32(np.exp(-0.5 * (((c.x - at[0]) / wide[0]) ** 2 + ((c.y - at[1]) / wide[1]) ** 2)))
        s.light(mask * glow, (1.0, 0.9, 0.78), power)
    for eye in (1, -1):
        socket = f32(np.exp(-0.5 * (((c.x - 0.140 * eye) / 0.085) ** 2 + ((c.y + 0.195) / 0.034) ** 2)))
        s.tint(mask * socket, (0.86, 0.60, 0.55), 0.50)
    rng = np.random.default_rng(17)
    for _ in range(120):
        x, y = rng.normal(0, 0.135), rng.normal(-0.02, 0.034)
        if abs(x) > 0.27 or (abs(x) < 0.045 and rng.random() < 0.5) or y < -0.095:
            continue
        angle, r = np.linspace(0, 2 * np.pi, 10, dtype=np.float32), rng.uniform(0.0016, 0.0042)
        s.patch(
            f32((x, y)) + r * f32(np.stack([1.15 * np.cos(angle), np.sin(angle)], -1)),
            (0.76, 0.43, 0.29),
            rng.uniform(0.25, 0.6),
        )
    return mask


def _nose(s: Sheet, c: Canvas) -> None:
    side = c.fill(
        catmull(
            (
                (0.018, -0.20),
                (0.034, -0.10),
                (0.040, -0.02),
                (0.062, 0.030),
                (0.052, 0.058),
                (0.012, 0.066),
                (0.020, 0.03),
                (0.012, -0.06),
                (0.010, -0.20),
            ),
            10,
        ),
        0.007,
    )
    s.tint(side, (0.84, 0.56, 0.50), 0.62)
    under = c.fill(
        catmull(
            (
                (-0.050, 0.050),
                (-0.02, 0.057),
                (0, 0.062),
                (0.02, 0.057),
                (0.050, 0.050),
                (0.032, 0.072),
                (0, 0.082),
                (-0.032, 0.072),
                (-0.050, 0.050),
            ),
            10,
        ),
        0.004,
    )
    s.tint(under, (0.80, 0.50, 0.46), 0.75)
    for x in (-1, 1):
        hole = catmull(
            [(0.012 * x, 0.060), (0.024 * x, 0.0535), (0.038 * x, 0.0565), (0.030 * x, 0.0640), (0.012 * x, 0.060)], 8
        )
        s.patch(hole, (0.42, 0.17, 0.15), 0.9)
        wing = catmull([(0.058 * x, 0.010), (0.067 * x, 0.030), (0.061 * x, 0.052), (0.047 * x, 0.058)], 10)
        s.patch(
            ribbon(wing, f32(0.0028 * np.sin(np.linspace(0, np.pi, len(wing), dtype=np.float32)))),
            (0.66, 0.34, 0.30),
            0.8,
        )
    for at, wide, power in (((-0.008, 0.012), (0.014, 0.013), 0.75), ((-0.009, -0.09), (0.008, 0.05), 0.45)):
        s.light(
            f32(np.exp(-0.5 * (((c.x - at[0]) / wide[0]) ** 2 + ((c.y - at[1]) / wide[1]) ** 2))),
            (1, 0.95, 0.88),
            power,
        )


def _mouth(s: Sheet, c: Canvas) -> None:
    seam = (
        (-0.112, 0.150),
        (-0.075, 0.155),
        (-0.035, 0.1555),
        (0, 0.1590),
        (0.035, 0.1555),
        (0.075, 0.155),
        (0.112, 0.150),
    )
    top = (
        (0.112, 0.150),
        (0.070, 0.1355),
        (0.026, 0.1255),
        (0, 0.1310),
        (-0.026, 0.1255),
        (-0.070, 0.1355),
        (-0.112, 0.150),
    )
    low = (
        (0.112, 0.150),
        (0.085, 0.172),
        (0.045, 0.191),
        (0, 0.196),
        (-0.045, 0.191),
        (-0.085, 0.172),
        (-0.112, 0.150),
    )
    middle = catmull(seam, 12)
    s.tint(c.fill(f32(np.concatenate([middle, catmull(top, 12)])), 0.0018), (0.790, 0.420, 0.400))
    s.tint(c.fill(f32(np.concatenate([middle, catmull(low, 12)])), 0.0022), (0.875, 0.520, 0.490))
    s.tint(c.line(((-0.05, 0.215), (0, 0.219), (0.05, 0.215)), 0.012, 0.009, False), (0.80, 0.52, 0.48), 0.6)
    t = np.linspace(-1, 1, len(middle), dtype=np.float32)
    s.patch(ribbon(middle, f32(0.0022 + 0.0012 * (1 - np.abs(t)))), (0.40, 0.13, 0.13))
    for x in (-1, 1):
        s.tint(
            c.line(((0.112 * x, 0.1495), (0.119 * x, 0.1470), (0.123 * x, 0.1430)), 0.004, 0.0025, False),
            (0.66, 0.34, 0.31),
            0.75,
        )
    s.light(f32(np.exp(-0.5 * (((c.x + 0.022) / 0.032) ** 2 + ((c.y - 0.176) / 0.0055) ** 2))), (1, 0.9, 0.88), 0.55)
    s.tint(f32(np.exp(-0.5 * ((c.x / 0.010) ** 2 + ((c.y - 0.105) / 0.016) ** 2))), (0.88, 0.62, 0.55), 0.45)


def _hair(s: Sheet, c: Canvas, skin: F) -> None:
    rng = np.random.default_rng(23)
    side = (
        (0.22, -0.60),
        (0.31, -0.56),
        (0.352, -0.42),
        (0.354, -0.29),
        (0.344, -0.20),
        (0.330, -0.115),
        (0.312, -0.10),
        (0.306, -0.19),
        (0.296, -0.27),
        (0.276, -0.34),
        (0.262, -0.42),
        (0.20, -0.50),
    )
    mask = both(c, side, 0.004)
    grain = f32(np.clip(1 + 0.16 * c.noise(25, 0.004, 4.0), 0.5, 1.5))
    s.lay(mask, f32(f32((0.46, 0.165, 0.075)) * grain[..., None]))
    s.shade(mask * smooth(0.1, 0.34, c.x), (0.72, 0.68, 0.70), 0.9)
    shadow = halves(c, ((0, -0.60), (0.26, -0.55), (0.275, -0.42), (0.22, -0.385), (0.12, -0.355), (0, -0.345)), 0.018)
    s.tint(np.minimum(shadow, skin), (0.80, 0.50, 0.44), 0.70)
    dome = ((0, -0.77), (0.15, -0.75), (0.27, -0.67), (0.325, -0.56), (0.322, -0.46), (0.26, -0.435), (0.13, -0.450),
            (0, -0.445))  # fmt: skip
    s.lay(halves(c, dome), curls.DARK)
    centres, sizes, depth = [], [], []
    rows = ((-0.715, 0.20, 0.058), (-0.655, 0.290, 0.060), (-0.580, 0.335, 0.060), (-0.500, 0.340, 0.054),
            (-0.690, 0.17, 0.060), (-0.610, 0.25, 0.062), (-0.540, 0.270, 0.058), (-0.475, 0.265, 0.048))  # fmt: skip
    for k, (row, half, size) in enumerate(rows):
        count = round(2 * half / (size * 0.92)) + 1
        for x in np.linspace(-half, half, count):
            arch = 0.07 * (1 - (x / 0.36) ** 2)
            centres.append((x + rng.normal(0, 0.016) + 0.004, row - arch + 0.03 + rng.normal(0, 0.016)))
            sizes.append(size * rng.uniform(0.70, 1.20))
            depth.append(min(1.0, 0.15 + 0.11 * k + rng.uniform(-0.07, 0.07)))
    for angle in np.linspace(-0.15, np.pi + 0.15, 26):
        centres.append((0.005 + 0.335 * np.cos(angle), -0.555 - 0.205 * np.sin(angle) + rng.normal(0, 0.008)))
        sizes.append(rng.uniform(0.040, 0.060))
        depth.append(float(rng.uniform(0.25, 0.75)))
    fringe = ((-0.20, -0.435, 0.046), (-0.05, -0.415, 0.034), (0.13, -0.425, 0.036), (0.02, -0.405, 0.026),
              (-0.135, -0.420, 0.042), (-0.075, -0.432, 0.046), (-0.10, -0.395, 0.032), (-0.02, -0.440, 0.040),
              (0.095, -0.455, 0.042), (0.225, -0.445, 0.044), (-0.25, -0.425, 0.044), (0.27, -0.42, 0.036),
              (0.06, -0.415, 0.028), (0.03, -0.448, 0.036), (0.16, -0.452, 0.034), (-0.315, -0.42, 0.036),
              (0.312, -0.425, 0.036))  # fmt: skip
    for x, y, size in fringe:
        centres.append((x, y))
        sizes.append(size)
        depth.append(1.0)
    curls.tuft(s, f32(centres), f32(sizes), f32(depth), c, 29)


def paint(size: int, scale: int) -> F:
    """Return the portrait as sRGB and opacity from 0 to 1, size pixels wide."""
    c = Canvas(size * (scale + 1), 1.04, 0.03)
    s = Sheet(c)
    _hoodie(s, c)
    _ear(s, c)
    skin = _skin(s, c)
    _nose(s, c)
    _mouth(s, c)
    drawn_eyes.eyes(s, c, EYE)
    _hair(s, c, skin)
    drawn_eyes.brows(s, c)
    return s.finish(size)
