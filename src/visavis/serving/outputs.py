"""Videos that services made: each request's own, kept for a while."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from visavis.errors import OutputFailed

NAME = "result.mp4"
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Film:
    """A video that was made."""

    path: str
    """As clients are told it."""
    key: str | None = None
    """Its id here; None where it lies with the service that made it."""


class Outputs:
    """In a `folder`, for `keep` seconds each. `fixed` (OPEA's OUTFILE) is where the newest one is put besides."""

    def __init__(self, folder: Path, keep: float, fixed: Path | None = None) -> None:
        self._folder, self._keep, self._fixed = folder, keep, fixed

    @contextmanager
    def making(self) -> Generator[tuple[str, Path], None, None]:
        """A new one: its id, which nobody can guess, and the file that the block writes. Nothing stays of a failure."""
        self.sweep()
        key = secrets.token_hex(16)
        path = self._folder / key / NAME
        try:
            path.parent.mkdir(parents=True)
        except OSError as error:
            raise OutputFailed(f"the video cannot be kept: {error.strerror}") from None
        try:
            yield key, path
        except BaseException:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise

    async def publish(self, key: str) -> str:
        """The path that clients are told: of `/outputs`, or OPEA's own where that is asked for."""
        if self._fixed is None:
            return f"/outputs/{key}/{NAME}"
        await asyncio.to_thread(_replace, self._folder / key / NAME, self._fixed)
        return str(self._fixed)

    def find(self, key: str) -> Path | None:
        """The video of an id, if it is still kept."""
        path = self._folder / key / NAME
        return path if _ID.fullmatch(key) and path.is_file() else None

    def sweep(self) -> None:
        """Remove what is older than it is to be kept."""
        if not self._folder.is_dir():
            return
        for each in self._folder.iterdir():
            if _ID.fullmatch(each.name) and each.stat().st_mtime < time.time() - self._keep:
                shutil.rmtree(each, ignore_errors=True)


def _replace(source: Path, target: Path) -> None:
    """Put a copy in its place at once: whoever reads sees the old one whole, or the new one."""
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, part)
        os.replace(part, target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputFailed(f"the video cannot be put at {target}: {error.strerror}") from None
