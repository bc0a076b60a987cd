"""Models of the catalogue, fetched: whole, checked, and in their place in one step, or not at all.

A model is put together in `models/.pull-NAME`, beside its place: `files` as they will lie, each moved there when its
checksum is right, and `parts` of what is still coming. A process that is killed leaves those, and the next goes on.
`manifest.json` is written last, and then the folder takes its place.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

from visavis.errors import BadInput, OutputFailed, VisavisError
from visavis.weights import models as hub_models
from visavis.weights.checksums import sha256_of
from visavis.weights.gather import Asked, Kept, Progress, full, gather, manifest
from visavis.weights.models import Model, find_model, installed, place
from visavis.weights.placing import alone, clear, put
from visavis.weights.transfer import Unreachable, connection

__all__ = ["Cancelled", "Progress", "Unreachable", "kept", "pull", "pulled", "remove", "verify"]


class Cancelled(VisavisError):
    """For a `progress` to raise: the pull ends, and what is fetched is kept."""


def pull(model: Model, progress: Progress = lambda done, total: None, *, revision: str | None = None) -> Path:
    """Fetch a model into its place, and return that; what is here already, and right, is not fetched again.

    `progress` is called with the bytes that are here and their total, every MiB and every 0.2 s, also while it waits
    for a server, or for another process that pulls the same model. It may raise `Cancelled`, or anything else, as may
    Ctrl-C: what is fetched is kept, and the next pull goes on from there. A connection that hangs is noticed after
    `HF_HUB_DOWNLOAD_TIMEOUT` seconds (10), and made again. Another `revision` than the catalogue's is checked by the
    hub's checksums alone.

    Blocks. Raises `Unreachable` where there is no way to the hub, `FetchFailed` where the file is not to be had or not
    the one expected, and `OutputFailed` where it cannot be written, each with the remedy.
    """
    here, work = place(model.name), _work(model.name)
    pinned = revision in (None, model.revision)
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
        with alone(model.name, lambda: progress(0, model.bytes)):
            clear(model.name)
            if pinned and _is_here(model):
                progress(model.bytes, model.bytes)
            else:
                with connection() as line:
                    asked = Asked(line, model, revision or model.revision, pinned, progress)
                    commit = gather(asked, work)
                put(model, work / "files", asked.digests, commit or asked.revision)
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full(max(model.bytes - kept(model.name), 1_000_000), here.parent, model.title) from None
        raise OutputFailed(
            f"cannot write to {here.parent}: {error.strerror or error}; set VISAVIS_DATA_DIR to another"
        ) from None
    return here


def pulled() -> list[Model]:
    """The models that are here and whole, in the catalogue's order. Cheap: sizes only."""
    return [model for model in hub_models.models().values() if installed(model.name) is not None]


def kept(name: str) -> int:
    """Bytes of a model that are here of a pull that did not end."""
    return _size(_work(name))


def verify(name: str) -> list[str]:
    """What is wrong with a model that is here, by the checksums of its manifest; reads all of it. Empty: nothing."""
    return _faults(place(find_model(name).name))


def remove(name: str) -> int:
    """Remove a model, and what was fetched of it; returns the bytes that are free again.

    Raises `BadInput` where there is nothing to remove, or somebody is pulling it, `OutputFailed` where it is in use.
    """
    model = find_model(name)
    here, work = place(model.name), _work(model.name)
    found = [folder for folder in (here, work) if folder.is_dir()]
    if not found:
        raise BadInput(f"{model.title} is not here: there is nothing to remove")
    size = sum(map(_size, found))

    def busy() -> None:
        raise BadInput(f"{model.title} is being pulled just now: end that first")

    try:
        with alone(model.name, busy):
            if here.is_dir():
                aside = here.with_name(f".old-{model.name}")
                shutil.rmtree(aside, ignore_errors=True)
                os.replace(here, aside)  # in one step: nothing half-removed is taken for a model
                shutil.rmtree(aside)
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise OutputFailed(f"cannot remove {here}: {error.strerror or error}; end what uses it") from None
    return size


def _size(folder: Path) -> int:
    """Bytes of the files in a folder, without the notes about them; somebody may be moving them just now."""
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size if path.is_file() and path.suffix not in (".etag", ".sha256") else 0
    return size


def _is_here(model: Model) -> bool:
    """Whether the whole model is in its place, with the checksums that the catalogue has today."""
    files = manifest(place(model.name))
    known = all(f.path in files and f.sha256 in ("", files[f.path].sha256) for f in model.files)
    return known and not _faults(place(model.name))


def _faults(here: Path) -> list[str]:
    """What is wrong with the files in a model's place."""
    files = manifest(here)
    if not files:
        return ["its manifest is missing or damaged"] if here.is_dir() else ["it is not here"]
    return [fault for path, about in files.items() if (fault := _fault(here / path, path, about))]


def _fault(path: Path, name: str, about: Kept) -> str:
    """What is wrong with a file; '' if nothing is."""
    try:
        size = path.stat().st_size
        if size != about.bytes:
            return f"{name} is damaged: {size:,} of {about.bytes:,} bytes"
        if about.sha256 and sha256_of(path) != about.sha256:
            return f"{name} is damaged: its checksum is wrong"
    except FileNotFoundError:
        return f"{name} is missing"
    except OSError as error:
        return f"{name} cannot be read: {error.strerror or error}"
    return ""


def _work(name: str) -> Path:
    """Where a model is put together."""
    return place(name).with_name(f".pull-{name}")
