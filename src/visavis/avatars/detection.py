"""A face that a detector found, and what to do when it is found several times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Detection:
    """A face's place."""

    box: Floats
    """(4,) left, top, right, bottom in pixels: from the brows to the chin, not the hair."""
    score: float
    """Probability."""
    keypoints: Floats
    """(6, 2) pixels: eyes, nose tip, mouth, ears; of each pair the viewer's left first."""

    @property
    def width(self) -> float:
        """Pixels."""
        return float(self.box[2] - self.box[0])


def merge(found: Sequence[Detection]) -> list[Detection]:
    """One for each group of boxes that overlap: their mean, weighted by the scores; the largest first.

    BlazeFace's way (arXiv:1907.05047): a plain suppression would let the winner jump from frame to frame.
    """
    rest = sorted(found, key=lambda one: -one.score)
    merged = []
    while rest:
        alike = [same(rest[0].box, one.box) for one in rest]
        group = [one for one, yes in zip(rest, alike, strict=True) if yes]
        weights = np.array([one.score for one in group], np.float32)
        weights /= weights.sum()
        box = np.tensordot(weights, np.stack([one.box for one in group]), axes=1)
        keypoints = np.tensordot(weights, np.stack([one.keypoints for one in group]), axes=1)
        merged.append(Detection(box, rest[0].score, keypoints))
        rest = [one for one, yes in zip(rest, alike, strict=True) if not yes]
    return sorted(merged, key=lambda one: -one.width)


def same(one: Floats, other: Floats) -> bool:
    """Whether two boxes show one face: intersection over union, or most of one within the other (a face cut off)."""
    size = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    both = float(np.prod(np.maximum(size, 0.0)))
    first, second = float(np.prod(one[2:] - one[:2])), float(np.prod(other[2:] - other[:2]))
    return both > 0.3 * (first + second - both) or both > 0.6 * min(first, second)
