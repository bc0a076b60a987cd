"""Files with tensors: PyTorch's in both of its forms, TorchScript's, safetensors. None of them gets to run code."""

from __future__ import annotations

import importlib.util
import json
import math
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.errors import BadInput, EngineUnavailable, TooLarge

LARGEST = 2_000_000_000
"""Bytes of a file that is looked at; published checkpoints have less than a quarter."""
_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
_HEADER = 16_000_000  # bytes of a header with names and shapes; those known here take 40,000
_INNER = ("params_ema", "state_dict", "params")  # where checkpoints have their network; a smoothed copy comes first
_PAGES = (b"<!doctype", b"<html", b"<head", b"<?xml")


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of a file, which is not read yet."""

    shape: tuple[int, ...]
    read: Callable[[], NDArray[np.float32]] | None
    """Its numbers; None where they are no floating-point numbers."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a network's file by its name, without the prefix that training on several cards leaves.

    Optimizers and whatever else lies beside the network are left alone. Raises `BadInput` for what is no such file,
    is cut off, or wants to run code, and `EngineUnavailable` where PyTorch is needed and not installed.
    """
    head = _head(path)
    if head[:2] == b"PK":
        found = _of_zip(path)
    elif head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _HEADER:
        found = _of_safetensors(path)
    else:
        found = _of_torch(path, mapped=False)
    if not found:
        raise BadInput(f"'{path.name}' has no tensors: it is no checkpoint of a network")
    if all(name.startswith("module.") for name in found):
        found = {name.removeprefix("module."): tensor for name, tensor in found.items()}
    return found


def is_page(head: bytes) -> bool:
    """Whether a file's first bytes are those of a web page."""
    return head[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_PAGES)


def cut_off(path: Path) -> BadInput:
    """The error about a file that ends too early."""
    return BadInput(f"'{path.name}' is cut off or damaged: get it again, its download did not end")


def _head(path: Path) -> bytes:
    """The first bytes, of a file that may be one."""
    try:
        if path.is_dir():
            raise BadInput(f"'{path}' is a folder: name the checkpoint in it, as in {path / 'wav2lip_gan.pth'}")
        with path.open("rb") as file:
            head = file.read(512)
        size = path.stat().st_size
    except FileNotFoundError:
        raise BadInput(f"there is no file '{path}'") from None
    except OSError as error:
        raise BadInput(f"cannot read '{path}': {error.strerror or error}") from None
    if size > LARGEST:
        raise TooLarge(f"'{path.name}' has {size / 1e9:.1f} GB: no checkpoint that can be used here has more than 2")
    if not head:
        raise BadInput(f"'{path.name}' is empty: get it again")
    if is_page(head):
        raise BadInput(f"'{path.name}' is a web page: the download asked for a login or a click; get the file itself")
    if head.startswith(b"version https://git-lfs"):
        raise BadInput(f"'{path.name}' only points to the file: fetch that with `git lfs pull`")
    return head


def _of_zip(path: Path) -> dict[str, Tensor]:
    try:
        with zipfile.ZipFile(path) as archive:
            inside = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise cut_off(path) from None
    names = [each.filename for each in inside]
    if sum(each.file_size for each in inside) > LARGEST:
        raise TooLarge(f"'{path.name}' unpacks to more than 2 GB: no checkpoint that can be used here does")
    if not any(name.endswith("/data.pkl") for name in names):
        packed = next((name for name in names if name.endswith((".pth", ".pt", ".safetensors"))), None)
        hint = f"unpack it and add {packed}" if packed else "add the .pth file itself"
        raise BadInput(f"'{path.name}' is a zip archive and no checkpoint: {hint}")
    if any(name.endswith("/constants.pkl") for name in names):
        from visavis.weights.torchscript import read_archive

        return {name: _numbers(array) for name, array in read_archive(path).items()}
    return _of_torch(path, mapped=True)


def _of_torch(path: Path, *, mapped: bool) -> dict[str, Tensor]:
    if importlib.util.find_spec("torch") is None:
        raise EngineUnavailable(f"'{path.name}' is read with PyTorch: pip install 'visavis[wav2lip]'")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what PyTorch will do otherwise some day
        import torch

        try:
            loaded: object = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        except pickle.UnpicklingError as error:
            raise _refused(path, str(error)) from None
        except MemoryError:
            raise TooLarge(f"'{path.name}' does not fit into this machine's memory") from None
        except Exception as error:  # a damaged file makes it fail in any way
            if isinstance(error, EOFError) or "EOF" in str(error) or "PytorchStreamReader" in str(error):
                raise cut_off(path) from None
            raise BadInput(f"'{path.name}' is no checkpoint of PyTorch's, or it is damaged") from None
    return {name: _of_tensor(value) for name, value in _inner(loaded).items() if isinstance(value, torch.Tensor)}


def _refused(path: Path, message: str) -> BadInput:
    """The error about a pickle that asks for more than tensors."""
    if (named := re.search(r"GLOBAL ([\w.]+)", message)) is None:
        return BadInput(f"'{path.name}' is no checkpoint of PyTorch's, or it is damaged")
    return BadInput(
        f"'{path.name}' is refused: it wants code to run when it is opened ({named[1]}), and a checkpoint needs none; "
        "get the file with the weights alone, from where they were published"
    )


def _inner(loaded: object) -> dict[str, object]:
    """The network's own part of what a checkpoint holds."""
    for key in _INNER:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
            break
    entries = loaded.items() if isinstance(loaded, Mapping) else ()
    return {name: value for name, value in entries if isinstance(name, str)}


def _of_tensor(tensor: Any) -> Tensor:
    """`tensor` is PyTorch's; a hostile one can have any kind of memory behind it, or claim more than there is."""
    import torch

    plain = tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized

    def read() -> NDArray[np.float32]:
        numbers: NDArray[np.float32] = tensor.detach().to(torch.float32).contiguous().numpy()
        return numbers.copy()  # what is mapped from a file goes with the file

    return Tensor(tuple(tensor.shape), read if plain and tensor.is_floating_point() else None)


def _numbers(array: NDArray[Any]) -> Tensor:
    def read() -> NDArray[np.float32]:
        with np.errstate(over="ignore"):  # what becomes infinite is found where the numbers are looked at
            return np.array(array, np.float32)

    return Tensor(array.shape, read if array.dtype.kind == "f" else None)


def _of_safetensors(path: Path) -> dict[str, Tensor]:
    """A header's length in 8 bytes, the header in JSON (by name: dtype, shape, data_offsets), then the numbers."""
    content = np.memmap(path, np.uint8, "r")
    begin = 8 + int.from_bytes(content[:8].tobytes(), "little")
    if begin > len(content):
        raise cut_off(path)
    try:
        header: dict[str, Any] = json.loads(content[8:begin].tobytes())
        header.pop("__metadata__", None)
        return {name: _entry(entry, content[begin:]) for name, entry in header.items()}
    except EOFError:
        raise cut_off(path) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadInput(f"'{path.name}' is no safetensors file, or it is damaged") from None


def _entry(entry: Mapping[str, Any], numbers: NDArray[np.uint8]) -> Tensor:
    """One tensor of the header. Raises `EOFError` where its numbers lie behind the file's end."""
    kind, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    if not all(isinstance(each, int) and each >= 0 for each in (*shape, begin, end)):
        raise ValueError("lengths are whole numbers")
    if end > len(numbers):
        raise EOFError
    if kind == "BF16":
        halves = numbers[begin:end].view("<u2").reshape(shape)
        return Tensor(shape, lambda: (halves.astype(np.uint32) << 16).view(np.float32))
    if kind not in _FLOATS:
        return Tensor(shape, None)
    dtype = np.dtype(_FLOATS[kind])
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError("a tensor is as long as its shape says")
    return _numbers(numbers[begin:end].view(dtype).reshape(shape))
