"""Mel bands, as Slaney has them (Auditory Toolbox, 1998): linear up to 1 kHz, logarithmic above, each of one area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LINEAR, _CORNER, _OCTAVE = 200.0 / 3.0, 1000.0, np.log(6.4) / 27.0
"""Hertz a mel up to a corner, in hertz, and the logarithm of the ratio of two mels above it."""


def triangles(bands: int, lowest: float, highest: float, rate: int, window: int) -> NDArray[np.float64]:
    """(bands, window // 2 + 1) weights of a transform's frequencies, between two limits in hertz."""
    corners = _hertz(np.linspace(_mels(lowest), _mels(highest), bands + 2))
    frequencies = np.linspace(0.0, rate / 2.0, window // 2 + 1)
    rising = (frequencies - corners[:-2, None]) / (corners[1:-1] - corners[:-2])[:, None]
    falling = (corners[2:, None] - frequencies) / (corners[2:] - corners[1:-1])[:, None]
    weights: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    weights *= (2.0 / (corners[2:] - corners[:-2]))[:, None]
    return weights


def hann(window: int) -> NDArray[np.float64]:
    """A window of so many samples, periodic."""
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(window) / window)


def _mels(hertz: float) -> float:
    if hertz < _CORNER:
        return hertz / _LINEAR
    return float(_CORNER / _LINEAR + np.log(hertz / _CORNER) / _OCTAVE)


def _hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    corner = _CORNER / _LINEAR
    hertz: NDArray[np.float64] = np.where(mels < corner, mels * _LINEAR, _CORNER * np.exp((mels - corner) * _OCTAVE))
    return hertz
