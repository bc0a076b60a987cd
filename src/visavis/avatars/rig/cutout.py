"""The person told from the background, and the background without them: so that a head can turn and nothing swims.

The colours of person and background are told apart by GrabCut (Rother, Kolmogorov, Blake 2004), which the face mesh
tells where to look; hair as dark or as brown as the wall behind it, by being in focus. The edge follows the picture's
own by a guided filter (He, Sun, Tang 2010).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig import topology
from visavis.avatars.rig.sampling import Floats, Picture

_SIDE = 192
"""Pixels of the picture in which colours are told apart."""
_ROUNDS = 3
_EDGE = 2
"""Pixels of the picture's edge that are drawn out where a head moves away from it."""
_CROWN = 0.75
"""How much of the crown must be found for the cut to be used: dark hair before a dark wall is lost."""


def find_person(plate: Picture, points: Floats) -> NDArray[np.uint8] | None:
    """(h, w) how far each pixel belongs to the person, 0 … 255; None where they cannot be told from the background.

    `points` is the face mesh on the plate, (468, 2) pixel indices.
    """
    small, scale = _shrunk(plate)
    labels, crown, head = _guess(small.shape[:2], points * np.float32(scale))
    if not (labels == cv2.GC_BGD).any():
        return None  # a face that fills the picture
    found = _cut(np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2BGR), np.uint8), labels)
    focus = _focus(plate, small)
    sharp = focus[..., 2] > np.median(focus[found & head][:, 2]) / 2
    found |= _cut(focus, labels) & head & sharp
    found = _in_one_piece(found, points.mean(axis=0) * scale)
    if found[crown].mean() < _CROWN:
        return None
    size = plate.shape[1], plate.shape[0]
    rough = np.asarray(cv2.resize(found.astype(np.float32), size, interpolation=cv2.INTER_LINEAR), np.float32)
    grey = cv2.cvtColor(plate, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    fine = _guided(grey, rough, max(plate.shape[:2]) // 40 | 1)
    return np.asarray(np.rint(np.clip((fine - 0.15) / 0.7, 0, 1) * 255), np.uint8)


def measure_cutout(plate: Picture, matte: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """The person's colours multiplied by their opacity (h, w, 4), and what is behind them (h, w, 3).

    Laid over one another they are the plate, to a grey level.
    """
    at_edge = _free_edge(matte)
    behind = _filled(plate, matte, at_edge).astype(np.float32)
    there = plate.astype(np.float32)
    # what a blurred edge left of the person around them moves with them: as little opacity as explains the plate
    room = np.where(there > behind, 255 - behind, behind)
    least = (np.abs(there - behind) / np.maximum(room, 1)).max(axis=2)
    opacity = np.ceil(np.maximum(np.where(at_edge, 0, matte), np.minimum(least, 1) * 255))
    person = np.clip(np.rint(there - behind * (1 - opacity[..., None] / 255)), 0, opacity[..., None])
    return {"cutout.person": np.dstack([person, opacity]).astype(np.uint8), "cutout.behind": behind.astype(np.uint8)}


def _shrunk(plate: Picture) -> tuple[Picture, float]:
    """The picture with a longer side of `_SIDE`, and its share of the whole size."""
    scale = _SIDE / max(plate.shape[:2])
    return np.asarray(cv2.resize(plate, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8), scale


def _cut(picture: Picture, labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """What GrabCut takes for the person."""
    found, nowhere = labels.copy(), (0, 0, 0, 0)
    cv2.setRNGSeed(1)  # the same picture gives the same cut
    cv2.grabCut(picture, found, nowhere, np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return np.isin(found, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _focus(plate: Picture, small: Picture) -> Picture:
    """Lightness, warmth and fineness of the picture, as large as `small`: three values as GrabCut wants them."""
    grey = cv2.cvtColor(plate, cv2.COLOR_RGB2GRAY).astype(np.float32)
    sigma = max(plate.shape[:2]) / 256
    fine = cv2.GaussianBlur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), sigma)), (0, 0), 2.5 * sigma)
    lightness, a, b = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float32))
    warmth = 128 + 1.5 * (a + b - 256)
    fine = cv2.resize(fine, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(np.dstack([lightness, warmth, 16 * fine]), 0, 255), np.uint8)


def _guess(shape: tuple[int, ...], points: Floats) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """From the mesh: GrabCut's labels to begin with (head, hair, neck and shoulders); the crown; all of the head."""
    face = float(np.linalg.norm(points[10] - points[topology.CHIN]))
    middle = points[list(topology.OVAL)].mean(axis=0)
    up = middle - points[topology.CHIN]
    up /= np.linalg.norm(up)
    pixels = np.stack(np.meshgrid(np.arange(shape[1]), np.arange(shape[0])), axis=-1) - middle
    x, y = np.abs(pixels @ np.array([-up[1], up[0]], np.float32)) / face, (pixels @ up) / face
    labels = np.full(shape, cv2.GC_PR_BGD, np.uint8)
    hair = np.hypot(x / 0.80, (y - 0.12) / 0.82) < 1
    shoulders = (y < -0.35) & (x < 0.30 + np.maximum(0, -0.45 - y))
    labels[hair | shoulders] = cv2.GC_PR_FGD
    labels[(np.hypot(x / 1.05, (y - 0.1) / 1.05) > 1) & (y > -0.35)] = cv2.GC_BGD
    outline = np.rint(points[list(topology.OVAL)]).astype(np.int32)
    cv2.fillPoly(labels, [outline], cv2.GC_FGD)
    labels[(y < -0.30) & (x < 0.22 + 0.5 * np.maximum(0, -0.60 - y))] = cv2.GC_FGD
    return (
        labels,
        (np.hypot(x / 0.40, (y - 0.12) / 0.58) < 1) & (y > 0.45),
        hair | (np.abs(y + 0.25) < 0.40) & (x < 0.85),
    )


def _in_one_piece(found: NDArray[np.bool_], middle: Floats) -> NDArray[np.bool_]:
    """The piece with the face in it, its small holes filled, its thinnest threads cut."""
    _, pieces = cv2.connectedComponents(found.astype(np.uint8))
    column, row = np.clip(np.rint(middle).astype(int), 0, [found.shape[1] - 1, found.shape[0] - 1])
    person = pieces == pieces[row, column]
    count, holes, stats, _ = cv2.connectedComponentsWithStats((~person).astype(np.uint8))
    small = [i for i in range(1, count) if stats[i, cv2.CC_STAT_AREA] < 0.01 * found.size]
    person |= np.isin(holes, small)
    return np.asarray(cv2.morphologyEx(person.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), bool)


def _guided(guide: Floats, values: Floats, width: int) -> Floats:
    """`values` smoothed so that their edges are the guide's; both (h, w), 0 … 1."""

    def mean(x: Floats) -> Floats:
        return np.asarray(cv2.boxFilter(x, -1, (width, width)))

    about, level = mean(guide), mean(values)
    slope = (mean(guide * values) - about * level) / (mean(guide * guide) - about * about + 1e-4)
    return np.asarray(mean(slope) * guide + mean(level - slope * about))


def _free_edge(matte: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(h, w) what of the picture's edge is nobody's.

    It is drawn out when the head moves away from it, so only a person cut off there may be on it: at the top, not a
    single lock.
    """
    person = (matte >= 64).astype(np.uint8)
    person[:_EDGE] = cv2.morphologyEx(person[:_EDGE], cv2.MORPH_OPEN, np.ones((1, matte.shape[1] // 16 | 1), np.uint8))
    person[_EDGE:-_EDGE, _EDGE:-_EDGE] = 1
    return np.asarray(person == 0)


def _filled(plate: Picture, matte: NDArray[np.uint8], at_edge: NDArray[np.bool_]) -> Picture:
    """The plate with the person gone: from the colours around them, the nearest most (a pyramid, filled downwards)."""
    # threads of hair, and a blurred outline, lie outside the matte. Beyond them the plate comes in by and by: a step
    # would be seen as a line beside the head
    reach = max(plate.shape[:2]) / 36
    away = cv2.distanceTransform((matte < 4).astype(np.uint8), cv2.DIST_L2, 3)
    clear = np.asarray(np.clip(2 * away / np.float32(reach) - 1, 0, 1), np.float32)
    clear[at_edge] = 1
    levels = [(plate * clear[..., None], clear)]
    while min(levels[-1][1].shape) > 2:
        colours, weight = levels[-1]
        levels.append((np.asarray(cv2.pyrDown(colours)), np.asarray(cv2.pyrDown(weight))))
    colours, weight = levels[-1]
    below = colours.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6) * np.ones_like(colours)
    for colours, weight in reversed(levels[1:]):
        size = weight.shape[1], weight.shape[0]
        below = np.asarray(cv2.resize(below, size, interpolation=cv2.INTER_LINEAR))
        certain = np.clip(weight * 4, 0, 1)[..., None]
        below = colours / np.maximum(weight, 1e-6)[..., None] * certain + below * (1 - certain)
    below = np.asarray(cv2.resize(below, plate.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    # beside what is certain, its own colours go on: what is not explained by them would be taken for the person's
    small, _ = _shrunk(plate)
    hole = np.asarray(cv2.resize(1 - clear, small.shape[1::-1], interpolation=cv2.INTER_AREA) > 0.02, np.uint8)
    drawn_in = cv2.resize(cv2.inpaint(small, hole, 3, cv2.INPAINT_TELEA), plate.shape[1::-1])
    deep = np.clip(cv2.distanceTransform((clear < 1).astype(np.uint8), cv2.DIST_L2, 3) / (4 * reach), 0, 1)[..., None]
    below = drawn_in + (below - drawn_in) * (deep * deep * (3 - 2 * deep))
    return np.asarray(np.clip(np.rint(below + (plate - below) * clear[..., None]), 0, 255), np.uint8)
