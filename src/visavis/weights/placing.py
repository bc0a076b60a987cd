"""A model's folder, put in its place in one step by one process at a time."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from visavis.weights.models import MANIFEST, Model, place

_TICK = 0.2


def put(model: Model, files: Path, digests: Mapping[str, str], revision: str) -> None:
    """Write the manifest into the folder `files`, which takes the model's place; `digests` are SHA-256 by path."""
    here = place(model.name)
    about = {
        "name": model.name,
        "repository": model.repository,
        "revision": revision,
        "files": {path: {"bytes": (files / path).stat().st_size, "sha256": digest} for path, digest in digests.items()},
    }
    with (files / MANIFEST).open("w", encoding="utf-8") as file:
        json.dump(about, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    _sync(files)
    if not here.exists():
        os.replace(files, here)
    else:
        aside = _aside(model.name)
        os.replace(here, aside)
        try:
            os.replace(files, here)
        except OSError:
            os.replace(aside, here)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    _sync(here.parent)


def clear(name: str) -> None:
    """Remove what a swap left that was killed; what was there before comes back where nothing has taken its place."""
    here, aside = place(name), _aside(name)
    if aside.is_dir() and not here.exists():
        os.replace(aside, here)
    shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def alone(name: str, waiting: Callable[[], None]) -> Generator[None, None, None]:
    """Be the only process that changes a model; `waiting` is called again and again until then, and may raise."""
    from filelock import FileLock, SoftFileLock, Timeout

    path = place(name).with_name(f".{name}.lock")
    lock = FileLock(path)
    while True:
        try:
            lock.acquire(timeout=_TICK)
            break
        except Timeout:
            waiting()
        except NotImplementedError:  # a network's disk that has no locks
            lock = SoftFileLock(path)
    try:
        yield
    finally:
        lock.release()


def _aside(name: str) -> Path:
    """Where a model lies while another takes its place."""
    return place(name).with_name(f".old-{name}")


def _sync(folder: Path) -> None:
    """Let a folder's names outlast a power loss, on systems that know such a thing."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
