"""Layers to a picture: stacked, shadowed by one another, lit, and developed."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from tools.paint import light
from tools.paint.field import Canvas, F, f32
from tools.paint.head import Layer


def relief(c: Canvas, layers: Sequence[Layer]) -> F:
    """Return the relief of what is seen, the nearest layer last."""
    z = f32(np.full_like(c.x, -0.35))
    for layer in layers:
        z = f32(z + (layer.z - z) * layer.mask)
    return z


def compose(c: Canvas, ground: F, layers: Sequence[Layer], raised: F, open_: F) -> F:
    """Return the layers over a ground, in linear light.

    `raised` is what else casts a shadow, in addition to their relief; `open_` is how open each point is besides, 0..1.
    """
    z = relief(c, layers)
    key = light.shadow(c, f32(z + raised))
    around = f32(light.occlusion(c, z) * open_)
    picture = ground
    for layer in layers:
        surface = light.lit(c, layer, key, around)
        picture = f32(picture + (surface - picture) * layer.mask[..., None])
    return picture


def finish(c: Canvas, picture: F, size: int) -> F:
    """Return the developed picture, `size` pixels wide, with a slight glow around what is bright."""
    glow = c.blur(np.maximum(picture - 0.75, 0), 0.02)
    return f32(cv2.resize(light.develop(picture + 0.25 * glow), (size, size), interpolation=cv2.INTER_AREA))
