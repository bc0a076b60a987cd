"""A small network that sees a mouth in a spectrum: 700 ms of sound to the seven controls and three certainties.

Five convolutions, the last four with ever wider taps, 200 thousand weights, trained by `tools/train_lips.py` on speech
whose phone times are known, with the controls that `coarticulation` gives for them as the target. It is regression for
how the mouth moves and detection for what it must not miss: whether the lips are shut, the lower lip is at the teeth,
and whether anybody speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.coarticulation import Array, smoothstep


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution in time, rectified."""

    taps: int
    dilation: int
    past: int
    """Blocks before a row's own that it looks at; the others are after it."""
    residual: bool = True
    """Whether it is added to what it looks at."""

    @property
    def future(self) -> int:
        """Blocks after a row's own that it looks at."""
        return self.dilation * (self.taps - 1) - self.past


LAYERS = (Layer(5, 1, 2, residual=False), Layer(3, 1, 1), Layer(3, 2, 2), Layer(3, 4, 7), Layer(3, 8, 16))
WIDTH, OUTPUTS = 112, 10
PAST, FUTURE = sum(layer.past for layer in LAYERS), sum(layer.future for layer in LAYERS)
"""Blocks before and after a row's own that the network sees: 580 ms back, 140 ms ahead."""
SHUT = (0.20, 0.35)
"""The lips begin to close at the first certainty and are shut at the second."""
QUIET = (0.50, 0.85)
"""The same for the whole mouth, and the certainty that nobody speaks."""
WAKING = 4
"""Rows (80 ms) that a mouth at rest takes to come to speech; it falls back to rest as soon as nobody speaks."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the network sees in some rows."""

    controls: Array
    """(t, 7) in the order of `face.Controls`, before anything is shut."""
    shut: Array
    """(t,) probability that a p, b or m holds the lips."""
    tucked: Array
    """(t,) probability of f or v."""
    rest: Array
    """(t,) 1 where nobody speaks, 0 in speech."""

    def roused(self) -> Seen:
        """(t - WAKING,) the later rows; rest is left over `WAKING` rows."""
        n = len(self.rest) - WAKING
        rest = np.max([self.rest[WAKING - j :][:n] - j / WAKING for j in range(WAKING)], axis=0)
        return Seen(self.controls[WAKING:], self.shut[WAKING:], self.tucked[WAKING:], rest)


class Lips:
    """The network; its weights are read when it is made."""

    def __init__(self) -> None:
        with np.load(Path(__file__).with_name("lips.npz")) as file:
            weights = {name: file[name].astype(np.float32) for name in file.files}
        # (k, in, out): a tap at a time is a plain matrix product
        self._taps = [np.ascontiguousarray(weights[f"{i}.weight"].transpose(2, 1, 0)) for i in range(len(LAYERS) + 1)]
        self._bias = [weights[f"{i}.bias"] for i in range(len(LAYERS) + 1)]

    def see(self, features: NDArray[np.float32]) -> Seen:
        """The rows k of (PAST + t + FUTURE, FEATURES) features, where row k's own block is features[PAST + k]."""
        x = features
        for layer, taps, bias in zip(LAYERS, self._taps, self._bias, strict=False):
            n = len(x) - layer.dilation * (layer.taps - 1)
            y = bias + sum(x[j * layer.dilation : j * layer.dilation + n] @ tap for j, tap in enumerate(taps))
            y = np.maximum(y, 0.0)
            x = y + x[layer.past : layer.past + n] if layer.residual else y
        out = (x @ self._taps[-1][0] + self._bias[-1]).astype(np.float64)
        certainty = 1.0 / (1.0 + np.exp(-out[:, 7:10]))
        rest = np.clip((certainty[:, 2] - QUIET[0]) / (QUIET[1] - QUIET[0]), 0.0, 1.0)
        return Seen(np.clip(out[:, :7], _LEAST, 1.0), certainty[:, 0], certainty[:, 1], rest)


_LEAST = np.array([0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0])


def settled(controls: Array, shut: Array, rest: Array) -> NDArray[np.float32]:
    """(t, 7) controls with the lips shut where `shut` is certain, and the whole mouth as far asleep as `rest` says."""
    rows = controls.copy()
    closed = smoothstep((shut - SHUT[0]) / (SHUT[1] - SHUT[0]))
    rows[:, 0] *= 1.0 - closed
    rows[:, 5] = np.maximum(rows[:, 5], 0.8 * closed)
    rows *= 1.0 - smoothstep(rest)[:, None]
    return rows.astype(np.float32)
