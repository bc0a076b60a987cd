"""The face as a relief: the skull's dome, then every feature as bumps, ridges and rolls; and the colour of its skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.paint.field import Canvas, F, catmull, f32, graph, mix, smooth
from tools.paint.lines import age
from tools.paint.look import Look

MIDDLE = -0.13
MOUTH_AT = -0.022
SEAM = ((0, 0.1765), (0.14, 0.1757), (0.32, 0.1735), (0.6, 0.1735), (0.85, 0.1650), (1, 0.1570), (1.4, 0.150))
LIP_TOP = ((0, 0.1482), (0.16, 0.1430), (0.3, 0.1450), (0.6, 0.1568), (0.85, 0.1570), (1, 0.1570), (1.4, 0.150))
LIP_BOTTOM = ((0, 0.2195), (0.3, 0.2175), (0.6, 0.2040), (0.85, 0.1770), (1, 0.1570), (1.4, 0.150))


@dataclass
class Layer:
    """One surface of the picture: where it is, its relief, its colour (linear light), and how it shines."""

    mask: F
    z: F
    colour: F
    gloss: F
    soft: float
    """How deeply light spreads under the surface, 0 for cloth."""


def _dome(c: Canvas, look: Look) -> tuple[F, F]:
    """Return the head's mask and its relief without features."""
    line = catmull(look.outline, 40)
    dx, dy = c.x, c.y - MIDDLE
    angle = np.arctan2(line[:, 0], line[:, 1] - MIDDLE)
    radius = np.interp(np.arctan2(np.abs(dx), dy), angle, np.hypot(line[:, 0], line[:, 1] - MIDDLE))
    s = f32(np.hypot(dx, dy) / radius)
    mask = smooth(1 + 0.002, 1 - 0.003, s)
    return mask, f32(0.40 * np.sqrt(1 - np.minimum(s, 0.998) ** 2.45))


def _bones(c: Canvas, z: F) -> None:
    c.bump(z, (0, -0.40), (0.16, 0.09), 0.012)
    c.bump(z, (0.125, -0.272), (0.075, 0.026), 0.013, 4)
    c.bump(z, (0.142, -0.182), (0.07, 0.042), -0.040)
    c.bump(z, (0.062, -0.195), (0.024, 0.035), -0.026)
    c.bump(z, (0.215, -0.03), (0.075, 0.055), 0.022, -25)
    c.bump(z, (0.165, 0.030), (0.062, 0.052), 0.022)
    c.bump(z, (0.235, 0.13), (0.05, 0.07), -0.012)
    c.bump(z, (0, 0.143), (0.10, 0.075), 0.034)
    c.bump(z, (0, 0.268), (0.056, 0.036), 0.034)
    under = np.maximum(c.y - (0.285 - 0.55 * c.x**2), 0)
    z -= f32(0.55 * under * smooth(0.30, 0.15, np.abs(c.x)))
    c.bump(z, (0, 0.229), (0.07, 0.016), -0.014)
    c.bump(z, (0.31, -0.30), (0.05, 0.09), -0.012)
    c.bump(z, (0.131, 0.134), (0.011, 0.016), -0.012)
    z -= 0.0045 * c.line(((0.082, 0.035), (0.118, 0.08), (0.143, 0.13)), 0.012, 0.013)


def _nose(c: Canvas, z: F, wide: float) -> None:
    ridge = graph(
        ((-0.3, 0), (-0.26, 0.003), (-0.2, 0.010), (-0.12, 0.030), (-0.05, 0.062), (-0.008, 0.094), (0.017, 0.102),
         (0.038, 0.084), (0.055, 0.038), (0.070, 0.010), (0.087, 0)), c.y)  # fmt: skip
    width = graph(((-0.3, 0.05), (-0.2, 0.036), (-0.1, 0.034), (-0.04, 0.035), (0.012, 0.043), (0.08, 0.040)), c.y)
    z += ridge * np.exp(-((np.abs(c.x) / (width * wide**0.7)) ** 2.1))
    c.bump(z, (0, 0.012), (0.026 * wide, 0.021), 0.022)
    c.bump(z, (0.047 * wide, 0.031), (0.0165 * wide, 0.017), 0.044, -12)
    z -= 0.014 * c.line(
        [(x * wide, y) for x, y in ((0.062, -0.006), (0.074, 0.014), (0.0755, 0.036), (0.064, 0.052))], 0.006, 0.006
    )
    c.bump(z, (0.0275 * wide, 0.055), (0.0125 * wide, 0.0062), -0.030, -22)
    c.bump(z, (0, 0.060), (0.010, 0.008), 0.010)
    c.bump(z, (0, 0.093), (0.0095, 0.020), -0.0055)
    c.bump(z, (0.0195, 0.095), (0.0065, 0.020), 0.0030, -8)


def _lips(c: Canvas, z: F, look: Look) -> tuple[F, F]:
    """Add the lips to the relief; return the mask of their red and the darkness of the seam between them."""
    t = f32(np.abs(c.x) / look.mouth)
    seam, top, bottom = (f32(graph(line, t) + MOUTH_AT) for line in (SEAM, LIP_TOP, LIP_BOTTOM))
    top, bottom = seam - (seam - top) * look.lips[0], seam + (bottom - seam) * look.lips[1]
    inside = smooth(1.04, 0.90, t)
    upper = np.clip((c.y - top) / np.maximum(seam - top, 1e-4), 0, 1)
    lower = np.clip((bottom - c.y) / np.maximum(bottom - seam, 1e-4), 0, 1)
    above, taper = c.y < seam, np.sqrt(np.clip(1 - t**2.2, 0, 1))
    roll = np.where(above, 0.017 * upper**0.8 * np.sqrt(1 - upper**5), 0.025 * lower**0.75 * np.sqrt(1 - lower**4))
    red = smooth(-0.0022, 0.0030, f32(np.minimum(c.y - top, bottom - c.y))) * inside
    z += c.blur(f32(roll * taper * inside), 0.0022)
    creases = c.noise(11, 0.0035, 6.0) * red
    z += 0.00030 * creases
    z += 0.003 * np.exp(-0.5 * ((c.y - top + 0.006) / 0.0035) ** 2) * inside * taper
    reach = smooth(1.05, 0.86, t)
    width = 0.0026 * (0.65 + 0.35 * reach)
    dark = f32(np.exp(-0.5 * ((c.y - seam) / width) ** 2) * reach)
    z -= 0.008 * np.exp(-0.5 * ((c.y - seam) / 0.0042) ** 2) * reach
    return red, dark


def _colour(c: Canvas, look: Look, red: F, dark: F, lids: F) -> tuple[F, F]:
    """Return the skin's colour and gloss."""
    colour = np.broadcast_to(f32(look.skin), (*c.x.shape, 3)).copy()
    tone = f32(0.5 * c.noise(1, 0.08) + 0.3 * c.noise(2, 0.03) + 0.25 * c.noise(3, 0.012))
    colour *= 1 + 0.022 * tone[..., None] * f32([0.5, 1, 1.1])
    under = smooth(0.218, 0.318, f32(c.y + 1.6 * c.x**2))
    colour *= (1 - 0.48 * under)[..., None] ** f32([0.8, 1.05, 1.15])
    blush = c.zeros()
    c.bump(blush, (0.185, 0.0), (0.075, 0.055), 0.50, -20)
    c.bump(blush, (0, 0.022), (0.045, 0.035), 0.30)
    c.bump(blush, (0, 0.30), (0.06, 0.03), 0.18)
    c.bump(blush, (0.30, -0.05), (0.03, 0.06), 0.2)
    colour = mix(colour, look.flush, np.clip(blush, 0, 0.6))
    warm = c.zeros()
    c.bump(warm, (0, -0.40), (0.2, 0.09), 0.35)
    colour = mix(colour, look.forehead, warm)
    colour = mix(colour, look.lid, np.clip(0.55 * lids, 0, 0.6))
    freckles = c.zeros()
    rng = np.random.default_rng(7)
    for _ in range(look.freckles):
        at = (float(rng.normal(0, 0.13)), float(rng.normal(-0.015, 0.035)))
        if 0.05 < abs(at[0]) < 0.26 or rng.random() < 0.4:
            _spot(c, freckles, at, float(rng.uniform(0.0015, 0.0030)), float(rng.uniform(0.1, 0.34)))
    colour = mix(colour, (0.40, 0.17, 0.09), np.clip(freckles, 0, 0.45))
    lip = f32(look.lip) * (1 + 0.07 * c.noise(12, 0.004, 5.0)[..., None] + 0.05 * tone[..., None])
    inner = smooth(0.03, 0.0, f32(np.abs(c.y - 0.179 - MOUTH_AT)))
    lip = mix(f32(lip), look.lip_inner, 0.45 * inner)
    colour = mix(colour, lip, 0.92 * red)
    colour = mix(colour, look.seam, 0.93 * dark)
    nostril = c.zeros()
    c.bump(nostril, (0.0275 * look.nose, 0.0555), (0.0105 * look.nose, 0.0052), 1.25, -22)
    colour = mix(colour, f32(look.seam) * f32((0.9, 1, 0.7)), np.clip(nostril, 0, 0.93))
    gloss = c.zeros() + look.gloss
    for at, size, height in (((0, 0.008), (0.03, 0.03), 0.40), ((0, -0.4), (0.14, 0.08), 0.12),
                             ((0.2, -0.05), (0.07, 0.04), 0.14), ((0, 0.30), (0.05, 0.03), 0.15)):  # fmt: skip
        c.bump(gloss, at, size, height)
    return colour, f32((gloss + look.lip_gloss * red) * (1 - dark))


def _spot(c: Canvas, target: F, at: tuple[float, float], size: float, height: float) -> None:
    """Add one small bump without its mirror image."""
    px, r = f32(at) * c.unit + c.centre, int(4 * size * c.unit) + 1
    x0, y0 = int(px[0]) - r, int(px[1]) - r
    window = (slice(y0, y0 + 2 * r), slice(x0, x0 + 2 * r))
    d = ((c.x[window] - at[0]) ** 2 + (c.y[window] - at[1]) ** 2) / size**2
    target[window] += f32(height * np.exp(-0.5 * d))


def head(c: Canvas, look: Look, lid_relief: F, lid_tint: F) -> Layer:
    """Return the head; the eyes give the relief and the tint of their lids."""
    mask, z = _dome(c, look)
    z += 0.06
    _bones(c, z)
    _nose(c, z, look.nose)
    red, dark = _lips(c, z, look)
    if look.age:
        age(c, z, look.age)
    z = c.blur(z, 0.0016) + lid_relief
    pores = c.noise(21, 0.0045) * 0.00010 + c.noise(22, 0.009) * 0.00016
    z = f32(z + pores * (1 - red))
    colour, gloss = _colour(c, look, red, dark, lid_tint)
    return Layer(mask, z, colour, gloss, 1.0)
