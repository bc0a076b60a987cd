"""Models that another machine has, brought here by hand and taken there: checked, and in their place in one step."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from visavis.errors import BadInput, OutputFailed
from visavis.weights.gather import Progress, manifest
from visavis.weights.models import MANIFEST, ModelFile, find_model, installed, place
from visavis.weights.placing import alone, clear, put
from visavis.weights.recognising import Brought
from visavis.weights.store import folder
from visavis.weights.unpacking import PREFIX, unpacked
from visavis.weights.working import working

_CHUNK = 1 << 22


@contextmanager
def opened(source: Path, tick: Callable[[], None] = lambda: None) -> Generator[Path, None, None]:
    """The folder that `source` is, or holds as a zip or tar file, which is unpacked beside the models for the moment.

    Raises `BadInput` for what is neither, or damaged, `OutputFailed` where it cannot be unpacked.
    """
    beside = folder() / "models"
    with ExitStack() as stack:
        with _writing(beside, source.name):
            found = stack.enter_context(unpacked(source, beside, tick))
        yield found


def bring(brought: Brought, progress: Progress = lambda done, total: None) -> Path:
    """Copy a model into its place, and return that; each file is checked on the way.

    What the catalogue has no checksum of is checked by the manifest's; without either, it is taken as it is. `progress`
    is called with the bytes that are copied and their total; it may raise, as may Ctrl-C: then nothing has changed, nor
    has it where the process is killed. Raises `BadInput` for a file that is not the one expected, `OutputFailed` where
    it cannot be written.
    """
    model, size = brought.model, brought.bytes
    here = place(model.name)
    digests: dict[str, str] = {}
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        progress(done, size)

    with (
        _writing(here.parent, model.title),
        working(here.parent, PREFIX, size) as work,
        alone(model.name, lambda: progress(0, size)),
    ):
        clear(model.name)
        for file in model.files:
            digests[file.path] = _copied(brought, file, work / "files" / file.path, tell)
        put(model, work / "files", digests, model.revision)
    return here


def is_here(brought: Brought) -> bool:
    """Whether just these files are in the model's place already. Cheap: by the manifest and sizes."""
    if installed(brought.model.name) is None:
        return False
    there = manifest(place(brought.model.name))
    expected = {file.path: brought.sha256(file) for file in brought.model.files}
    return all(expected[path] and path in there and there[path].sha256 == expected[path] for path in expected)


def export(name: str, into: Path, progress: Progress = lambda done, total: None) -> Path:
    """Copy a model that is here, and whole, into the folder `into`, as `opened` takes it; returns its own folder there.

    Raises `BadInput` for one that is not here, damaged, or there already as another, `OutputFailed` where it cannot be
    written.
    """
    model = find_model(name)
    here, target = installed(model.name), into / model.name
    if here is None:
        raise BadInput(f"{model.title} is not here, or not whole: visavis models pull {model.name}")
    kept = manifest(here)
    size = sum(about.bytes for about in kept.values())
    if target.exists():
        if manifest(target) == kept:
            progress(size, size)
            return target
        raise BadInput(f"'{target}' is there already, and not this model: name another folder")
    done = 0

    def tell(more: int) -> None:
        nonlocal done
        done += more
        progress(done, size)

    with _writing(into, model.title), working(into, ".export-", size) as work:
        for path, about in kept.items():
            if _copy(here / path, work / model.name / path, tell) != about.sha256 and about.sha256:
                raise BadInput(f"{path} of {model.title} is damaged here: `visavis models pull {model.name}` mends it")
        shutil.copyfile(here / MANIFEST, work / model.name / MANIFEST)
        os.replace(work / model.name, target)
    return target


def _copied(brought: Brought, file: ModelFile, target: Path, tell: Callable[[int], None]) -> str:
    """Copy a file and check it; returns its SHA-256."""
    found = _copy(brought.files[file.path], target, tell)
    if (expected := brought.sha256(file)) and found != expected:
        whose = "" if file.sha256 else " of its manifest"
        raise BadInput(
            f"{file.path} of {brought.model.title} does not have the checksum{whose}, so nothing was imported: it was "
            "damaged on the way, or is another version; copy it again"
        )
    return found


def _copy(source: Path, target: Path, tell: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as file, target.open("xb") as copy:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
            tell(len(chunk))
        copy.flush()
        os.fsync(copy.fileno())  # from here on only its size is checked
    return digest.hexdigest()


@contextmanager
def _writing(here: Path, what: str) -> Generator[None, None, None]:
    """Turn what the disk does not take into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputFailed(
                f"no space on disk for {what} in {here}: free some, or set VISAVIS_DATA_DIR to another; nothing has "
                "changed"
            ) from None
        raise OutputFailed(f"cannot copy {what} into {here}: {error.strerror or error}") from None
