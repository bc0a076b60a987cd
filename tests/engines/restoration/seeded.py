"""GFPGAN with weights that were never trained: every value follows from its name, its shape and a seed."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from visavis.engines.restoration.gfpgan_network import SIZE, Gfpgan

SEED = 20241024
Floats = NDArray[np.float32]


def weights(seed: int = SEED) -> dict[str, Floats]:
    """Of a checkpoint, by name."""
    shapes = {name: tuple(value.shape) for name, value in Gfpgan().state_dict().items()}
    return {name: seeded(name, shape, seed) for name, shape in shapes.items()}


def seeded(name: str, shape: tuple[int, ...], seed: int) -> Floats:
    """One entry of a checkpoint."""
    random = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()) ^ seed))
    if shape == (1,):
        return np.full(shape, 0.1, np.float32)  # how strong noise is
    drawn = random.standard_normal(shape)
    if ".noises." in name:
        return drawn.astype(np.float32)
    if len(shape) == 1:
        return np.asarray((1.0 if name.endswith("weight") else 0.0) + 0.1 * drawn, np.float32)
    gain = 1.0 if "condition_" in name else 0.6
    return np.asarray(gain * drawn * np.sqrt(2.0 / np.prod(shape[1:])), np.float32)


def network(weights: Mapping[str, Floats]) -> Gfpgan:
    """The network with a checkpoint's entries, all of which it takes."""
    import torch

    made = Gfpgan()
    made.eval().requires_grad_(False)
    made.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    return made


def face() -> NDArray[np.uint8]:
    """(512, 512, 3) RGB: something like a face, soft and with a little grain, the same everywhere."""
    y, x = (np.mgrid[0:SIZE, 0:SIZE] + 0.5) / SIZE
    picture = np.stack([0.2 + 0.2 * y, 0.25 + 0.1 * x, 0.35 + 0.1 * x * y], axis=-1)
    spots = (  # middle, half axes, colour
        (0.5, 0.5, 0.32, 0.42, (0.85, 0.65, 0.55)),
        (0.38, 0.47, 0.06, 0.03, (0.15, 0.1, 0.1)),
        (0.62, 0.47, 0.06, 0.03, (0.15, 0.1, 0.1)),
        (0.5, 0.6, 0.05, 0.04, (0.75, 0.5, 0.42)),
        (0.5, 0.73, 0.13, 0.04, (0.6, 0.2, 0.2)),
    )
    for left, top, wide, high, colour in spots:
        distance = ((x - left) / wide) ** 2 + ((y - top) / high) ** 2
        part = np.clip(1.5 - distance, 0, 1)[..., None]
        picture += part * (np.array(colour) - picture)
    grain = np.sin(2000 * x * y + 300 * x)[..., None]
    return np.asarray(np.clip(255 * picture + 3 * grain, 0, 255).round(), np.uint8)


def shown(picture: NDArray[np.uint8]) -> Floats:
    """(1, 3, 512, 512) in [-1, 1], as the network takes it."""
    return np.ascontiguousarray((picture / 127.5 - 1).transpose(2, 0, 1)[None], np.float32)
