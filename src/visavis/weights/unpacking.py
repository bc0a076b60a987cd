"""What was brought from another machine as a folder, or as an archive of one, which is unpacked beside the models."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from visavis.errors import BadInput
from visavis.weights.working import working

PREFIX = ".import-"
"""Of the folders that are worked in, beside the models."""
_CHUNK = 1 << 20


@contextmanager
def unpacked(source: Path, beside: Path, tick: Callable[[], None]) -> Generator[Path, None, None]:
    """The folder that `source` is, or holds as a zip or tar file.

    Of an archive nothing but plain files is taken, and none from outside its folder. `tick` is called now and then,
    and may raise. Raises `BadInput` for what is neither, or damaged, `OSError` where the disk does not take it.
    """
    if source.is_dir():
        yield source
        return
    if not source.is_file():
        raise BadInput(f"there is no folder or archive '{source}'")
    opened = _opened(source)
    with working(beside, PREFIX, opened[0]) as work:
        try:
            for name, content in opened[1]():
                _write(work / name, content, tick)
        except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise BadInput(f"the archive '{source.name}' is damaged ({error}): copy it again") from None
        yield work


def _opened(source: Path) -> tuple[int, Callable[[], Iterator[tuple[str, IO[bytes]]]]]:
    """The bytes that an archive's plain files take, and those files, by name."""
    try:
        if zipfile.is_zipfile(source):
            with zipfile.ZipFile(source) as archive:
                return sum(info.file_size for info in archive.infolist()), lambda: _of_zip(source)
        with tarfile.open(source) as tar:
            return sum(member.size for member in tar if member.isreg()), lambda: _of_tar(source)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError) as error:
        raise BadInput(f"'{source.name}' is no folder, zip or tar file that can be read ({error})") from None


def _of_zip(source: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(source) as archive:
        for info in archive.infolist():
            kind = info.external_attr >> 28  # the file's kind, where Unix packed it: 10 is a link
            if not info.is_dir() and kind in (0, 8) and _inside(info.filename):
                with archive.open(info) as content:
                    yield info.filename, content


def _of_tar(source: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with tarfile.open(source) as archive:
        for member in archive:
            if member.isreg() and _inside(member.name) and (content := archive.extractfile(member)) is not None:
                yield member.name, content


def _inside(name: str) -> bool:
    """Whether a member of an archive stays in its folder, on every system."""
    path = PurePosixPath(name.replace("\\", "/"))
    return not path.is_absolute() and ".." not in path.parts and ":" not in name and "\0" not in name


def _write(target: Path, content: IO[bytes], tick: Callable[[], None]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        while chunk := content.read(_CHUNK):
            file.write(chunk)
            tick()
