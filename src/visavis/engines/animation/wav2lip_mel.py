"""The sound as Wav2Lip hears it: 80 mel bands, 80 columns a second (Prajwal et al., 2020, and their code)."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

from visavis.engines.mel import hann, triangles

RATE = 16_000
"""Hertz."""
COLUMNS_PER_SECOND = 80
"""Columns of the spectrogram."""
CHUNK = 16
"""Columns that one picture hears."""
BANDS = 80
"""Mel bands."""
_HOP = RATE // COLUMNS_PER_SECOND
_WINDOW = 800
"""Samples that a column sees, with the column's own sample in the middle."""
_LOWEST, _HIGHEST = 55.0, 7600.0  # hertz
_EMPHASIS = 0.97
_REFERENCE, _FLOOR = 20.0, 100.0  # decibels
_RANGE = 4.0
_BLOCK = 512
"""Columns that are transformed together: as many as fit into a processor's cache."""


def columns(samples: int) -> int:
    """How many columns a sound of so many samples has; a shorter one than a chunk is followed by silence."""
    return max(1 + samples // _HOP, CHUNK)


def mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The spectrogram of a sound at `RATE`: (80, n) in [-4, 4], with at least `CHUNK` columns."""
    return mel_columns(samples, 0, columns(len(samples)))


def mel_columns(samples: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
    """The columns from `first` up to `last` of the whole sound's spectrogram: (80, last - first).

    A column needs the 401 samples before and the 400 after its middle, `200 * column`; beyond the sound is silence.
    """
    made = np.empty((BANDS, last - first), np.float32)
    for begin in range(first, last, _BLOCK):
        end = min(begin + _BLOCK, last)
        made[:, begin - first : end - first] = _block(samples, begin, end)
    return made


def chunk_starts(columns: int, fps: Fraction) -> list[int]:
    """The first column of each picture's chunk: the pictures' own places, and the end of the sound once."""
    latest = max(columns - CHUNK, 0)
    count = -(-(latest + 1) * fps // COLUMNS_PER_SECOND)  # pictures whose chunk does not overrun
    starts = [int(each * COLUMNS_PER_SECOND / fps) for each in range(int(count))]
    return [*starts, latest]


def _block(samples: NDArray[np.float32], first: int, last: int) -> NDArray[np.float64]:
    begin = first * _HOP - _WINDOW // 2
    size = (last - first - 1) * _HOP + _WINDOW
    # one sample more in front, from which the first is emphasised
    sound = np.zeros(size + 1)
    inside = samples[max(begin - 1, 0) : max(begin + size, 0)]
    at = max(1 - begin, 0)
    sound[at : at + len(inside)] = inside
    emphasised = sound[1:] - _EMPHASIS * sound[:-1]
    # what follows the last sample is silence after emphasis, too
    emphasised[max(len(samples) - begin, 0) :] = 0.0
    windows = np.lib.stride_tricks.sliding_window_view(emphasised, _WINDOW)[::_HOP]
    loudness = _bands() @ np.abs(np.fft.rfft(windows * _hann(), axis=1)).T
    decibels = 20.0 * np.log10(np.maximum(loudness, 10.0 ** (-_FLOOR / 20.0))) - _REFERENCE
    scaled: NDArray[np.float64] = np.clip(2.0 * _RANGE * (decibels + _FLOOR) / _FLOOR - _RANGE, -_RANGE, _RANGE)
    return scaled


@cache
def _hann() -> NDArray[np.float64]:
    return hann(_WINDOW)


@cache
def _bands() -> NDArray[np.float64]:
    return triangles(BANDS, _LOWEST, _HIGHEST, RATE, _WINDOW)
