"""Converted networks on disk: a checkpoint becomes files for each runtime once, in one step, under its checksum.

`weights/networks/NAME/CHECKSUM/` holds, for each part of the network, `PART.safetensors` (PyTorch), `PART.xml` with
`PART.bin` and `PART.int8.xml` with `PART.int8.bin` (OpenVINO) and `PART.onnx`, as far as their libraries are installed,
and `manifest.json`, which names them all with their sizes.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from visavis.engines.neural.libraries import load
from visavis.engines.neural.recipes import Part, parts
from visavis.errors import BadInput, OutputFailed
from visavis.weights import folder
from visavis.weights.working import working

SCHEMA = 1
"""Version of a form's contents; one of another version must be made again from its checkpoint."""
MANIFEST = "manifest.json"
_PREFIX = ".form-"
_SPACE = 5
"""Forms of a checkpoint, each as large as the checkpoint at most."""
_DIGITS = 16
"""Of the checksum, in the folder's name."""
_COUNTER = "num_batches_tracked"
"""What a checkpoint counts for training only; old ones lack it."""

Progress = Callable[[float, str], None]
"""Called with the share that is done, from 0 to 1, and what is being done."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a folder of converted networks holds."""

    name: str
    digest: str
    """SHA-256 of the checkpoint, in hexadecimal."""
    schema: int
    made: str
    """When: ISO 8601, UTC."""
    files: Mapping[str, int]
    """Bytes, by name."""
    left_out: Sequence[str] = ()
    """What could not be made, and why."""


def place(name: str) -> Path:
    """The folder of all forms of the networks `name`. It need not exist."""
    return folder() / "networks" / name


def installed(name: str) -> Path | None:
    """The folder of the networks called `name`; None where there is none, or only a damaged or an older one. Cheap."""
    try:
        found = sorted(place(name).iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
    except OSError:
        return None
    return next((each for each in found if not each.name.startswith(".") and _whole(each, name)), None)


def manifest(form: Path) -> Manifest | None:
    """What a form's folder says it holds; None where that cannot be read."""
    try:
        read = Manifest(**json.loads((form / MANIFEST).read_text("utf-8")))
        return read if isinstance(read.files, dict) else None
    except (OSError, ValueError, TypeError):
        return None


def install(
    name: str,
    state: Mapping[str, NDArray[Any]],
    digest: str,
    progress: Progress = lambda done, what: None,
) -> Path:
    """Convert a checkpoint's weights (by plain key) for every runtime that is installed; returns the form's folder.

    `digest` is the checkpoint's SHA-256. Older forms of that name go once the new one is in its place; whatever
    happens, none is left half-made. Blocks for up to minutes. Raises `BadInput` for weights of another network,
    `EngineUnavailable` without PyTorch, `OutputFailed` where nothing can be written.
    """
    made_of = parts(name)
    here = place(name)
    needed = _SPACE * sum(array.nbytes for array in state.values())
    try:
        with working(here, _PREFIX, needed) as beside:
            work = beside / digest[:_DIGITS]
            work.mkdir()
            _make(name, made_of, state, digest, work, progress)
            return _put(work, here / work.name)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputFailed(
                f"no space on disk: {needed / 1e6:.0f} MB are needed in {here}; free some, or set VISAVIS_DATA_DIR to"
                " another"
            ) from None
        raise OutputFailed(
            f"cannot write to {here}: {error.strerror or error}; set VISAVIS_DATA_DIR to another"
        ) from None


def check(name: str, made_of: Sequence[tuple[str, tuple[int, ...]]], state: Mapping[str, NDArray[Any]]) -> None:
    """Whether a checkpoint has every weight in its shape. Raises `BadInput` with the first that it has not."""
    for key, shape in made_of:
        if key.endswith(_COUNTER):
            continue
        if key not in state:
            raise BadInput(f"this checkpoint is not of '{name}': it has no {key}; take the published one")
        if state[key].shape != shape:
            raise BadInput(
                f"this checkpoint is not of '{name}': its {key} is {'x'.join(map(str, state[key].shape))}, not"
                f" {'x'.join(map(str, shape))}; take the published one"
            )


def _make(
    name: str,
    made_of: Sequence[Part],
    state: Mapping[str, NDArray[Any]],
    digest: str,
    work: Path,
    progress: Progress,
) -> None:
    load("torch")
    from visavis.engines.neural.convert import convert

    left_out = convert(name, made_of, state, work, progress)
    files = {path.name: path.stat().st_size for path in sorted(work.iterdir())}
    content = Manifest(name, digest, SCHEMA, datetime.now(UTC).isoformat(timespec="seconds"), files, left_out)
    (work / MANIFEST).write_text(json.dumps(asdict(content), indent=1), "utf-8")
    for path in work.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())  # from here on only sizes are checked
    progress(1.0, "done")


def _put(work: Path, target: Path) -> Path:
    """Put a form in its place, and remove those that were there before."""
    old = [path for path in target.parent.iterdir() if not path.name.startswith(".")]
    if target in old:
        os.replace(target, work.parent / "old")
        old.remove(target)
    os.replace(work, target)
    os.utime(target)
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return target


def _whole(form: Path, name: str) -> bool:
    read = manifest(form)
    if read is None or read.schema != SCHEMA or read.name != name or not read.files:
        return False
    try:
        return all((form / file).stat().st_size == size for file, size in read.files.items())
    except OSError:
        return False
