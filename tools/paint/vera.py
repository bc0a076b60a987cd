"""Vera: a woman of thirty with brown hair, in a knitted jumper."""

from __future__ import annotations

import numpy as np

from tools.paint import body, eyes, hair, light, stage
from tools.paint.field import Canvas, F, catmull, f32, smooth
from tools.paint.head import head
from tools.paint.look import Look

LOOK = Look(skin=(0.62, 0.335, 0.225), forehead=(0.66, 0.385, 0.255), age=0.22)


def _behind(c: Canvas) -> F:
    """Return the mask of the hair seen behind the neck."""
    points = ((0, -0.76), (0.2, -0.72), (0.37, -0.5), (0.40, -0.1), (0.40, 0.3), (0.34, 0.52), (0.2, 0.6), (0, 0.6))
    half = catmull(points, 16)
    return c.fill(f32(np.concatenate([half, half[::-1] * f32([-1, 1])])), 0.004)


def paint(size: int, scale: int) -> F:
    """Return the portrait as sRGB values from 0 to 1, size pixels wide."""
    c = Canvas(size * scale, 1.04, 0.045)
    lid_relief, lid_tint = eyes.lids(c)
    face = head(c, LOOK, lid_relief, lid_tint)
    locks = hair.strands(c)
    over = f32(locks.alpha * (1 - face.mask * smooth(-0.06, 0.02, c.y)))
    raised = f32((0.05 + 0.08 * smooth(0.2, 0.45, c.y)) * c.blur(over, 0.004))
    hidden = 1 - 0.40 * c.blur(over, 0.012) - 0.35 * c.blur(over, 0.045)
    picture = light.backdrop(c)
    behind = _behind(c)[..., None]
    back = hair.DARK * (1.1 + 0.5 * c.noise(95, 0.012, 14.0)[..., None])
    picture = f32(picture * (1 - behind) + behind * np.maximum(back, 0.7 * hair.DARK))
    layers = [body.neck(c, LOOK), body.jumper(c), face]
    picture = stage.compose(c, picture, layers, raised, f32(hidden))
    picture = eyes.lashes(c, LOOK, eyes.eyes(c, LOOK, picture))
    picture = eyes.brows(c, LOOK, picture)
    picture = hair.wisps(c, picture)
    picture = f32(picture + (locks.colour - picture) * over[..., None])
    return stage.finish(c, picture, size)
