"""Spectacles: thin frames, their shadow on the skin, and a faint reflection in the lenses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.paint.field import Canvas, F, f32, smooth
from tools.paint.look import Colour

AT = (0.149, -0.152)
HALF = (0.112, 0.092)
_POWER = 2.7
_THICK = 0.0062


@dataclass
class Glasses:
    """Frames and lenses as maps."""

    frame: F
    """Cover of the metal."""
    lens: F
    """Cover of the glass."""
    bevel: F
    """How far across the metal, -1 inside .. 1 outside."""


def glasses(c: Canvas) -> Glasses:
    """Return a pair of glasses on the nose."""
    u, v = (np.abs(c.x) - AT[0]) / HALF[0], (c.y - AT[1] - 0.006 * ((np.abs(c.x) - AT[0]) / HALF[0]) ** 2) / HALF[1]
    radius = (np.abs(u) ** _POWER + np.abs(v * (1 + 0.06 * v)) ** _POWER) ** (1 / _POWER)
    away = f32((radius - 1) * HALF[1])
    soft = 0.0012
    frame = smooth(_THICK + soft, _THICK - soft, np.abs(away))
    bridge = c.line(
        ((-0.040, -0.168), (-0.02, -0.186), (0, -0.190), (0.02, -0.186), (0.040, -0.168)), 0.011, 0.0007, False
    )
    side = c.line(((0.258, -0.182), (0.285, -0.187), (0.334, -0.192)), 0.011, 0.0007)
    lens = smooth(soft, -soft, away)
    cover = np.maximum(frame, np.maximum(np.clip(1.3 * bridge, 0, 1), np.clip(1.3 * side, 0, 1)) * (1 - lens))
    return Glasses(f32(cover), lens, f32(np.clip(away / _THICK, -1, 1)))


def shade(c: Canvas, picture: F, worn: Glasses) -> F:
    """Darken the skin where the frames keep the light from it."""
    dx, dy = round(0.010 * c.unit), round(0.014 * c.unit)
    cast = c.blur(f32(np.roll(worn.frame, (dy, dx), (0, 1))), 0.005)
    near = c.blur(worn.frame, 0.0035)
    dark = np.clip(0.42 * cast + 0.25 * near, 0, 0.6)
    return f32(picture * (1 - dark[..., None] * f32((0.9, 1.0, 1.05))))


def wear(c: Canvas, picture: F, worn: Glasses, colour: Colour) -> F:
    """Lay the lenses and the frames over the face."""
    u, v = (np.abs(c.x) - AT[0]) * np.sign(c.x), c.y - AT[1]
    streak = smooth(-0.030, -0.070, f32(v + 0.45 * u)) * smooth(-0.135, -0.085, f32(v + 0.45 * u))
    picture = f32(picture + (0.020 * worn.lens + 0.050 * streak * worn.lens)[..., None] * f32((0.85, 0.95, 1.0)))
    slope = f32(0.5 - 0.5 * np.sign(v) * worn.bevel * np.minimum(np.abs(v) / 0.05, 1))
    upper = f32(np.exp(-0.5 * ((worn.bevel - 0.25) / 0.30) ** 2) * smooth(0.02, -0.06, v))
    low = f32(np.exp(-0.5 * ((worn.bevel + 0.2) / 0.25) ** 2) * smooth(0.0, 0.07, v))
    glint = 0.5 + 0.5 * np.cos(14 * c.x - 4)
    metal = f32(colour) * (0.35 + 0.55 * slope + 0.9 * upper * (0.4 + glint) + 0.35 * low)[..., None]
    metal = f32(metal + (0.22 * upper * glint**3)[..., None])
    return f32(picture + (metal - picture) * worn.frame[..., None])
