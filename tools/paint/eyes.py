"""The eyes: the lids' relief, the ball with its iris, the lashes and the brows."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from tools.paint.field import Canvas, F, Points, catmull, f32, graph, mix, smooth
from tools.paint.look import Colour, Look

CENTRE = (0.146, -0.165)
HALF = 0.079
IRIS, PUPIL = 0.0355, 0.0138
UPPER = (
    (-1.3, 0.0157), (-1, 0.011), (-0.8, -0.0043), (-0.5, -0.0239), (-0.1, -0.0356),
    (0.3, -0.0351), (0.65, -0.0229), (0.88, -0.0085), (1, -0.0011), (1.3, 0.009),
)  # fmt: skip
LOWER = (
    (-1.3, 0.0157), (-1, 0.011), (-0.8, 0.0147), (-0.4, 0.0207), (0.05, 0.0248),
    (0.45, 0.0235), (0.78, 0.0129), (1, -0.0011), (1.3, 0.009),
)  # fmt: skip
CREASE = (
    (-0.98, -0.0127), (-0.7, -0.0383), (-0.3, -0.0569), (0.15, -0.0617), (0.6, -0.05),
    (1, -0.0245), (1.22, -0.0064),
)  # fmt: skip


def _local(c: Canvas, side: int) -> tuple[F, F]:
    return f32((c.x * side - CENTRE[0]) / HALF), f32(c.y - CENTRE[1])


def _world(points: Points, side: int = 1) -> F:
    p = f32(points)
    return f32(np.stack([side * (CENTRE[0] + HALF * p[:, 0]), CENTRE[1] + p[:, 1]], -1))


def lids(c: Canvas) -> tuple[F, F]:
    """Return the relief of the lids, to be added to the face, and where they are tinted."""
    z, tint = c.zeros(), c.zeros()
    c.bump(z, (CENTRE[0], CENTRE[1] - 0.006), (0.052, 0.036), 0.040)
    crease = c.line(_world(CREASE).tolist(), 0.004, 0.0030)
    z -= 0.0060 * c.line(_world(CREASE).tolist(), 0.007, 0.0055)
    shifted = _world(CREASE) + f32([0, -0.016])
    z += 0.0045 * c.line(shifted.tolist(), 0.012, 0.009)
    z -= 0.0028 * c.line(_world(((-0.9, 0.035), (-0.4, 0.052), (0.2, 0.060), (0.8, 0.052))).tolist(), 0.008, 0.010)
    for side in (1, -1):
        e, v = _local(c, side)
        upper, lower = graph(UPPER, e), graph(LOWER, e)
        near = smooth(1.25, 0.95, np.abs(e))
        rim = np.exp(-0.5 * ((v - lower - 0.007) / 0.0045) ** 2) * near
        z += 0.0035 * rim
        tint += 0.30 * rim + 0.85 * near * smooth(-0.026, -0.004, f32(v - upper)) * (v < upper + 0.01)
    c.bump(tint, (0.105, -0.135), (0.035, 0.016), 0.30, 20)
    return z, f32(tint * 0.75 + 0.9 * crease)


def _iris(c: Canvas, dx: F, dy: F, seed: int, colours: tuple[Colour, Colour]) -> F:
    """Return the iris's colour around its centre."""
    r, angle = np.hypot(dx, dy) / IRIS, np.arctan2(dy, dx)
    rng = np.random.default_rng(seed)
    fibre = c.zeros()
    for k in (9, 17, 29, 43, 61, 83):
        fibre += f32(np.sin(k * angle + rng.uniform(0, 6.3) + rng.uniform(-2.5, 2.5) * r) * rng.uniform(0.5, 1))
    fibre /= 2.2
    base = np.broadcast_to(f32(colours[0]), (*dx.shape, 3))
    colour = mix(f32(base), colours[1], smooth(0.80, 0.38, f32(r + 0.05 * fibre)))
    colour = f32(colour * (1 + 0.30 * fibre[..., None]))
    caustic = np.exp(-0.5 * (((dx - 0.010) / 0.016) ** 2 + ((dy - 0.014) / 0.012) ** 2))
    colour = f32(colour * (0.75 + 1.5 * caustic[..., None]))
    colour = mix(colour, (0.012, 0.016, 0.014), 0.88 * smooth(0.76, 1.0, f32(r)))
    return mix(colour, (0.004, 0.003, 0.003), smooth(PUPIL / IRIS + 0.06, PUPIL / IRIS - 0.05, f32(r)))


def _ball(c: Canvas, look: Look, e: F, v: F, side: int) -> F:
    """Return the lit colour of one eyeball, as far as it shows."""
    upper, lower = graph(UPPER, e), graph(LOWER, e)
    dx, dy = f32(e * HALF * side), f32(v + 0.0035)
    white = np.broadcast_to(f32(look.sclera), (*e.shape, 3))
    white = mix(f32(white), (0.60, 0.30, 0.25), 0.55 * smooth(0.55, 1.02, np.abs(e)))
    veins = np.clip(c.noise(31, 0.006) * c.noise(32, 0.02), 0, 2) * smooth(0.5, 0.95, np.abs(e))
    white = mix(white, (0.60, 0.22, 0.18), f32(0.10 * veins))
    nx, ny = dx / 0.098, dy / 0.098
    nz = np.sqrt(np.clip(1 - nx**2 - ny**2, 0.02, 1))
    light = np.clip(0.42 + 0.62 * (-0.42 * nx - 0.40 * ny + 0.80 * nz), 0, 1.3)
    r = np.hypot(dx, dy) / IRIS
    colour = mix(white, _iris(c, dx, dy, 5, look.iris), smooth(1.03, 0.94, f32(r)))
    colour = f32(colour * light[..., None])
    depth = f32(v - upper)
    shade = 0.30 + 0.70 * smooth(-0.002, 0.022, depth)
    shade *= 0.72 + 0.28 * smooth(-0.001, 0.008, f32(lower - v))
    shade *= 1 - 0.45 * smooth(0.62, 1.0, np.abs(e))
    colour = f32(colour * shade[..., None] ** f32([0.85, 1.0, 1.05]))
    pink = np.exp(-0.5 * (((e + 0.95) / 0.07) ** 2 + ((v - 0.012) / 0.006) ** 2))
    colour = mix(colour, (0.46, 0.17, 0.14), f32(0.85 * pink))
    wet = np.exp(-0.5 * ((lower - v - 0.0022) / 0.0016) ** 2) * smooth(1.0, 0.75, np.abs(e))
    colour = mix(colour, (0.74, 0.46, 0.39), f32(0.55 * wet))
    for cx, cy, sx, sy, power in ((-0.0125, -0.0155, 0.0062, 0.0068, 0.85), (0.0145, 0.0135, 0.0042, 0.0035, 0.22)):
        u, w = dx - cx, dy - cy
        window = smooth(1.35, 0.6, f32(np.hypot(u / sx, w / sy)))
        colour = f32(colour + f32((1.0, 0.98, 0.94)) * (power * window)[..., None])
    glint = np.exp(-0.5 * (((e + 0.86) / 0.03) ** 2 + ((v - 0.0135) / 0.0016) ** 2))
    return f32(colour + 0.5 * glint[..., None])


def eyes(c: Canvas, look: Look, picture: F) -> F:
    """Paint the eyeballs into the lit picture."""
    for side in (1, -1):
        e, v = _local(c, side)
        opening = f32(np.minimum(v - graph(UPPER, e), graph(LOWER, e) - v))
        mask = smooth(-0.0012, 0.0014, opening) * (np.abs(e) < 1.02)
        ball = _ball(c, look, e, v, side)
        picture = f32(picture + (ball - picture) * mask[..., None])
        edge = np.exp(-0.5 * ((graph(LOWER, e) - v + 0.001) / 0.0016) ** 2) * smooth(1.03, 0.8, np.abs(e))
        picture = mix(picture, (0.22, 0.075, 0.055), f32(0.40 * edge * smooth(-0.4, 0.6, e)))
    return picture


def _hairs(c: Canvas, mask: F, lines: list[F], width: float) -> None:
    """Draw tapering hairs into a mask; each is drawn darker where it is thicker."""
    layer = np.zeros((c.size, c.size), np.uint8)
    for line in lines:
        pixels = c.pixels(line)
        for i, (a, b) in enumerate(pairwise(pixels)):
            taper = 1 - (i / len(pixels)) ** 1.5
            thick = max(1, round(width * c.unit * taper))
            cv2.line(layer, a.tolist(), b.tolist(), int(255 * min(1.0, 0.35 + 0.75 * taper)), thick, cv2.LINE_AA, 4)
    np.maximum(mask, layer / np.float32(255), out=mask)


def lashes(c: Canvas, look: Look, picture: F) -> F:
    """Paint lash lines and lashes."""
    rng = np.random.default_rng(41)
    line, mask, low = c.zeros(), c.zeros(), c.zeros()
    for side in (1, -1):
        e, v = _local(c, side)
        thick = graph(((-1.1, 0.0), (-0.95, 0.0008), (-0.3, 0.0022), (0.4, 0.0034), (0.9, 0.0040), (1.05, 0.0)), e)
        line += np.exp(-0.5 * ((v - graph(UPPER, e) + 0.0005) / np.maximum(thick, 1e-4)) ** 2) * (np.abs(e) < 1.06)
        upper, lower = [], []
        for k in np.linspace(-0.86, 1.0, 62) + rng.normal(0, 0.008, 62):
            root = _world([(k, float(graph(UPPER, f32(k))))])[0]
            length = look.lashes * (0.012 + 0.010 * (k + 1) / 2) * rng.uniform(0.75, 1.12)
            lean = 0.18 + 0.72 * (k + 0.35) + rng.normal(0, 0.12)
            tip = root + f32([lean * length, -length * 0.80])
            bend = root + f32([lean * length * 0.55, -length * 0.18])
            upper.append(catmull([root, bend, tip], 5) * f32([side, 1]))
        for k in np.linspace(-0.55, 0.95, 30) + rng.normal(0, 0.02, 30):
            root = _world([(k, float(graph(LOWER, f32(k)) + 0.001))])[0]
            length = look.lashes * 0.0085 * rng.uniform(0.6, 1.1)
            lean = 0.9 * k + rng.normal(0, 0.15)
            lower.append(catmull([root, root + f32([lean * length, length])], 4) * f32([side, 1]))
        _hairs(c, mask, upper, 0.0034)
        _hairs(c, low, lower, 0.0016)
    dark = np.maximum(0.96 * np.clip(1.25 * line, 0, 1), 0.97 * mask)
    picture = mix(picture, (0.016, 0.008, 0.006), f32(dark))
    return mix(picture, (0.030, 0.014, 0.010), f32(0.45 * low))


def brows(c: Canvas, look: Look, picture: F) -> F:
    """Paint the brows hair by hair over a soft ground."""
    rng = np.random.default_rng(51)
    spine = catmull(look.brow, 30)
    ground = c.line(look.brow, 0.014 * look.brow_width, 0.006)
    masks = [c.zeros() for _ in look.brow_colours]
    for side in (1, -1):
        hairs: list[list[F]] = [[] for _ in masks]
        for number in range(460):
            t = rng.uniform(0, 1) ** 0.9
            i = int(t * (len(spine) - 2))
            along = spine[i + 1] - spine[i]
            along = along / np.linalg.norm(along)
            thick = float(np.interp(t, [0, 0.15, 0.5, 1], [0.0060, 0.0108, 0.0095, 0.0012])) * look.brow_width
            off = rng.uniform(-1, 1)
            root = spine[i] + f32([0, off * thick])
            rise = float(np.interp(t, [0, 0.2, 0.5, 1], [-1.3, -0.55, -0.1, 0.05])) + 0.35 * off
            way = along + f32([0, rise]) + rng.normal(0, 0.10, 2)
            way = way / np.linalg.norm(way)
            length = rng.uniform(0.016, 0.030) * (1 - 0.35 * t)
            bend = root + way * length * 0.5
            hairs[number % len(masks)].append(
                catmull([root, bend, bend + (0.5 * way + 0.5 * along) * length * 0.5], 4) * f32([side, 1])
            )
        for mask, some in zip(masks, hairs, strict=True):
            _hairs(c, mask, some, 0.0016)
    picture = mix(picture, look.brow_colours[0], f32(0.54 * ground))
    for mask, colour in zip(masks, look.brow_colours, strict=True):
        picture = mix(picture, colour, f32(0.86 * mask))
    return picture
