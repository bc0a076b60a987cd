"""Models that a hub has: a typed reading of `models.toml`, where they lie here, and whether they are whole."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from visavis.errors import BadInput
from visavis.machine import memory
from visavis.weights.store import folder

MANIFEST = "manifest.json"
"""Beside a model's files: what was fetched, written last."""

Speed = Literal["fast", "medium", "slow"]
"""On two cores: far faster than real time, faster, or about as fast."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model."""

    path: str
    """Inside the repository, and inside the model's folder here."""
    bytes: int
    """Its size, about: what counts is what the hub says."""
    sha256: str = ""
    """In hexadecimal; where it is empty, the hub's own counts."""
    url: str = ""
    """Where it is fetched from, if not from the model's repository."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be pulled, and who uses it."""

    name: str
    """What it is pulled by, as in `visavis models pull qwen3-0.6b`."""
    title: str
    """What its makers call it."""
    slot: str
    engine: str
    """Of that slot, as in the registry."""
    purpose: str
    """What it does, in a few words."""
    repository: str
    """On the hub, as in `Qwen/Qwen3-0.6B-GGUF`."""
    files: tuple[ModelFile, ...]
    licence: str
    """SPDX expression, or a few words where there is none."""
    licence_url: str
    """Where that is written."""
    languages: tuple[str, ...]
    """BCP 47; empty: any."""
    memory: int
    """Bytes that it takes while it is loaded, about."""
    speed: Speed
    order: int
    """Of two that would do, the higher is better."""
    extra: str = ""
    """Of visavis, that its engine needs installed; empty: none."""
    revision: str = "main"
    """A branch, a tag or a commit."""
    non_commercial: bool = False
    recommended: bool = True
    """Whether `visavis models pull recommended` may choose it."""

    @property
    def bytes(self) -> int:
        """What is fetched."""
        return sum(file.bytes for file in self.files)


@cache
def models() -> Mapping[str, Model]:
    """Every model that can be pulled, under its name, in the catalogue's order."""
    tables = tomllib.loads(Path(__file__).with_name("models.toml").read_text("utf-8"))["model"]
    read = (
        Model(
            **{
                **table,
                "files": tuple(ModelFile(**file) for file in table["files"]),
                "languages": tuple(table["languages"]),
            }
        )
        for table in tables
    )
    return {model.name: model for model in read}


def find_model(name: str) -> Model:
    """The model called `name`. Raises `BadInput`, with the name that was probably meant."""
    if (model := models().get(name)) is not None:
        return model
    near = difflib.get_close_matches(name.lower(), models(), n=1, cutoff=0.3)
    hint = f"did you mean {near[0]}?" if near else f"choose from: {', '.join(models())}"
    raise BadInput(f"there is no model '{name}'; {hint}")


def models_of(slot: str, engine: str) -> list[Model]:
    """The models of an engine, the best first."""
    return sorted((m for m in models().values() if (m.slot, m.engine) == (slot, engine)), key=lambda m: -m.order)


def fits(model: Model) -> bool:
    """Whether this machine has the memory for a model: the other half is for the face, the page and everybody else."""
    return 2 * model.memory <= memory()


def place(name: str) -> Path:
    """The folder of the model called `name`. It need not exist."""
    return folder() / "models" / name


def installed(name: str) -> Path | None:
    """The folder of a model that was pulled or imported; None where it is missing or not whole. Cheap: sizes only."""
    here = place(name)
    try:
        sizes = {
            path: about["bytes"] for path, about in json.loads((here / MANIFEST).read_text("utf-8"))["files"].items()
        }
        whole = sizes and all((here / path).stat().st_size == size for path, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return here if whole else None


def changed_at() -> int:
    """When models last came or went, in nanoseconds; 0 where there never were any. Cheap."""
    try:
        return (folder() / "models").stat().st_mtime_ns
    except OSError:
        return 0
