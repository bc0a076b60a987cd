"""Which models of the catalogue lie in a folder: as our own, with their manifests, or as the hub has their files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from visavis.errors import BadInput
from visavis.weights import models as hub_models
from visavis.weights.checksums import sha256_of
from visavis.weights.gather import Kept, manifest
from visavis.weights.models import MANIFEST, Model, ModelFile, find_model
from visavis.weights.published import published

_DEPTH = 4
"""Folders inside the one that is named, in which a model may lie."""
_LARGE = 64 << 20
"""Bytes."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A model in a folder, all of whose files are there; what is in them is not looked at yet."""

    model: Model
    files: Mapping[str, Path] = field(repr=False)
    """Where each lies, by its path in the catalogue."""
    kept: Mapping[str, Kept] = field(repr=False)
    """What its manifest says of them; empty without one."""

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(path.stat().st_size for path in self.files.values())

    def sha256(self, file: ModelFile) -> str:
        """What the file must be: the catalogue's checksum, else the manifest's, else ''."""
        return file.sha256 or (self.kept[file.path].sha256 if file.path in self.kept else "")

    @property
    def taken_on_trust(self) -> list[str]:
        """Files of which the catalogue has no checksum: only the manifest vouches for them, if there is one."""
        return [file.path for file in self.model.files if not file.sha256]


class _Faults(dict[str, str]):
    """What is wrong, by model; what was found first counts."""

    def note(self, model: str, fault: str) -> None:
        self.setdefault(model, fault)


def recognised(folder: Path, name: str | None = None) -> tuple[list[Brought], list[str]]:
    """The models that lie in a folder, or only the one called `name`, and what is wrong with others, in sentences.

    A folder with a manifest is what that says. Any other is the model whose files it has, by name, size and checksum;
    one of which the catalogue has no checksum is only found by its `name`. Nothing outside the folder is looked at,
    even where links lead there. Raises `BadInput` for a name that is none, and where nothing was found at all.
    """
    wanted = None if name is None else find_model(name)
    root, found, faults = folder.resolve(), dict[str, Brought](), _Faults()
    for here, is_model in _places(root):
        if is_model:
            _with_manifest(here, root, wanted, found, faults)
        else:
            _by_files(here, root, wanted, found, faults)
    others = [fault for model, fault in faults.items() if model not in found]
    if not found and not others:
        hint = "" if name else "; if the hub has these files so, name their model, as in --name whisper-small"
        raise BadInput(f"'{folder}' holds no model that is known here{hint}")
    return list(found.values()), others


def _places(root: Path) -> Iterator[tuple[Path, bool]]:
    """Folders in which a model may lie, and whether they have a manifest; links to folders are not followed."""
    for here, folders, files in os.walk(root):
        place = Path(here)
        own = MANIFEST in files
        deep = len(place.relative_to(root).parts) >= _DEPTH
        folders[:] = [] if own or deep else sorted(each for each in folders if not each.startswith("."))
        yield place, own


def _with_manifest(here: Path, root: Path, wanted: Model | None, found: dict[str, Brought], faults: _Faults) -> None:
    told = _named(here)
    if told in published():
        return  # made for the other machine alone, out of what `visavis models add` takes
    model = hub_models.models().get(told)
    if not told or not (kept := manifest(here)):
        faults.note(str(here), f"{here / MANIFEST} cannot be read: copy the folder again")
    elif wanted is not None and told != wanted.name:
        faults.note(told, f"'{here}' holds {told}, and not {wanted.name}")
    elif model is None:
        faults.note(told, f"the model '{told[:60]}' in '{here}' is not known here: update Visavis")
    elif model.name not in found:
        own = _Faults()
        files, lacking = _matched(here, root, model.files, own, model)
        if own:
            faults.note(model.name, own[model.name])
        elif lacking:
            faults.note(model.name, _lacks(model, lacking, here))
        elif fault := next(filter(None, (_size_fault(files[f.path], f, kept) for f in model.files)), ""):
            faults.note(model.name, f"{model.title} in '{here}' is not whole: {fault}; copy it again")
        else:
            found[model.name] = Brought(model, files, kept)


def _by_files(here: Path, root: Path, wanted: Model | None, found: dict[str, Brought], faults: _Faults) -> None:
    for model in hub_models.models().values() if wanted is None else (wanted,):
        if model.name in found or (wanted is None and not any(file.sha256 for file in model.files)):
            continue
        own = _Faults()
        files, lacking = _matched(here, root, model.files, own, model)
        fitting = [f for f in model.files if f.path in files and _fits(files[f.path], f)]
        if wanted is None and 2 * sum(f.bytes for f in fitting if f.sha256) < model.bytes:
            continue  # it may be any other
        if not files and not own:
            continue
        if own:
            faults.note(model.name, own[model.name])
        elif lacking:
            faults.note(model.name, _lacks(model, lacking, here))
        elif len(fitting) < len(model.files):
            fault = next(_size_fault(files[f.path], f, {}) for f in model.files if f not in fitting)
            faults.note(model.name, f"{model.title} in '{here}' is not whole: {fault}; copy it again")
        elif wanted is None and not _is_this(files, model):
            faults.note(
                model.name, f"'{here}' looks like {model.title}, but its checksums are not those: copy it again"
            )
        else:
            found[model.name] = Brought(model, files, {})


def _matched(
    here: Path, root: Path, files: Iterable[ModelFile], faults: _Faults, model: Model
) -> tuple[dict[str, Path], list[str]]:
    """Where the files lie under `here`, as in the catalogue or all in one folder; and those that are not there."""
    found, lacking = {}, []
    for file in files:
        path = next((p for p in (here / file.path, here / Path(file.path).name) if os.path.lexists(p)), None)
        if path is not None and not path.resolve().is_relative_to(root):
            faults.note(
                model.name,
                f"'{path}' is a link out of the folder, which is not followed: name the folder that holds both, or copy"
                " it with `cp -rL`",
            )
        elif path is not None and path.is_file():
            found[file.path] = path.resolve()
        else:
            lacking.append(file.path)
    return found, lacking


def _fits(path: Path, file: ModelFile) -> bool:
    """Whether the size is right, as far as that is known."""
    return not file.sha256 or path.stat().st_size == file.bytes


def _is_this(files: Mapping[str, Path], model: Model) -> bool:
    """Whether the smallest file of which a checksum is known is the model's: others have files of the same names.

    A large one is not read for that, since it is checked when it is copied.
    """
    smallest = min((file for file in model.files if file.sha256), key=lambda file: file.bytes)
    return smallest.bytes > _LARGE or sha256_of(files[smallest.path]) == smallest.sha256


def _size_fault(path: Path, file: ModelFile, kept: Mapping[str, Kept]) -> str:
    size = path.stat().st_size
    told = file.bytes if file.sha256 else kept[file.path].bytes if file.path in kept else size
    return "" if size == told else f"{file.path} has {size:,} of {told:,} bytes"


def _lacks(model: Model, lacking: list[str], here: Path) -> str:
    more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
    return f"{model.title} in '{here}' is not whole: it lacks {lacking[0]}{more}; copy it again"


def _named(here: Path) -> str:
    """What a manifest says the model in a folder is called; '' where it cannot be read."""
    try:
        return str(json.loads((here / MANIFEST).read_text("utf-8"))["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
