"""Sound as a recogniser hears it: 16 kHz, and 32 mel bands a hundred times a second, in blocks of one row (20 ms).

Everything works on blocks of the media clock's grid with a short memory of the samples before, so that the same sound
gives the same numbers however it was cut into windows.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
"""Hertz."""
BLOCK = RATE // 50
"""Samples of a row's time."""
BANDS = 32
"""Mel bands between 80 and 7600 Hz."""
FEATURES = 2 * BANDS
"""Numbers a block: two spectra, 10 ms apart."""
MEMORY = 240
"""Samples before a block that its first spectrum still hears."""
FLOOR = 1e-7
"""Power of a band in silence, in units of full scale."""
SILENCE = (math.log(FLOOR) + 8.0) / 8.0
"""A feature of digital silence."""
_WINDOW, _FFT, _TAPS = 400, 512, 72


@cache
def _low_pass(ratio: int) -> NDArray[np.float32]:
    """(taps,) Hamming-windowed sinc that keeps what `RATE` can hold."""
    n = np.arange(_TAPS * ratio // 3) - (_TAPS * ratio // 3 - 1) / 2
    taps = np.sinc(n / ratio * 0.92) * np.hamming(len(n))
    return np.asarray(taps / taps.sum(), np.float32)


def history(rate: int) -> int:
    """Samples at `rate` that `decimated` needs before a block."""
    return len(_low_pass(rate // RATE)) - 1


def decimated(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """(n / ratio,) the samples at 16 kHz from (history + n,) at `rate`, a multiple of it; 0.8 ms late."""
    taps = _low_pass(rate // RATE)
    if len(samples) < len(taps):
        return np.zeros(0, np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, len(taps))[:: rate // RATE]
    return np.asarray(frames @ taps, np.float32)


@cache
def _mel() -> NDArray[np.float32]:
    """(257, 32) triangular filters, even on the mel scale (2595 log10(1 + f/700)), each of unit area."""
    low, high = (2595 * math.log10(1 + f / 700) for f in (80, 7600))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    f = np.arange(_FFT // 2 + 1)[:, None] * RATE / _FFT
    rise, fall = (f - edges[:-2]) / np.diff(edges)[:-1], (edges[2:] - f) / np.diff(edges)[1:]
    bank = np.maximum(np.minimum(rise, fall), 0.0)
    return np.asarray(bank / bank.sum(axis=0), np.float32)


def spectra(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 64) log powers of n blocks, from (MEMORY + n·BLOCK,) samples at 16 kHz, scaled to about [-1, 1]."""
    if len(samples) < _WINDOW:
        return np.zeros((0, FEATURES), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[:: BLOCK // 2]
    power = np.abs(np.fft.rfft(frames * _hann(), _FFT)) ** 2 / _WINDOW
    bands = np.log(power.astype(np.float32) @ _mel() + np.float32(FLOOR))
    return np.asarray((bands.reshape(-1, FEATURES) + 8.0) / 8.0, np.float32)


@cache
def _hann() -> NDArray[np.float32]:
    return np.hanning(_WINDOW).astype(np.float32)
