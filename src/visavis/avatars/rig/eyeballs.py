"""The eyeball behind the lids: where its iris is, the white without it, and the iris made whole."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.eye_frame import EyeFrame, Opening
from visavis.avatars.rig.eyelids import fill
from visavis.avatars.rig.sampling import Floats, sample

_ANGLES = np.radians([-25, -10, 5, 20, 35, 50, 130, 145, 160, 175, 190, 205]).astype(np.float32)
"""Of the iris' rim, clockwise from the right: lids hide the rest."""

_LEAST = 0.19
"""Radius of a person's iris in lengths of a wide eye; drawn ones are larger."""


def find_iris(
    soft: NDArray[np.uint8], frame: EyeFrame, opening: Opening, near: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Centre and radius, in eye lengths, of the circle near the given one whose inside is darkest against its outside.

    The network knows where an iris is, but not how large a drawn one is.
    """
    moves = np.linspace(-0.1, 0.1, 11, dtype=np.float32)
    du, dv, radii = np.meshgrid(moves, moves, np.linspace(0.12, 0.34, 23, dtype=np.float32), indexing="ij")
    u, v = near[0] + du.ravel()[:, None], near[1] + dv.ravel()[:, None]
    r = radii.ravel()[:, None]
    grey = cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY)

    def ring(radius: Floats) -> Floats:
        at = frame.to_plate(u + radius * np.cos(_ANGLES), v + radius * np.sin(_ANGLES))
        return sample(grey, at).astype(np.float32)

    rim_v = v + r * np.sin(_ANGLES)
    upper, lower = opening.heights(u + r * np.cos(_ANGLES))
    seen = ((rim_v > upper + 0.01) & (rim_v < lower - 0.01)).astype(np.float32)
    outside, inside = ring(r + np.float32(0.025)), ring(r - np.float32(0.025))
    # a pupil in a bright iris has an edge as sharp, but no white around it
    white = max(float(np.quantile(outside[seen > 0], 0.9)), 1.0) if seen.any() else 255.0
    step = np.clip(outside - inside, -20, 60) * np.clip(outside / white, 0, 1)
    score = (step * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 5)
    score -= 60 * np.hypot(du, dv).ravel() + 55 * np.abs(r[:, 0] - max(near[2], _LEAST))
    best = int(score.argmax())
    return float(u[best, 0]), float(v[best, 0]), float(r[best, 0])


def paint_eyeball(
    plate: NDArray[np.uint8],
    frame: EyeFrame,
    area: tuple[slice, slice],
    opening: Opening,
    iris: tuple[float, float, float],
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """In place, (h, w, 4): the eyeball without its iris, and where no lashes hide it; the iris and its opacity."""
    picture = plate[area].astype(np.float32)
    pixels = frame.pixels(area)
    uv = frame.to_local(pixels)
    upper, lower = opening.heights(uv[..., 0])
    u, v, radius = iris
    pixel = 1 / frame.length
    seen = (opening.shown(uv, pixel) > 0.9).astype(np.float32)
    distance = np.hypot(uv[..., 0] - u, uv[..., 1] - v)
    shade = (1 - 0.3 * np.exp(-np.clip(uv[..., 1] - upper, 0, None) / 0.06))[..., None]  # the lid's
    white = seen * (distance > radius + 0.055)
    grey = picture.sum(axis=-1)
    ball, free = picture, np.ones_like(grey)
    if white.any():
        usual = np.quantile(grey[white > 0], 0.7)
        filled = cv2.GaussianBlur(fill(picture, white * (grey > 0.8 * usual)), (0, 0), 0.02 * frame.length)
        # in the corners stand lashes and liner: they stay, and what moves goes behind them
        lashes = cv2.medianBlur(((grey < 0.6 * usual) & (distance > radius + 0.10)).astype(np.uint8), 5)
        keep = cv2.GaussianBlur(white * (1 - lashes), (0, 0), 0.012 * frame.length)[..., None]
        ball = picture * keep + filled * shade * (1 - keep)
        free = 1 - cv2.GaussianBlur(lashes.astype(np.float32), (0, 0), 0.02 * frame.length)
    # a hidden part of an iris is like the part across its middle, but for the light's reflection
    clear = (uv[..., 1] > upper + 0.02) & (uv[..., 1] < lower - 0.045) & (distance < radius)
    across = frame.to_plate(uv[..., 0], 2 * np.float32(v) - uv[..., 1]) - pixels[0, 0]
    mirrored, also = sample(picture, across), sample(clear.astype(np.float32), across)
    matt = mirrored.sum(axis=-1) < 1.5 * (np.median(grey[clear]) if clear.any() else 0) + 60
    known = clear | ((also > 0.9) & matt)
    whole = fill(np.where(clear[..., None], picture, mirrored), known.astype(np.float32))
    hidden = cv2.GaussianBlur(whole, (0, 0), 0.02 * frame.length) * shade
    whole = np.where(clear[..., None], whole, hidden)
    opacity = np.clip((radius + 0.5 * pixel - distance) / (0.02 + pixel) + 0.5, 0, 1)
    ball, disc = np.dstack([ball, 255 * free]), np.dstack([whole, 255 * opacity])
    return np.clip(np.rint(ball), 0, 255).astype(np.uint8), np.clip(np.rint(disc), 0, 255).astype(np.uint8)
