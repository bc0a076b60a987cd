"""A folder to work in, beside what it is to become: large files are made there and then put in place in one step."""

from __future__ import annotations

import errno
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_STALE = 24 * 3600  # seconds after which a working folder belongs to nobody: its process was killed


@contextmanager
def working(here: Path, prefix: str, needed: int) -> Generator[Path, None, None]:
    """A folder in `here` whose name begins with `prefix`, gone when the block ends; those that were left go first.

    Raises `OSError`, with `ENOSPC` where there are less than `needed` bytes free.
    """
    here.mkdir(parents=True, exist_ok=True)
    for left in here.glob(f"{prefix}*"):
        if time.time() - left.stat().st_mtime > _STALE:
            shutil.rmtree(left, ignore_errors=True)
    free = shutil.disk_usage(here).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"{free / 1e6:.0f} MB free")
    with tempfile.TemporaryDirectory(prefix=prefix, dir=here, ignore_cleanup_errors=True) as name:
        yield Path(name)
