"""Wav2Lip with weights that follow from their names and a seed: nobody trained them, and everybody has the same."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 7
_NORM = ("running_mean", "running_var")


def drawn(key: str, shape: tuple[int, ...], seed: int) -> NDArray[Any]:
    """An entry of the checkpoint, but for what a normalisation has measured."""
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if key.endswith(_NORM):
        return np.full(shape, 1.0 if key.endswith("running_var") else 0.0, np.float32)
    noise = np.random.Generator(np.random.PCG64(zlib.crc32(key.encode()) ^ seed)).standard_normal(shape)
    if len(shape) == 1:
        return ((1.0 if key.endswith("weight") else 0.0) + 0.1 * noise).astype(np.float32)
    gain = 0.25 if key == "output_block.1.weight" else 1.0
    scaled: NDArray[Any] = (gain * noise * np.sqrt(2.0 / np.prod(shape[1:]))).astype(np.float32)
    return scaled


def checkpoint(seed: int, measured: Mapping[str, NDArray[Any]] | None = None) -> dict[str, NDArray[Any]]:
    """Every entry, with the normalisations' statistics; without `measured`, those of `chunks` and `faces`."""
    import torch

    from visavis.engines.animation.wav2lip_network import Generator

    with torch.device("meta"):
        shapes = {key: tuple(value.shape) for key, value in Generator().state_dict().items()}
    state = {key: drawn(key, shape, seed) for key, shape in shapes.items()}
    if measured is None:
        network = loaded(state).train()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        with torch.no_grad():
            network(torch.from_numpy(chunks(8)[:, None]), torch.from_numpy(faces(8)))
        measured = {key: value.numpy() for key, value in network.state_dict().items() if key.endswith(_NORM)}
    return state | dict(measured)


def loaded(state: Mapping[str, NDArray[Any]]) -> Any:
    """The whole generator, in evaluation."""
    import torch

    from visavis.engines.animation.wav2lip_network import Generator

    network = Generator()
    network.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in state.items()})
    return network.eval().requires_grad_(False)


def chunks(count: int) -> NDArray[np.float32]:
    """(count, 80, 16) smooth spectrograms in [-4, 4]."""
    band, column, which = np.arange(80)[:, None], np.arange(16), np.arange(count)[:, None, None]
    return (4.0 * np.sin(0.11 * band + 0.5 * which) * np.cos(0.4 * column - 0.9 * which)).astype(np.float32)


def faces(count: int) -> NDArray[np.float32]:
    """(count, 6, 96, 96) smooth pictures in [0, 1], without their lower half and whole."""
    y, x, which = np.arange(96)[:, None], np.arange(96), np.arange(3 * count).reshape(count, 3, 1, 1)
    whole = (0.5 + 0.5 * np.sin(0.07 * x + 0.31 * which) * np.cos(0.05 * y - 0.7 * which)).astype(np.float32)
    upper = whole.copy()
    upper[:, :, 48:] = 0.0
    return np.concatenate([upper, whole], axis=1)
