"""A small network that sees a mouth in a spectrum: 500 ms of sound to the seven controls and three certainties.

Three dilated convolutions, 84 thousand weights, trained by `tools/train_lips.py` on speech that this project's own
voices synthesised in seventeen languages, with the controls that `coarticulation` gives for its phone times as the
target; gain, colour, pace and noise were varied. It is regression for how the mouth moves and detection for what it
must not miss: whether the lips are shut, the lower lip is at the teeth, and whether anybody speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.coarticulation import Array, smoothstep

PAST, FUTURE = 16, 8
"""Blocks before and after a row's own that the network sees: 340 ms back, 180 ms ahead."""
SHUT = (0.25, 0.45)
"""The lips begin to close at the first certainty and are shut at the second."""
QUIET = (0.50, 0.85)
"""The same for the whole mouth, and silence."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the network sees in some rows."""

    controls: Array
    """(t, 7) in the order of `face.Controls`, before anything is shut."""
    shut: Array
    """(t,) probability that a p, b or m holds the lips."""
    tucked: Array
    """(t,) probability of f or v."""
    quiet: Array
    """(t,) probability that nobody speaks."""

    def peaked(self) -> Seen:
        """(t - 2,) the inner rows; where `shut` peaks it is the sum of three rows.

        The network is often sure of a short closure, but not of which row it falls into.
        """
        before, shut, after = self.shut[:-2], self.shut[1:-1], self.shut[2:]
        summed = np.where((shut >= before) & (shut > after), np.minimum(before + shut + after, 1.0), shut)
        return Seen(self.controls[1:-1], summed, self.tucked[1:-1], self.quiet[1:-1])


class Lips:
    """The network; its weights are read when it is made."""

    def __init__(self) -> None:
        with np.load(Path(__file__).with_name("lips.npz")) as file:
            weights = {name: file[name].astype(np.float32) for name in file.files}
        self._layers = [
            # (k, in, out): a tap at a time is a plain matrix product
            (np.ascontiguousarray(weights[f"{name}.weight"].transpose(2, 1, 0)), weights[f"{name}.bias"], dilation)
            for name, dilation in (("c1", 1), ("c2", 2), ("c3", 4), ("o", 1))
        ]

    def see(self, features: NDArray[np.float32]) -> Seen:
        """The rows k of (PAST + t + FUTURE, FEATURES) features, where row k's own block is features[PAST + k]."""
        x = features
        for i, (taps, bias, dilation) in enumerate(self._layers):
            n = len(x) - dilation * (len(taps) - 1)
            y = bias + sum(x[j * dilation : j * dilation + n] @ tap for j, tap in enumerate(taps))
            x = np.maximum(y, 0.0) if i + 1 < len(self._layers) else y
        certainty = 1.0 / (1.0 + np.exp(-x[:, 7:10].astype(np.float64)))
        return Seen(
            np.clip(x[:, :7].astype(np.float64), _LEAST, 1.0), certainty[:, 0], certainty[:, 1], certainty[:, 2]
        )


_LEAST = np.array([0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0])


def settled(controls: Array, shut: Array, quiet: Array) -> NDArray[np.float32]:
    """(t, 7) controls with the lips shut where `shut` is certain, and at rest where it is `quiet`."""
    rows = controls.copy()
    closed = smoothstep((shut - SHUT[0]) / (SHUT[1] - SHUT[0]))
    rows[:, 0] *= 1.0 - closed
    rows[:, 5] = np.maximum(rows[:, 5], 0.8 * closed)
    rows *= 1.0 - smoothstep((quiet - QUIET[0]) / (QUIET[1] - QUIET[0]))[:, None]
    return rows.astype(np.float32)
