"""What an eye looks like shut: the skin around it carried over it, and rounded by the eyeball."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.eye_frame import EyeFrame, Opening
from visavis.avatars.rig.sampling import Floats, sample

_ABOVE, _BELOW, _BESIDE = 0.20, 0.14, 0.28
"""How far lashes and liner reach from the lids' edges, in eye lengths."""


def beyond_skin(picture: NDArray[np.uint8], uv: Floats, opening: Opening, length: float) -> Floats:
    """(h, w): 1 where a picture shows eye, lashes or liner, not skin: what is unlike the skin around, in one piece."""
    away = _away(uv, opening)
    skin = fill(picture.astype(np.float32), _skin_around(picture, away > 1))
    unlike = np.abs(picture - skin).max(axis=-1) > np.maximum(26, 0.17 * skin.max(axis=-1))
    mask = ((unlike & (away < 1)) | (opening.shown(uv, 0.02) > 0.5)).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, _disc(0.03 * length))
    _, labels = cv2.connectedComponents(mask)
    middle = labels[opening.shown(uv, 0.02) > 0.5]
    kept = labels == np.bincount(middle, minlength=1).argmax() if middle.size else mask > 0
    return np.asarray(kept, np.float32)


def in_front(picture: NDArray[np.uint8], uv: Floats, opening: Opening, length: float) -> Floats:
    """(h, w): 1 where brows and the rims of glasses are: large, dark, and reaching in from outside."""
    outside = _away(uv, opening) > 1
    grey = picture.sum(axis=-1, dtype=np.float32)
    usual = float(np.median(grey[outside])) if outside.any() else 0.0
    dark = grey < 0.6 * usual
    _, labels, sizes, _ = cv2.connectedComponentsWithStats((dark & outside).astype(np.uint8))
    large = (sizes[:, cv2.CC_STAT_AREA] > (0.15 * length) ** 2) & (np.arange(len(sizes)) > 0)
    reaching = cv2.dilate(large[labels].astype(np.uint8), _disc(0.08 * length)) > 0
    return np.asarray(reaching & dark & (opening.shown(uv, 0.02) < 0.5), np.float32)


def paint_closed(
    plate: NDArray[np.uint8], frame: EyeFrame, area: tuple[slice, slice], opening: Opening
) -> tuple[NDArray[np.uint8], Floats]:
    """The shut eye (h, w, 4) with where it differs from the open one, and the colours of bare skin (h, w, 3)."""
    picture, n = plate[area], frame.length
    uv = frame.to_local(frame.pixels(area))
    u, v = uv[..., 0], uv[..., 1]
    front = in_front(picture, uv, opening, n)
    behind = beyond_skin(picture, uv, opening, n) * (1 - front)
    beyond = np.asarray(cv2.dilate(behind, _disc(0.04 * n)), np.float32)
    around = _skin_around(picture, beyond < 0.5)
    # shade in the folds around an eye is not the lid's own colour: the lighter counts more
    grey = picture.sum(axis=-1, dtype=np.float32)
    lighter = around * np.clip(grey / np.quantile(grey[around > 0], 0.75), 0, 1) ** 4 if around.any() else around
    low = np.asarray(cv2.GaussianBlur(fill(picture.astype(np.float32), lighter), (0, 0), 0.05 * n), np.float32)
    filled = fill(picture.astype(np.float32), around)
    detail = filled - cv2.GaussianBlur(filled, (0, 0), 0.025 * n)
    skin = low + _carried(detail * around[..., None], around, beyond)
    upper, lower = opening.heights(u)
    top = upper - np.float32(0.08)
    down = (v - top) / np.maximum(lower - top, 0.05)
    across = np.clip(np.abs(opening.across(u)), 0, 1)
    rounded = (
        0.08 * np.exp(-(((down - 0.45) / 0.28) ** 2)) * (1 - across**2)
        - 0.16 * np.clip(down, 0, 1) ** 4
        - 0.05 * across**2
    )
    crease = 0.06 * np.exp(-(((v - top) / 0.03) ** 2))
    under = 0.10 * np.exp(-np.clip(v - lower, 0, None) / 0.05) * (v > lower)
    skin *= (1 + (rounded * (v <= lower) - crease - under) * (1 - across**4))[..., None]
    cover = cv2.GaussianBlur(beyond, (0, 0), 0.03 * n) * (1 - cv2.GaussianBlur(front, (0, 0), 0.02 * n))
    cover *= _within(cover.shape, 0.08 * n)
    closed = np.dstack([np.clip(skin, 0, 255), 255 * np.clip(1.3 * cover, 0, 1)]).astype(np.uint8)
    return closed, low


def fill(values: Floats, known: Floats) -> Floats:
    """Values (h, w, c) where `known` (h, w) is 1, and smooth between them where it is 0."""
    if min(known.shape) < 3:
        mean = (values * known[..., None]).sum(axis=(0, 1)) / max(float(known.sum()), 1e-6)
        return np.asarray(values * known[..., None] + mean * (1 - known)[..., None], np.float32)
    weight = cv2.pyrDown(known)
    smaller = cv2.pyrDown(values * known[..., None]) / np.maximum(weight, 1e-4)[..., None]
    coarse = fill(np.asarray(smaller, np.float32), np.clip(4 * weight, 0, 1))
    size = (known.shape[1], known.shape[0])
    return np.asarray(values * known[..., None] + cv2.pyrUp(coarse, dstsize=size) * (1 - known)[..., None], np.float32)


def _away(uv: Floats, opening: Opening) -> Floats:
    """(h, w): 0 in the opening, 1 where lashes and liner end."""
    upper, lower = opening.heights(uv[..., 0])
    v = uv[..., 1]
    beside = np.clip(np.abs(uv[..., 0] - 0.5) - 0.5, 0, None) / _BESIDE
    beyond = np.clip(upper - v, 0, None) / _ABOVE + np.clip(v - lower, 0, None) / _BELOW
    return np.asarray(np.hypot(beyond, beside), np.float32)


def _skin_around(picture: NDArray[np.uint8], outside: NDArray[np.bool_]) -> Floats:
    """(h, w): 1 for skin outside the eye; brows and the rims of glasses are much darker, reflections brighter."""
    grey = picture.sum(axis=-1, dtype=np.float32)
    usual = float(np.median(grey[outside])) if outside.any() else 0.0
    return np.asarray(outside & (grey > 0.62 * usual) & (grey < 1.6 * usual + 30), np.float32)


def _carried(detail: Floats, around: Floats, beyond: Floats) -> Floats:
    """The skin's own fine texture mirrored into where there is none: from above the eye and from below it."""
    height, width = beyond.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    inside = beyond > 0.5
    any_, middle = inside.any(axis=0), height / 2
    first = np.where(any_, inside.argmax(axis=0), middle).astype(np.float32)
    last = np.where(any_, height - 1 - inside[::-1].argmax(axis=0), middle).astype(np.float32)
    first, last = (np.asarray(cv2.GaussianBlur(e[None], (0, 0), 0.04 * width), np.float32)[0] for e in (first, last))
    most = 2.5 * (float(np.abs(detail[around > 0]).mean()) if around.any() else 0.0)
    detail = np.clip(detail, -most, most)

    def mirrored(edge: Floats, room: Floats, sign: int) -> Floats:
        room = np.maximum(room - 2, 1)
        far = np.abs(rows - edge) % (2 * room)
        source = edge + sign * (1 + np.minimum(far, 2 * room - far))
        return sample(detail, np.stack([columns, source.astype(np.float32)], axis=-1))

    share = np.clip((rows - first) / np.maximum(last - first, 1), 0, 1)[..., None]
    above, below = mirrored(first, first, -1), mirrored(last, height - 1 - last, 1)
    return np.where(inside[..., None], above * (1 - share) + below * share, detail)


def _within(shape: tuple[int, ...], margin: float) -> Floats:
    """(h, w): 1, and 0 towards the edges of the area, where nothing may end."""
    rows, columns = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in shape)
    return np.asarray(np.clip(np.minimum(rows[:, None], columns) / margin, 0, 1), np.float32)


def _disc(radius: float) -> NDArray[np.uint8]:
    size = 2 * max(round(radius), 1) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
