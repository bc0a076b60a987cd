"""TorchScript archives: of the program in them nothing runs, and nothing is read but the tensors of its modules."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.errors import BadInput

_KINDS = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
_PICKLE = 16_000_000  # bytes of the pickle that names modules and shapes; Wav2Lip's takes 60,000


def read_archive(path: Path) -> dict[str, NDArray[Any]]:
    """Every tensor of the module that was saved, by the name that it has in the module's state dict.

    Raises `BadInput` for an archive that is damaged or holds anything but modules, tensors and plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(each for each in archive.namelist() if each.endswith("/data.pkl"))
            if archive.getinfo(name).file_size > _PICKLE:
                raise BadInput(f"'{path.name}' is no TorchScript archive of a network")
            module = _Reader(archive, name.removesuffix(".pkl")).load()
            return dict(_tensors(module, ""))
    except BadInput:
        raise
    except Exception:  # a pickle that was tampered with makes it fail in any way
        raise BadInput(f"'{path.name}' is no TorchScript archive of a network, or it is damaged") from None


class _Module:
    """Whatever class the archive names: its attributes, and nothing to call."""


def _tensor(storage: NDArray[Any], offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Any:
    """A tensor as its storage's view. Raises `ValueError` for one that reaches out of it."""
    steps = [(length - 1) * step for length, step in zip(shape, stride, strict=True)]
    if min((offset, *shape, *stride)) < 0 or (0 not in shape and offset + sum(steps) >= len(storage)):
        raise ValueError("outside of its storage")
    return np.lib.stride_tricks.as_strided(
        storage[offset:], shape, [step * storage.itemsize for step in stride], writeable=False
    )


class _Reader(pickle.Unpickler):
    """A pickle for which every name stands for something inert."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(io.BytesIO(archive.read(f"{folder}.pkl")))
        self._archive, self._folder = archive, folder

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("__torch__"):
            return type("Module", (_Module,), {})
        if module == "torch" and name in _KINDS:
            return _KINDS[name]
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if module == "torch.jit._pickle":
            return lambda values, *_: values  # lists whose kind is told
        raise pickle.UnpicklingError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> NDArray[Any]:
        _, kind, key, *_ = pid
        return np.frombuffer(self._archive.read(f"{self._folder}/{key}"), kind)


def _tensors(module: object, prefix: str) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, value in vars(module).items():
        if isinstance(value, np.ndarray):
            yield prefix + name, value
        elif isinstance(value, _Module):
            yield from _tensors(value, f"{prefix}{name}.")
