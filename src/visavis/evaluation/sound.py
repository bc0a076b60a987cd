"""What the sound does, as far as lips should follow it: how loud it is, and where nobody speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.media.codecs import read_audio

RATE = 100
"""Values a second of an envelope."""
_SAMPLE_RATE = 16_000
_BLOCK = _SAMPLE_RATE // RATE
_FLOOR_DB = -90.0
_RANGE_DB = 15.0
"""A recording whose loud and quiet parts are nearer than this has no pauses that loudness could tell."""


def envelope(path: Path) -> tuple[NDArray[np.float32], float]:
    """(t,) the sound's RMS at `RATE`, value i for 30 ms about i / RATE s + 5 ms; and the sound's length in seconds."""
    powers = []
    rest = np.zeros(0, np.float32)
    count = 0
    for piece in read_audio(path, _SAMPLE_RATE, chunk_seconds=1.0):
        samples = np.concatenate([rest, piece.samples])
        whole = len(samples) // _BLOCK * _BLOCK
        powers.append(np.square(samples[:whole].reshape(-1, _BLOCK)).mean(axis=1))
        rest, count = samples[whole:], count + len(piece)
    power = np.concatenate([*powers, np.square(rest).mean(keepdims=True)] if len(rest) else powers)
    smooth = np.convolve(np.pad(power, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
    return np.sqrt(smooth).astype(np.float32), count / _SAMPLE_RATE


def pauses(level: NDArray[np.float32], shortest: float) -> list[tuple[float, float]]:
    """Start and end, in seconds, of the runs of at least `shortest` seconds in which nobody speaks.

    A gate by loudness: 30 dB below the speech (its 95th percentile), but 6 dB above the floor (the 5th) of a noisy
    recording. Nothing where speech and floor are within 15 dB of one another, and the gate could not tell.
    """
    loudness = np.maximum(20 * np.log10(np.maximum(level, 1e-9)), _FLOOR_DB)
    floor, speech = np.percentile(loudness, (5, 95))
    if speech - floor < _RANGE_DB:
        return []
    return runs(loudness < max(speech - 30.0, floor + 6.0), RATE, shortest)


def runs(quiet: NDArray[np.bool_], rate: float, shortest: float) -> list[tuple[float, float]]:
    """Start and end, in seconds, of the runs of True that last at least `shortest` seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    spans = edges.reshape(-1, 2) / rate
    return [(float(start), float(end)) for start, end in spans if end - start >= shortest - 1e-9]
