"""The tones of a picture: what colour its teeth and flesh would have, how sharp it is, how much it is grained."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig import topology
from visavis.avatars.rig.frame import MouthFrame
from visavis.avatars.rig.sampling import Floats

CHEEKS = (50, 280, 205, 425, 101, 330)
_LIPS = (84, 314, 17, 181, 405, 37, 267)
_IVORY = np.array([1.03, 0.995, 0.935], np.float32)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Tones:
    """What anything painted into a picture needs to look as if it had always been there."""

    enamel: Floats
    """(3,) RGB 0 … 255 of a tooth in the picture's light; `flesh` likewise."""
    flesh: Floats
    blur: float
    """Sigma in pixels that makes a painted edge as sharp as the sharpest edges of this face."""
    grain: float
    """Standard deviation of the skin's grain, relative to its brightness."""


def measure_tones(plate: NDArray[np.uint8], points: Floats, irises: Floats, frame: MouthFrame) -> Tones:
    """The tones of a plate (h, w, 3), from the eyes' white, the face's highlights, skin and lips."""
    skin = _sample(plate, points[list(CHEEKS)])
    lip = _sample(plate, points[list(_LIPS)])
    light = float(np.percentile(skin @ _LUMA, 80))
    white = _white(plate, points, irises, skin[0])
    grey = float(white @ _LUMA)
    highlight = _highlight(plate, points)
    # redder than enamel is the white of an eye, and a painter's highlights tell what white is to him
    tone = 0.4 * white / max(grey, 1.0) + 0.15 * highlight / max(float(highlight @ _LUMA), 1.0) + 0.45 * _IVORY
    # no darker than the skin's light allows
    level = np.clip(max(grey * 1.15, light * 1.12), 100.0, 238.0)
    flesh = 0.6 * np.median(lip, axis=0) + 0.4 * np.array([170, 80, 75], np.float32) * level / 220.0
    return Tones(
        np.asarray(np.clip(tone * level, 0, 245), np.float32),
        np.asarray(np.maximum(flesh, 4.0), np.float32),
        _softness(plate, points, frame),
        _grain(plate, points, frame),
    )


def _white(plate: NDArray[np.uint8], points: Floats, irises: Floats, otherwise: Floats) -> Floats:
    """(3,) the white of the eyes."""
    eye = np.zeros(plate.shape[:2], np.uint8)
    for upper, lower in zip(topology.UPPER_LIDS, topology.LOWER_LIDS, strict=True):
        cv2.fillPoly(eye, [np.rint(points[[*upper, *lower[::-1]]]).astype(np.int32)], 255)
    for iris in irises:
        radius = float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean())
        cv2.circle(eye, tuple(np.rint(iris[0]).astype(int).tolist()), round(radius * 1.1), 0, -1)
    whites = plate[eye > 0].astype(np.float32)
    if not len(whites):
        return otherwise
    luma = whites @ _LUMA
    return np.asarray(np.median(whites[luma >= np.percentile(luma, 70)], axis=0), np.float32)


def _highlight(plate: NDArray[np.uint8], points: Floats) -> Floats:
    """(3,) the brightest part of the face."""
    face = np.zeros(plate.shape[:2], np.uint8)
    cv2.fillPoly(face, [np.rint(points[list(topology.OVAL)]).astype(np.int32)], 255)
    colours = plate[face > 0].astype(np.float32)
    luma = colours @ _LUMA
    return np.asarray(np.median(colours[luma >= np.percentile(luma, 96)], axis=0), np.float32)


def _sample(plate: NDArray[np.uint8], points: Floats) -> Floats:
    """(n, 3) colours of the surroundings of points."""
    soft = cv2.GaussianBlur(plate, (0, 0), 1.5)
    high = np.array([plate.shape[1] - 1, plate.shape[0] - 1])
    x, y = np.clip(np.rint(points).astype(int), 0, high).T
    return np.asarray(soft[y, x], np.float32)


def _softness(plate: NDArray[np.uint8], points: Floats, frame: MouthFrame) -> float:
    low = np.clip(points.min(axis=0), 0, None).astype(int)
    high = points.max(axis=0).astype(int) + 1
    grey = cv2.cvtColor(plate[low[1] : high[1], low[0] : high[0]], cv2.COLOR_RGB2GRAY).astype(np.float32)
    gradient = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)) / 8
    contrast = float(np.percentile(grey, 99) - np.percentile(grey, 1))
    # a step of `contrast` blurred by sigma has a steepest slope of contrast / (sigma sqrt(2 pi))
    sigma = 0.5 * contrast / (2.5 * max(float(np.percentile(gradient, 99.7)), 1.0))
    return float(np.clip(sigma, 0.5, 0.02 * frame.width + 0.5))


def _grain(plate: NDArray[np.uint8], points: Floats, frame: MouthFrame) -> float:
    """What is left of the cheeks without their shading: the median of several places, some of which are bearded."""
    grey = cv2.cvtColor(plate, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = (grey - cv2.GaussianBlur(grey, (0, 0), 2.0)) / np.maximum(grey, 16.0)
    reach = max(round(0.10 * frame.width), 2)
    found = []
    for x, y in np.rint(points[list(CHEEKS)]).astype(int):
        patch = fine[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        if patch.size:
            found.append(1.48 * float(np.median(np.abs(patch))))
    return float(np.clip(np.median(found), 0.0, 0.05)) if found else 0.0
