"""Paint Visavis' own avatar, Vera: `python -m tools.paint_avatar OUT.png`."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from tools.paint import body, eyes, hair, light
from tools.paint.field import Canvas, F, catmull, f32, smooth
from tools.paint.head import Layer, head


def _behind(c: Canvas) -> F:
    """Return the mask of the hair seen behind the neck."""
    points = ((0, -0.76), (0.2, -0.72), (0.37, -0.5), (0.40, -0.1), (0.40, 0.3), (0.34, 0.52), (0.2, 0.6), (0, 0.6))
    half = catmull(points, 16)
    return c.fill(f32(np.concatenate([half, half[::-1] * f32([-1, 1])])), 0.004)


def paint(size: int, scale: int = 2) -> F:
    """Return the portrait as sRGB values from 0 to 1, size pixels wide."""
    c = Canvas(size * scale, 1.04, 0.045)
    lid_relief, lid_tint = eyes.lids(c)
    face, neck, jumper = head(c, lid_relief, lid_tint), body.neck(c), body.jumper(c)
    locks = hair.strands(c)
    over = f32(locks.alpha * (1 - face.mask * smooth(-0.06, 0.02, c.y)))
    z = f32(np.full_like(c.x, -0.35))
    layers: list[Layer] = [neck, jumper, face]
    for layer in layers:
        z = f32(z + (layer.z - z) * layer.mask)
    cover = c.blur(over, 0.004)
    key = light.shadow(c, f32(z + (0.05 + 0.08 * smooth(0.2, 0.45, c.y)) * cover))
    hidden = 1 - 0.40 * c.blur(over, 0.012) - 0.35 * c.blur(over, 0.045)
    picture = light.backdrop(c)
    behind = _behind(c)[..., None]
    back = hair.DARK * (1.1 + 0.5 * c.noise(95, 0.012, 14.0)[..., None])
    picture = f32(picture * (1 - behind) + behind * np.maximum(back, 0.7 * hair.DARK))
    for layer in layers:
        surface = light.lit(c, layer, key, f32(light.occlusion(c, z) * hidden))
        picture = f32(picture + (surface - picture) * layer.mask[..., None])
    picture = eyes.lashes(c, eyes.eyes(c, picture))
    picture = eyes.brows(c, picture)
    picture = f32(picture + (locks.colour - picture) * over[..., None])
    glow = c.blur(np.maximum(picture - 0.75, 0), 0.02)
    small = cv2.resize(light.develop(picture + 0.25 * glow), (size, size), interpolation=cv2.INTER_AREA)
    return f32(small)


def main() -> None:
    """Render to the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=768)
    parser.add_argument("--draft", action="store_true", help="no supersampling")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    picture = paint(args.size, 1 if args.draft else 2)
    pixels = np.clip(picture[..., ::-1] * 255 + 0.5, 0, 255).astype(np.uint8)
    cv2.imwrite(str(args.out), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
