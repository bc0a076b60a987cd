"""Files that are complete or not there: written beside their place under a hidden name, then put there in one step."""

from __future__ import annotations

import contextlib
import errno
import secrets
from collections.abc import Iterator
from pathlib import Path

from visavis.errors import OutputFailed


def part_of(path: Path) -> Path:
    """A name of its own, hidden and beside `path`, for a file that will be `path` when it is complete."""
    return path.with_name(f".{secrets.token_hex(6)}.part")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Errors of the file system on the way to `path` as `OutputFailed`, with what to do."""
    try:
        yield
    except FileNotFoundError:
        raise OutputFailed(f"there is no folder '{path.parent}' to write into: create it, or choose another") from None
    except OSError as error:
        remedy = "make room, or choose another place" if error.errno == errno.ENOSPC else "choose another place"
        raise OutputFailed(f"cannot write '{path}': {error.strerror or error}; {remedy}") from None


def check_place(path: Path, remedy: str) -> None:
    """See that a file can be written at `path`; raises `OutputFailed`, with the `remedy` where it is a folder."""
    with writing(path):
        folder = path.is_dir()  # a name too long for the disk is found out here
    if folder:
        raise OutputFailed(f"'{path}' is a folder: {remedy}")
    with writing(path):
        probe = part_of(path)
        probe.touch(exist_ok=False)
        probe.unlink()
