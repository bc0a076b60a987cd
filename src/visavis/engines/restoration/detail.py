"""A restorer that takes its time, beside pictures that do not wait: detail is kept, and lent to what resembles it.

Kept is what restoration added to a few pictures of the same grid (an aligned face, or a patch of it). Another
picture's detail is made of theirs: where its coarse look is that of a kept one, by theirs, in between by a mixture,
and where it resembles none by little. Newly kept detail is faded in, so that its coming is not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

FADE = 0.32
"""Seconds until newly kept detail counts fully: eight pictures at 25 a second."""
_STEP = 0.04
"""Seconds that a fade goes on between two pictures at most, also where more have passed."""
_CELL = 8
"""Pixels of a side of what is compared: coarser than most detail, finer than a lip."""
_TOLERANCE = 6.0
"""Grey levels, r.m.s.: pictures that differ by so much resemble each other by 1/e."""
_SMOOTH = 1.5
"""Cells over which a difference is spread, so that detail is mixed without edges."""
_ENOUGH = 0.25
"""Resemblance that is taken for certain: above it detail is mixed, below it fades out."""
_NEW = 0.4
"""Resemblance to the nearest kept picture below which, somewhere, another one is worth restoring."""
_UNSEEN = 1 / 256
"""The share in a mixture below which a picture's detail is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    coarse: Floats
    """(rows, columns, 3)."""
    planes: Floats
    """(3, h, w): the detail, channel by channel."""


class Details:
    """The detail of at most `capacity` pictures of one shape. Deterministic; not thread-safe."""

    def __init__(self, capacity: int = 24) -> None:
        self._capacity = capacity
        self._shown: tuple[_Kept, ...] = ()
        self._coming: tuple[_Kept, ...] | None = None
        """What `shown` is being faded to."""
        self._kept: tuple[_Kept, ...] = ()
        """What shall be shown in the end."""
        self._part = 0.0
        """How far the fade has come, 0 to 1."""
        self._last: float | None = None
        """When the last picture was shown."""

    def add(self, key: Floats, detail: Floats) -> None:
        """Keep what restoration added to a picture: both (h, w, 3), in grey levels.

        Beyond the capacity, of the two kept pictures that resemble each other most the older one goes.
        """
        planes = np.ascontiguousarray(np.moveaxis(detail, -1, 0), np.float32)
        kept = [*self._kept, _Kept(_coarse(key), planes)]
        if len(kept) > self._capacity:
            del kept[_redundant(kept)]
        self._kept = tuple(kept)

    def wants(self, picture: Floats) -> bool:
        """Whether restoring this picture, (h, w, 3), would add what is not kept yet."""
        if not self._kept:
            return True
        nearest = _resemblances(_coarse(picture), self._kept).max(axis=0)
        return bool(nearest.min() < _NEW)

    def apply(self, picture: Floats, seconds: float) -> Floats:
        """The picture (h, w, 3) with its detail, 0 to 255, as it is to be shown at `seconds`.

        Call it for each picture in order. What was added since the last call changes nothing yet in this one's
        detail, and is faded in over those that follow; before the first call there is nothing to fade from.
        """
        self._go_on(seconds)
        coming = self._shown if self._coming is None else self._coming
        every = [*self._shown, *(each for each in coming if each not in self._shown)]
        out = np.asarray(picture, np.float32).copy()
        if not every:
            return out
        alike = _resemblances(_coarse(picture), every)
        eased = np.float32(self._part * self._part * (3 - 2 * self._part))
        shares = (1 - eased) * _shares(alike, every, self._shown) + eased * _shares(alike, every, coming)
        for share, kept in zip(shares, every, strict=True):
            _lend(out, share, kept.planes)
        return np.clip(out, 0, 255, out=out)

    def _go_on(self, seconds: float) -> None:
        """The fade goes on; where none is under way, one begins if there is anything new."""
        if self._last is None:
            self._shown = self._kept
        elif self._coming is not None:
            self._part = min(1.0, self._part + min(max(seconds - self._last, 0.0), _STEP) / FADE)
            if self._part == 1.0:
                self._shown, self._coming, self._part = self._coming, None, 0.0
        if self._coming is None and self._kept != self._shown:
            self._coming, self._part = self._kept, 0.0
        self._last = seconds


def _coarse(picture: Floats) -> Floats:
    """(rows, columns, 3): the picture's cells."""
    height, width = picture.shape[:2]
    size = max(width // _CELL, 1), max(height // _CELL, 1)
    return np.asarray(cv2.resize(np.asarray(picture, np.float32), size, interpolation=cv2.INTER_AREA), np.float32)


def _resemblances(coarse: Floats, kept: Sequence[_Kept]) -> Floats:
    """(n, rows, columns) in (0, 1]: how much each kept picture looks like this one, cell by cell."""
    squares = (np.square(coarse - each.coarse).mean(axis=-1) for each in kept)
    spread = [np.asarray(cv2.GaussianBlur(each, (0, 0), _SMOOTH), np.float32) for each in squares]
    return np.asarray(np.exp(np.stack(spread) / np.float32(-(_TOLERANCE**2))), np.float32)


def _shares(alike: Floats, every: Sequence[_Kept], chosen: Sequence[_Kept]) -> Floats:
    """(n, rows, columns): how much of each one's detail a picture gets, of the `chosen` ones alone."""
    alike = alike * np.array([each in chosen for each in every], np.float32)[:, None, None]
    return np.asarray(alike / np.maximum(alike.sum(axis=0), np.float32(_ENOUGH)), np.float32)


def _lend(out: Floats, share: Floats, planes: Floats) -> None:
    """Add a share (rows, columns) of detail (3, h, w) to a picture (h, w, 3), in the rows that get any."""
    if not (rows := np.flatnonzero(share.max(axis=1) > _UNSEEN)).size:
        return
    height, width = out.shape[:2]
    cell = height / len(share)
    first, last = int((rows[0] - 1) * cell), int(np.ceil((rows[-1] + 2) * cell))
    box = slice(max(first, 0), min(last, height))
    fine = cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR)[box]
    for channel, plane in enumerate(planes):
        out[box, :, channel] += fine * plane[box]


def _redundant(kept: Sequence[_Kept]) -> int:
    """The older of the two that differ least in the cell where they differ most."""
    coarse = np.stack([each.coarse for each in kept])
    best, index = np.inf, 0
    for older in range(len(kept) - 1):
        apart = np.square(coarse[older + 1 :] - coarse[older]).mean(axis=-1).max(axis=(1, 2)).min()
        if apart < best:
            best, index = float(apart), older
    return index
