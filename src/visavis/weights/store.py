"""Where data files lie, and whether they are there: a size check at every use, the checksum after fetching."""

from __future__ import annotations

import hashlib
from pathlib import Path

from visavis.errors import EngineUnavailable
from visavis.settings import load_settings
from visavis.weights.catalogue import DataFile, catalogue, find

PULL = "visavis models pull"
"""The command that fetches what is missing."""


def folder() -> Path:
    """Where data files are kept: `weights` in the user's data folder. It need not exist yet."""
    return load_settings().data_dir / "weights"


def present(name: str) -> bool:
    """Whether the data file is there in its full size. Cheap: its content is checked when it is fetched."""
    return _has_size(find(name), folder())


def missing() -> list[str]:
    """The names of the data files that are not there, in the catalogue's order."""
    here = folder()
    return [file.name for file in catalogue().values() if not _has_size(file, here)]


def fault(name: str) -> str:
    """What is wrong with the data file, in words that follow its name; empty if its size is right. Cheap."""
    file, path = find(name), folder() / name
    if _has_size(file, folder()):
        return ""
    if not path.is_file():
        return "missing"
    return f"damaged: {path.stat().st_size:,} of {file.bytes:,} bytes"


def copies(name: str) -> list[Path]:
    """What was made here of the data file in another form, as SmolLM2.Q8_0.gguf is of SmolLM2.Q4_1.gguf."""
    source = folder() / name
    stem, _, form = source.stem.rpartition(".")
    known = catalogue()
    return [
        path
        for path in (sorted(folder().glob(f"{stem}.*{source.suffix}")) if stem and form else [])
        if path.name not in known and path.is_file()
    ]


def require(name: str) -> Path:
    """The path of the data file. Raises `EngineUnavailable`, with what to type, if it is not there."""
    file, here = find(name), folder()
    if not _has_size(file, here):
        raise EngineUnavailable(f"{name} ({file.purpose}) is {fault(name)} in {here}: run `{PULL}`")
    return here / name


def verify(name: str) -> bool:
    """Whether the data file is there and has the right checksum: reads all of it."""
    return matches(find(name), folder())


def matches(file: DataFile, here: Path) -> bool:
    """Whether the file in the folder `here` has the right size and checksum."""
    if not _has_size(file, here):
        return False
    with (here / file.name).open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256


def _has_size(file: DataFile, here: Path) -> bool:
    path = here / file.name
    try:
        return path.is_file() and path.stat().st_size == file.bytes
    except OSError:
        return False
