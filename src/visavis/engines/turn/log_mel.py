"""Sound as Whisper hears it (Radford et al., 2022): 80 mel bands, 100 columns a second, logarithmic.

The numbers are those of transformers' `WhisperFeatureExtractor(chunk_length=8)` with `do_normalize`.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from visavis.engines.mel import hann, triangles

RATE = 16_000
"""Hertz."""
SAMPLES = 8 * RATE
"""Of the end of a sound, which is heard."""
BANDS, COLUMNS = 80, 800
_WINDOW, _HOP = 400, 160
_HIGHEST = 8000.0
"""Hertz of the last band's end."""
_SILENCE, _RANGE = 1e-10, 8.0
"""The least power, and how far below the loudest, in powers of ten, a column can be."""
_VARIANCE = 1e-7


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The last 8 s of a sound at `RATE`: (80, 800). A shorter one stands at the end, after silence."""
    sound = np.zeros(SAMPLES)
    last = samples[-SAMPLES:]
    sound[SAMPLES - len(last) :] = last
    # of one loudness, silence included
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + _VARIANCE)
    padded = np.pad(sound, _WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:COLUMNS]
    power = np.abs(np.fft.rfft(windows * _hann(), axis=1)) ** 2
    loudness = np.log10(np.maximum(_bands() @ power.T, _SILENCE))
    made: NDArray[np.float32] = ((np.maximum(loudness, loudness.max() - _RANGE) + 4.0) / 4.0).astype(np.float32)
    return made


@cache
def _hann() -> NDArray[np.float64]:
    return hann(_WINDOW)


@cache
def _bands() -> NDArray[np.float64]:
    return triangles(BANDS, 0.0, _HIGHEST, RATE, _WINDOW)
