"""Amos: a man of sixty with dark skin, cropped grey hair, a short beard and glasses, in a jacket over a rollneck."""

from __future__ import annotations

import numpy as np

from tools.paint import body, crop, eyes, glasses, light, stage, suit
from tools.paint.field import Canvas, F, catmull, f32, smooth
from tools.paint.head import Layer, head
from tools.paint.look import Look

LOOK = Look(
    skin=(0.188, 0.086, 0.049),
    flush=(0.190, 0.068, 0.044),
    forehead=(0.198, 0.103, 0.066),
    lid=(0.085, 0.038, 0.026),
    lip=(0.190, 0.078, 0.066),
    lip_inner=(0.150, 0.042, 0.038),
    seam=(0.022, 0.006, 0.006),
    gloss=0.62,
    lip_gloss=0.25,
    freckles=0,
    outline=(
        (0, 0.338), (0.06, 0.335), (0.125, 0.312), (0.197, 0.256), (0.262, 0.165), (0.300, 0.055), (0.320, -0.05),
        (0.330, -0.17), (0.332, -0.28), (0.318, -0.42), (0.268, -0.56), (0.165, -0.67), (0, -0.705),
    ),
    nose=1.30,
    mouth=0.128,
    lips=(1.18, 1.16),
    age=1.0,
    iris=((0.036, 0.014, 0.006), (0.085, 0.030, 0.009)),
    brow=((0.055, -0.262), (0.10, -0.283), (0.155, -0.293), (0.205, -0.288), (0.255, -0.258)),
    brow_colours=((0.018, 0.014, 0.012), (0.05, 0.045, 0.042), (0.16, 0.15, 0.14)),
    brow_width=1.25,
    lashes=0.45,
    sclera=(0.66, 0.58, 0.51),
    neck=1.18,
)  # fmt: skip
GREYS = ((0.10, 0.092, 0.088), (0.19, 0.18, 0.172), (0.29, 0.28, 0.27), (0.38, 0.37, 0.36))
EAR = ((0.305, -0.19), (0.325, -0.222), (0.350, -0.236), (0.377, -0.222), (0.390, -0.180), (0.386, -0.125),
       (0.371, -0.070), (0.357, -0.020), (0.340, 0.012), (0.318, 0.010), (0.300, -0.03))  # fmt: skip
HAIR_OUT = ((0, -0.748), (0.10, -0.738), (0.19, -0.700), (0.275, -0.612), (0.325, -0.495), (0.345, -0.380),
            (0.349, -0.285), (0.342, -0.20), (0.329, -0.11))  # fmt: skip
HAIR_IN = ((0.311, -0.085), (0.302, -0.15), (0.296, -0.225), (0.286, -0.300), (0.268, -0.365), (0.246, -0.425),
           (0.218, -0.492), (0.170, -0.532), (0.105, -0.527), (0.05, -0.518), (0, -0.516))  # fmt: skip
BEARD_OUT = ((0.329, -0.11), (0.333, -0.05), (0.316, 0.06), (0.279, 0.168), (0.213, 0.264), (0.138, 0.326),
             (0.07, 0.352), (0, 0.356))  # fmt: skip
BEARD_IN = ((0, 0.256), (0.05, 0.256), (0.095, 0.249), (0.14, 0.228), (0.180, 0.188), (0.222, 0.125), (0.262, 0.045),
            (0.289, -0.03), (0.306, -0.085))  # fmt: skip


def _half(c: Canvas, lines: tuple[tuple[tuple[float, float], ...], ...], soft: float) -> F:
    """Return the soft mask within the lines of the right half, and within their mirror image."""
    line = f32(np.concatenate([catmull(each, 16) for each in lines]))
    return np.maximum(c.fill(line, soft), c.fill(f32(line * f32([-1, 1])), soft))


def ears(c: Canvas) -> Layer:
    """Return both ears: the rim, its fold and the hollow."""
    mask = _half(c, (EAR,), 0.0012)
    z = c.zeros() - 0.13
    rim = [(x - 0.009, y) for x, y in EAR[2:8]]
    z += 0.034 * c.line(rim, 0.010, 0.0060)
    z += 0.020 * c.line(((0.338, -0.190), (0.360, -0.160), (0.356, -0.105), (0.345, -0.075)), 0.009, 0.006)
    c.bump(z, (0.333, -0.105), (0.012, 0.030), -0.030, 8)
    c.bump(z, (0.340, -0.022), (0.016, 0.020), 0.018)
    colour = np.broadcast_to(f32(LOOK.skin), (*c.x.shape, 3)) * (0.92 + 0.02 * c.noise(161, 0.02)[..., None])
    return Layer(mask, c.blur(f32(z), 0.0015), f32(colour * f32((1.04, 0.92, 0.9))), c.zeros() + 0.45, 1.0)


def wall(c: Canvas) -> F:
    """Return a plastered wall in the warm light of a window."""
    glow = np.exp(-0.5 * (((c.x + 0.30) / 0.75) ** 2 + ((c.y + 0.25) / 0.75) ** 2))
    picture = f32((0.145, 0.080, 0.046)) + f32((0.430, 0.300, 0.185)) * glow[..., None]
    slant = c.x + 0.35 * c.y
    panes = smooth(-0.95, -0.80, slant) * smooth(-0.42, -0.58, slant) + smooth(0.42, 0.56, slant) * smooth(
        0.92, 0.76, slant
    )
    picture = picture * (1 + 0.16 * c.blur(f32(panes), 0.05))[..., None]
    plaster = 0.020 * c.noise(151, 0.22) + 0.012 * c.noise(152, 0.05) + 0.006 * c.noise(153, 0.012)
    return f32(picture * (1 + plaster)[..., None])


def _hair(c: Canvas, face: Layer, open_: F) -> tuple[crop.Marks, F]:
    """Return the cropped hair and the beard with how much of them covers what is below."""
    patches = 0.5 + 0.5 * np.clip(c.noise(141, 0.012), -1, 1)
    cap = _half(c, (HAIR_OUT, HAIR_IN), 0.013)
    outside = 1 - face.mask
    z = f32(np.maximum(face.z, -0.05) * face.mask + outside * -0.05)
    n = c.normals(c.blur(z, 0.02))
    shine = f32((0.30 + 0.95 * np.clip(n @ light.KEY, 0, 1) + 0.22 * np.clip(n @ light.FILL, 0, 1)) * open_)
    shine = f32(shine * (1 + 0.20 * np.clip(c.noise(144, 0.020), -1.5, 1.5)))
    marks = crop.Marks(c, (0.02, 0.017, 0.015))
    crop.coils(c, marks, f32(np.clip(cap * (0.45 + 0.55 * cap), 0, 1)), shine, GREYS, 19000, 0.0056, 142)
    beard = _half(c, (BEARD_OUT, BEARD_IN), 0.012) * smooth(-0.10, -0.02, c.y)
    lip = c.zeros()
    c.bump(lip, (0.062, 0.098), (0.040, 0.0095), 0.5, 14)
    c.bump(lip, (0.142, 0.175), (0.012, 0.035), 0.5, -8)
    grow = f32(np.clip(beard * (0.65 + 0.35 * patches) + np.clip(lip, 0, 0.35), 0, 1))
    light_ = f32(shine * (1 - 0.45 * smooth(0.27, 0.34, f32(c.y + 0.5 * c.x**2))))
    crop.bristles(c, marks, grow, light_, GREYS, 9000, 0.016, 143)
    return marks, f32(np.clip(marks.alpha * np.clip(1.25 * np.maximum(cap, grow) + 0.12, 0, 1), 0, 1))


def paint(size: int, scale: int) -> F:
    """Return the portrait as sRGB values from 0 to 1, size pixels wide."""
    c = Canvas(size * scale, 1.04, 0.045)
    lid_relief, lid_tint = eyes.lids(c)
    face = head(c, LOOK, lid_relief, lid_tint)
    worn = glasses.glasses(c)
    coat = suit.jacket(c, (0.022, 0.034, 0.062))
    layers = [body.neck(c, LOOK), suit.rollneck(c, (0.46, 0.39, 0.29)), *coat, ears(c), face]
    cap = _half(c, (HAIR_OUT, HAIR_IN), 0.006)
    raised = f32(0.03 * cap)
    picture = stage.compose(c, wall(c), layers, raised, f32(1 - 0.25 * c.blur(cap, 0.03)))
    ground = f32(1 - 0.55 * c.blur(cap, 0.010) * (cap > 0.01))
    picture = f32(picture * ground[..., None])
    picture = eyes.lashes(c, LOOK, eyes.eyes(c, LOOK, picture))
    picture = eyes.brows(c, LOOK, picture)
    marks, cover = _hair(c, face, f32(np.ones_like(c.x)))
    picture = f32(picture + (marks.colour - picture) * cover[..., None])
    picture = glasses.wear(c, glasses.shade(c, picture, worn), worn, (0.060, 0.036, 0.022))
    return stage.finish(c, picture, size)
