"""What is behind the lips: teeth, tongue and cavity, painted once in the picture's own light and sharpness."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.frame import MouthFrame
from visavis.avatars.rig.sampling import Floats
from visavis.avatars.rig.tones import Tones, measure_tones

_SUPER = 4
"""Sprites are painted this many times larger, then averaged down: smooth edges."""
_EXTENT = (-0.88, 0.88, -0.30, 0.62)
"""s and t, from the middle of the seam, that the sprites cover."""
_UPPER_WIDTHS = (0.135, 0.104, 0.105, 0.085, 0.08, 0.06)
"""Widths of the upper teeth from the middle outwards, in mouth widths: 8.6, 6.6 and 7.6 mm on a foreshortened arch."""
_LOWER_WIDTHS = (0.083, 0.090, 0.098, 0.085, 0.08, 0.06)
_LENGTHS = np.array((0.0, -0.011, -0.003, -0.014, -0.020, -0.026), np.float32)
"""How much further than the first each tooth reaches."""


def paint_interior(
    plate: NDArray[np.uint8], points: Floats, irises: Floats, frame: MouthFrame, seam: Floats
) -> dict[str, NDArray[Any]]:
    """Sprites over one box of the plate: RGBA (h, w, 4) uint8 each, and the box's corner `mouth.box` (x, y).

    `mouth.flesh` is the colour of what lips show of their inside.
    """
    centre = float(np.interp(0.0, np.linspace(-1, 1, len(seam)), seam))
    s0, s1, t0, t1 = _EXTENT
    outline = np.array([[s0, t0], [s1, t0], [s0, t1], [s1, t1]], np.float32)
    on_plate = frame.to_plate(outline + np.array([frame.middle, centre], np.float32))
    low, high = np.floor(on_plate.min(axis=0)).astype(int), np.ceil(on_plate.max(axis=0)).astype(int)
    width, height = (high - low).tolist()
    ys, xs = np.mgrid[0 : height * _SUPER, 0 : width * _SUPER].astype(np.float32)
    at = (np.stack([xs, ys], axis=-1) + 0.5) / _SUPER - 0.5 + low
    local = frame.to_local(at.astype(np.float32))
    s, t = _frontal(local[..., 0] - np.float32(frame.middle), frame), local[..., 1] - np.float32(centre)
    tones = measure_tones(plate, points, irises, frame)
    flesh = tones.flesh
    # what is shaded in a mouth is lit by flesh, whose colour falls least: exponents of the shade, per channel
    warm = 1 - 0.5 * np.log(flesh / flesh.mean())
    upper = _teeth(s, t, tones, warm, _UPPER_WIDTHS, edge=0.030, gums=-0.125, curve=-0.09)
    lower = _teeth(s, -t, tones, warm, _LOWER_WIDTHS, edge=0.0, gums=-0.110, curve=-0.12)
    painted = {
        "cavity": (_cavity(s, t, flesh), np.ones_like(s)),
        "upper_teeth": upper,
        "lower_teeth": (lower[0] * 0.66**warm, lower[1]),
        "tongue": _tongue(s, t, flesh),
    }
    grain = _grain((height, width), tones)
    sprites = {f"mouth.{name}": _finished(*paint, tones, grain) for name, paint in painted.items()}
    return {"mouth.box": low.astype(np.int32), **sprites, "mouth.flesh": flesh}


def _frontal(s: Floats, frame: MouthFrame) -> Floats:
    """s as it would be if the face were not turned: the side that is nearer takes more room on the picture."""
    left, right = frame.middle - frame.corners[0], frame.corners[1] - frame.middle
    return np.asarray(s * np.where(s < 0, (left + right) / (2 * left), (left + right) / (2 * right)), np.float32)


def _finished(colour: Floats, alpha: Floats, tones: Tones, grain: Floats) -> NDArray[np.uint8]:
    """A sprite, its colours multiplied by its opacity, as sharp and as grained as the picture."""
    rgba = np.concatenate([colour * alpha[..., None], alpha[..., None] * 255.0], axis=-1)
    size = grain.shape[1::-1]
    rgba = cv2.resize(rgba.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    rgba = np.asarray(cv2.GaussianBlur(rgba, (0, 0), tones.blur), np.float32)
    rgba[..., :3] *= grain[..., None]
    return np.asarray(np.clip(np.rint(rgba), 0, 255), np.uint8)


def _grain(shape: tuple[int, int], tones: Tones) -> Floats:
    """(h, w) what to multiply paint with: the same for the same shape."""
    noise = np.random.default_rng(7).standard_normal(shape).astype(np.float32)
    noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), tones.blur), np.float32)
    return np.asarray(1 + tones.grain * noise / noise.std(), np.float32)


def _cavity(s: Floats, t: Floats, flesh: Floats) -> Floats:
    """Warm and dark, the darker the deeper: the throat darkest, what is above and below it less."""
    throat = np.exp(-((s / 0.34) ** 4) - ((t - 0.15) / 0.22) ** 2)
    shade = 0.30 * (1 - 0.66 * throat)
    # light comes here from flesh to flesh, twice coloured by it
    return np.asarray(flesh * (flesh / flesh.max()) ** 0.9 * shade[..., None], np.float32)


def _teeth(
    s: Floats,
    t: Floats,
    tones: Tones,
    warm: Floats,
    widths: tuple[float, ...],
    edge: float,
    gums: float,
    curve: float,
) -> tuple[Floats, Floats]:
    """An arch of teeth: one band whose sides recede, with soft lines between teeth; t grows from gums to edge."""
    x = np.abs(s)
    bounds = np.cumsum((0.0, *widths))
    index = np.clip(np.searchsorted(bounds, x, side="right") - 1, 0, len(widths) - 1)
    inside = np.clip((x - bounds[index]) / np.asarray(widths, np.float32)[index], 0, 1)  # across its tooth
    away = np.abs(2 * inside - 1)  # from the tooth's middle
    tip = edge + _LENGTHS[index] + curve * x**2 - 0.012 * away**4
    alpha = np.clip((tip - t) / 0.008 + 0.5, 0, 1) * np.clip((bounds[-1] - x) / 0.03, 0, 1)
    crown = np.clip((tip - t) / (edge - gums), 0, 1)  # 0 at the edge … 1 at the gums
    # each tooth is round, the arch as a whole too; an edge lets some of the dark behind it through
    shade = (1 - 0.07 * away**2 - 0.09 * away**8) * (1 - 0.24 * np.clip(crown - 0.25, 0, 1) ** 1.5)
    shade = shade * (0.90 + 0.10 * np.clip((tip - t) / 0.022, 0, 1))
    shade = shade * np.clip(1.03 - 0.85 * (x / 0.56) ** 2.2, 0.18, 1)
    between = np.minimum(inside, 1 - inside) * np.asarray(widths, np.float32)[index]
    shade = shade * (1 - 0.16 * np.exp(-((between / 0.007) ** 2)))
    colour = tones.enamel * shade[..., None] ** warm
    # gums reach further between teeth than above them
    gum = np.clip((gums + 0.030 * away**3 + curve * x**2 - t) / 0.018 + 0.5, 0, 1)[..., None]
    pink = (0.75 * tones.flesh + 0.10 * tones.enamel) * (0.9 * shade[..., None])
    return np.asarray(colour + (pink - colour) * gum, np.float32), np.asarray(alpha, np.float32)


def _tongue(s: Floats, t: Floats, flesh: Floats) -> tuple[Floats, Floats]:
    """A rounded back, lit from the front, with a groove and a soft sheen; its top lies at t = 0."""
    top = 0.22 * (1 - np.sqrt(np.clip(1 - (np.abs(s) / 0.40) ** 2.4, 0, 1)))
    deep = t - top  # below its outline
    alpha = np.clip(deep / 0.03, 0, 1) * np.clip((0.40 - np.abs(s)) / 0.03, 0, 1)
    shade = 0.30 + 0.26 * np.clip(deep / 0.16, 0, 1) ** 0.8
    shade = shade * (1 - 0.35 * (np.abs(s) / 0.40) ** 2)
    shade = shade * (1 - 0.16 * np.exp(-((s / 0.030) ** 2)) * np.clip(deep / 0.08, 0, 1))
    sheen = 0.07 * np.exp(-(((np.abs(s) - 0.11) / 0.07) ** 2) - ((deep - 0.10) / 0.045) ** 2)
    colour = flesh * np.array([1.0, 0.84, 0.85], np.float32) * shade[..., None]
    colour = colour + float(flesh.mean()) * sheen[..., None]
    return np.asarray(colour, np.float32), np.asarray(alpha, np.float32)
