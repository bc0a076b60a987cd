"""Whether a file is the one that was meant: by the catalogue's checksum, or by what the hub says of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

_CHUNK = 1 << 22
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHA1 = re.compile(r"[0-9a-f]{40}")


def is_sha256(etag: str) -> bool:
    """Whether what a server says of a file is its SHA-256, as the hub says of large ones."""
    return _SHA256.fullmatch(etag) is not None


def is_checksum(etag: str) -> bool:
    """Whether what a server says of a file is a checksum of it: a SHA-256, or the SHA-1 that Git gives small ones."""
    return is_sha256(etag) or _SHA1.fullmatch(etag) is not None


def sha256_of(path: Path, tick: Callable[[], None] = lambda: None) -> str:
    """A file's SHA-256 in hexadecimal; `tick` is called now and then, and may raise."""
    return _digest(path, "sha256", b"", tick)


def is_right(path: Path, found: str, sha256: str, etag: str) -> bool:
    """Whether a file whose SHA-256 is `found` is the one meant: `sha256` decides, where it is empty the `etag`.

    A mark that is no checksum says nothing, and everything is right. Of 40 digits it is the SHA-1 of Git's blob, or, as
    some mirrors have it, of the file.
    """
    if sha256 or is_sha256(etag):
        return found == (sha256 or etag)
    if not is_checksum(etag):
        return True
    blob = b"blob %d\0" % path.stat().st_size
    return etag in (_digest(path, "sha1", blob), _digest(path, "sha1", b""))


def _digest(path: Path, kind: str, before: bytes, tick: Callable[[], None] = lambda: None) -> str:
    found = hashlib.new(kind, before, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
            tick()
    return found.hexdigest()
