"""A checkpoint for Wav2Lip's network made by hand: it gives back the face it sees, its mouth dark where it is loud.

What trained weights would show cannot be had here, and random ones show nothing. With these, a mouth opens and closes
with the sound through the real network, in every runtime: whether the right sound moves the right face can be seen.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_KNOTS = np.array([0.0, 0.04, 0.12, 0.3, 0.5, 0.7, 0.88, 0.96, 0.99])
"""Where the bends of the output's curve lie, which is the inverse of the sigmoid at the end."""
_QUIET, _DARK = 0.4, 5.0
"""Loudness (the spectrogram's, from 0 to 8) at which the mouth begins to open, and how fast it darkens."""
_SMOOTH = np.outer([0.5, 1.0, 0.5], [0.5, 1.0, 0.5])
"""A transposed convolution that enlarges without steps."""


def loud_mouth(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Floats]:
    """Values for the entries of these names and shapes."""
    state = {name: np.full(shape, _usual(name), np.float32) for name, shape in shapes.items()}
    _see(state)
    _hear(state)
    _place(state)
    _paint(state)
    return state


def _usual(name: str) -> float:
    """What a layer needs to pass on what it was given: its own sums are 0, and nothing is normalised."""
    return 1.0 if name.endswith((".conv_block.1.weight", "running_var")) else 0.0


def _see(state: dict[str, Floats]) -> None:
    """The whole face, in the three first channels of the largest features."""
    first = state["face_encoder_blocks.0.0.conv_block.0.weight"]
    for colour in range(3):
        first[colour, 3 + colour, 3, 3] = 1.0


def _hear(state: dict[str, Floats]) -> None:
    """How loud it is, as the first channel: from 0 to 8."""
    state["audio_encoder.0.conv_block.0.weight"][0, 0, 1, 1] = 1.0
    state["audio_encoder.0.conv_block.0.bias"][0] = 4.0
    for layer in (3, 6, 9, 11):
        state[f"audio_encoder.{layer}.conv_block.0.weight"][0, 0] = 1.0 / 9.0
    state["audio_encoder.12.conv_block.0.weight"][0, 0] = 1.0
    state["audio_encoder.12.conv_block.0.bias"][0] = -_QUIET


def _place(state: dict[str, Floats]) -> None:
    """The loudness where the mouth is: below the middle, on the fifth of six rows, in the middle."""
    state["face_decoder_blocks.0.0.conv_block.0.weight"][0, 0] = 1.0
    state["face_decoder_blocks.1.0.conv_block.0.weight"][0, 0, 2, 1] = 1.0
    state["face_decoder_blocks.2.0.conv_block.0.weight"][0, 0, 1, 2] = 1.0
    for block in (3, 4, 5, 6):
        state[f"face_decoder_blocks.{block}.0.conv_block.0.weight"][0, 0] = _SMOOTH


def _paint(state: dict[str, Floats]) -> None:
    """Each colour through a curve that the sigmoid makes straight, less where the mouth is."""
    curve = np.log(np.clip(_KNOTS, 0.004, 0.996) / (1 - np.clip(_KNOTS, 0.004, 0.996)))
    slopes = np.diff(curve) / np.diff(_KNOTS)
    bends = np.diff(slopes, prepend=0.0)
    first, last = state["output_block.0.conv_block.0.weight"], state["output_block.1.weight"]
    offsets = state["output_block.0.conv_block.0.bias"]
    for colour in range(3):
        for knot, bend in enumerate(bends):
            channel = 8 * colour + knot
            first[channel, 64 + colour, 1, 1] = 1.0
            offsets[channel] = -_KNOTS[knot]
            last[colour, channel] = bend
        last[colour, 31] = -_DARK
        state["output_block.1.bias"][colour] = curve[0]
    first[31, 0, 1, 1] = 1.0
