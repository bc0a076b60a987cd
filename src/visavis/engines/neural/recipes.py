"""Which networks there are, and how each comes to be out of a checkpoint: a module of its own says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from visavis.errors import BadInput

if TYPE_CHECKING:
    from torch import nn

Samples = Iterator[tuple[NDArray[np.float32], ...]]
"""Inputs of a part, one call after the other."""

RECIPES = {
    "wav2lip": "visavis.engines.animation.wav2lip_parts",
    "gfpgan": "visavis.engines.restoration.gfpgan_parts",
}
"""By a network's name: the module whose `parts()` are its parts, in the order in which they run."""


@dataclass(frozen=True, slots=True)
class Part:
    """A network that runs by itself, made of some of a checkpoint's weights."""

    stem: str
    """Its name, and that of its files."""
    build: Callable[[], nn.Module]
    """Makes it with any weights; those of its `state_dict()` are the checkpoint's, by name and shape."""
    inputs: Mapping[str, tuple[int, ...]]
    """Each input's shape, without the batch."""
    outputs: tuple[str, ...]
    batch: int | None = None
    """The only batch that it takes; None: any."""
    calibration: Callable[[Mapping[str, nn.Module]], Samples] | None = None
    """What int8's ranges are measured on, given all parts in PyTorch; None: there is no int8 of it."""
    keep: tuple[str, ...] = ()
    """Regular expressions of OpenVINO's layers that int8 would harm."""


def parts(name: str) -> tuple[Part, ...]:
    """The parts of the networks called `name`. Raises `BadInput` for a name that is none."""
    if name not in RECIPES:
        raise BadInput(f"there is no network '{name}'; choose from: {', '.join(RECIPES)}")
    made: tuple[Part, ...] = import_module(RECIPES[name]).parts()
    return made
