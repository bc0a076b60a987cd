"""Published checkpoints: read without running code, and taken only where every tensor is what it must be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.errors import BadInput
from visavis.weights.published import Published, recognised
from visavis.weights.tensors import Tensor, cut_off, read_tensors

Tell = Callable[[float, str], None]
"""Called with a fraction (0 … 1) of the work, and what is being done."""

_CHUNK = 1 << 22
_COUNTER = ".num_batches_tracked"


def untold(fraction: float, doing: str) -> None:
    """For whoever does not want to know how far it is."""


def read_checkpoint(path: Path, network: Published, progress: Tell = untold) -> dict[str, NDArray[np.float32]]:
    """The weights of a published checkpoint: by name, each in the network's shape, float32 and finite.

    Takes `.pth` files in both of PyTorch's forms, TorchScript and safetensors, of any floating-point numbers. Raises
    `BadInput`, in one sentence, for whatever else it is, and `EngineUnavailable` where PyTorch is not installed.
    """
    progress(0.0, "opening")
    found = {name: tensor for name, tensor in read_tensors(path).items() if not name.endswith(_COUNTER)}
    _check(path, network, found)
    state: dict[str, NDArray[np.float32]] = {}
    for name in network.layout:
        progress(len(state) / len(network.layout), "reading")
        state[name] = _finite(path, name, found[name])
    progress(1.0, "read")
    return state


def digest(path: Path, progress: Tell = untold) -> str:
    """A file's SHA-256 in hexadecimal. Raises `BadInput` where it cannot be read."""
    found, done = hashlib.sha256(), 0
    try:
        size = max(path.stat().st_size, 1)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
                done += len(chunk)
                progress(min(done / size, 1.0), "checksum")
    except FileNotFoundError:
        raise BadInput(f"there is no file '{path}'") from None
    except OSError as error:
        raise BadInput(f"cannot read '{path}': {error.strerror or error}") from None
    return found.hexdigest()


def _check(path: Path, network: Published, found: Mapping[str, Tensor]) -> None:
    """See that every tensor is there in its shape, and no other; raises `BadInput` that names the first."""
    layout = network.layout
    lacking = [name for name in layout if name not in found]
    formed = [name for name in layout if name in found and found[name].shape != layout[name]]
    foreign = [name for name in found if name not in layout]
    whole = [name for name in layout if name in found and found[name].read is None]
    if lacking:
        fault = f"it lacks '{lacking[0]}'{_more(lacking)}"
    elif formed:
        first = formed[0]
        fault = f"its '{first}' is {_shape(found[first].shape)} and not {_shape(layout[first])}{_more(formed)}"
    elif foreign:
        fault = f"it also has '{foreign[0][:100]}'{_more(foreign)}"
    elif whole:
        fault = f"its '{whole[0]}'{_more(whole)} has no floating-point numbers"
    else:
        return
    other = recognised({name: tensor.shape for name, tensor in found.items()})
    hint = f"; it looks like that of {other}" if other and other != network.title else ""
    raise BadInput(f"'{path.name}' is no checkpoint of {network.title}: {fault}{hint}")


def _finite(path: Path, name: str, tensor: Tensor) -> NDArray[np.float32]:
    assert tensor.read is not None
    try:
        numbers = tensor.read()
    except (RuntimeError, ValueError, MemoryError):  # its file holds less than it says
        raise cut_off(path) from None
    if not np.isfinite(numbers).all():
        raise BadInput(f"'{path.name}' is damaged: '{name}' has numbers that are infinite or none; get it again")
    return numbers


def _more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a single number"
