"""Voices as numbers: 512 for each speaker (an x-vector), in a folder of .npy files or in one .npz with names."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIZE = 512
_KINDS = "a folder of .npy files of 512 numbers each, or one .npz with a name for each"


def names(path: Path) -> list[str]:
    """The speakers that are there, in order; none where nothing can be read."""
    try:
        if path.is_dir():
            return sorted(file.stem for file in path.glob("*.npy"))
        with zipfile.ZipFile(path) as file:
            return sorted(name.removesuffix(".npy") for name in file.namelist() if name.endswith(".npy"))
    except (OSError, zipfile.BadZipFile):
        return []


def fault(path: Path | None) -> str:
    """What is wrong with the place of the speakers, as far as names tell; '' if nothing is."""
    if path is None:
        return "no speakers are set"
    if not path.exists():
        return f"there is no {path}"
    return "" if names(path) else f"{path} is not {_KINDS}"


def load(path: Path, name: str) -> NDArray[np.float32]:
    """(512,) a speaker. Raises `ValueError` for what is none; nothing pickled is ever read."""
    try:
        if path.is_dir():
            found = np.load(path / f"{name}.npy", allow_pickle=False)
        else:
            with np.load(path, allow_pickle=False) as file:
                found = file[name]
        numbers = np.asarray(found, np.float32).reshape(-1)
    except (OSError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"the speaker '{name}' in {path} cannot be read ({error})") from None
    if len(numbers) != SIZE or not np.isfinite(numbers).all():
        raise ValueError(f"the speaker '{name}' in {path} has {len(numbers)} numbers: {SIZE} are needed")
    return numbers
