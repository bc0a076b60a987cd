"""Sound in which no mouth should move."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from visavis.media.audio import SESSION_RATE, Audio


def no_speech(seconds: float = 8.0) -> Iterator[tuple[str, Audio]]:
    """Noises, a breath and a tune at -30 dB of full scale, each with its name."""
    rng = np.random.default_rng(9)
    t = np.arange(round(seconds * SESSION_RATE)) / SESSION_RATE
    white = rng.normal(size=len(t))
    spectrum, f = np.fft.rfft(white), np.fft.rfftfreq(len(t), 1 / SESSION_RATE) + 1.0
    breath = np.fft.irfft(spectrum * np.exp(-(np.log2(f / 1200) ** 2)), len(t)) * np.sin(np.pi * t / 1.6) ** 4
    hum: NDArray[np.float64] = np.sum([np.sin(2 * np.pi * 50 * k * t) / k for k in range(1, 9)], axis=0)
    melody = 220 * 2 ** (np.array([0, 4, 7, 12, 9, 5, 2, 11])[(t / 0.4).astype(int) % 8] / 12)
    phase = 2 * np.pi * np.cumsum(melody) / SESSION_RATE
    tune = np.sum([np.sin(k * phase) / k**1.5 for k in range(1, 6)], axis=0) * np.exp(-(t % 0.4) / 0.25)
    pink = np.fft.irfft(spectrum / np.sqrt(f), len(t))
    for name, x in (("white", white), ("pink", pink), ("hum", hum), ("breath", breath), ("tune", tune)):
        yield name, Audio((x * 10**-1.5 / np.std(x)).astype(np.float32), SESSION_RATE)
