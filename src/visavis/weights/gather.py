"""The files of a model, brought together from wherever they are: here, in the hub's own cache, or at a server."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from visavis.errors import FetchFailed, OutputFailed
from visavis.weights.checksums import is_checksum, is_right, is_sha256, sha256_of
from visavis.weights.hub import cached
from visavis.weights.line import Line
from visavis.weights.models import MANIFEST, Model, ModelFile, place
from visavis.weights.remote import locate, refused
from visavis.weights.transfer import Refused, Remote, Unreachable, download, held

Progress = Callable[[int, int], None]
"""Called with the bytes that are here, and with how many there will be."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as a manifest has it."""

    bytes: int
    sha256: str
    """In hexadecimal; '' where nobody has told."""


@dataclass(slots=True)
class Asked:
    """What is to be fetched, and how far it is."""

    line: Line
    model: Model
    revision: str
    pinned: bool
    """Whether the catalogue's checksums are those of this revision."""
    progress: Progress
    total: int = 0
    done: int = 0
    """Bytes of the files that are complete."""
    digests: dict[str, str] = field(default_factory=dict)
    """Their SHA-256, by path."""

    def sha256(self, file: ModelFile) -> str:
        """What the catalogue says of a file; '' where that is not of this revision."""
        return file.sha256 if self.pinned else ""

    def tell(self, more: int = 0) -> None:
        """Say how far it is, with so many bytes more of the file that is coming."""
        self.progress(min(self.done + more, self.total), self.total)


def gather(asked: Asked, work: Path) -> str:
    """Bring every file of a model together in `work`; returns the commit of the hub's repository, '' if not told."""
    asked.total = asked.model.bytes
    commit = ""
    lacking: list[tuple[ModelFile, Remote]] = []
    for file in asked.model.files:
        asked.tell()
        target = work / "files" / file.path
        remote, away = _told(asked, file)
        known = asked.sha256(file) or (remote.etag if remote and is_checksum(remote.etag) else "")
        if _have(asked, file, work, known):
            asked.total += target.stat().st_size - file.bytes
            asked.done += target.stat().st_size
        else:
            if remote is None:
                if away is not None:
                    raise away
                remote = locate(asked.line, asked.model, file, asked.revision, asked.tell)
            _check_told(asked, file, remote)
            asked.total += (remote.bytes or file.bytes) - file.bytes
            lacking.append((file, remote))
        commit = commit or (remote.commit if remote else "")
    _check_space(asked, work, lacking)
    for file, remote in lacking:
        _fetch(asked, file, remote, work)
    return commit


def manifest(here: Path) -> dict[str, Kept]:
    """What a model's manifest says of its files, by path; empty where it cannot be read."""
    try:
        files = json.loads((here / MANIFEST).read_text("utf-8"))["files"]
        return {str(path): Kept(int(about["bytes"]), str(about["sha256"])) for path, about in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def full(needed: int, here: Path, title: str) -> OutputFailed:
    """The error about a disk that is full."""
    return OutputFailed(
        f"no space on disk for {title}: {needed / 1e6:,.0f} MB are needed in {here}; free some, or set VISAVIS_DATA_DIR"
        " to another; what is fetched is kept"
    )


def _told(asked: Asked, file: ModelFile) -> tuple[Remote | None, Unreachable | None]:
    """What the hub says of a file of which the catalogue has no checksum; else nothing. Why not, where it is away."""
    if asked.sha256(file) or file.url:
        return None, None
    try:
        return locate(asked.line, asked.model, file, asked.revision, asked.tell), None
    except Unreachable as error:
        return None, error


def _have(asked: Asked, file: ModelFile, work: Path, known: str) -> bool:
    """Whether the file is in `work`, where it is put if it lies anywhere else on this machine, with its checksum."""
    target, before = work / "files" / file.path, place(asked.model.name)
    about = manifest(before).get(file.path) if asked.pinned else None
    elsewhere = None if file.url else cached(asked.model.repository, asked.revision, file.path)
    store, named = elsewhere or (None, "")
    sources = (
        (target, known or _noted(work, file)),
        (before / file.path, known or (about.sha256 if about else "")),
        (store, known or named),
    )
    for source, checksum in sources:
        if source is None or not checksum or not source.is_file():
            continue
        found = sha256_of(source, asked.tell)
        if not is_right(source, found, "", checksum):
            continue
        if source != target:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            try:
                os.link(source, target)
            except OSError:  # another disk, or one without links
                shutil.copyfile(source, target)
        asked.digests[file.path] = found
        return True
    return False


def _check_told(asked: Asked, file: ModelFile, remote: Remote) -> None:
    """See before anything is fetched whether it is what the catalogue knows."""
    sha256 = asked.sha256(file)
    if sha256 and is_sha256(remote.etag) and remote.etag != sha256:
        raise FetchFailed(_wrong(asked.model, file, "and nothing was fetched"))


def _check_space(asked: Asked, work: Path, lacking: list[tuple[ModelFile, Remote]]) -> None:
    needed = sum((remote.bytes or file.bytes) - held(_part(work, file)) for file, remote in lacking)
    if needed > shutil.disk_usage(work.parent).free:
        raise full(needed, work.parent, asked.model.title)


def _fetch(asked: Asked, file: ModelFile, remote: Remote, work: Path) -> None:
    """Fetch a file, check it, and move it to where the others are."""
    part, target = _part(work, file), work / "files" / file.path
    for folder in (part.parent, target.parent):
        folder.mkdir(parents=True, exist_ok=True)
    resumed = held(part) > 0
    while True:
        try:
            download(asked.line, remote, part, asked.tell)
        except Refused as refusal:
            raise FetchFailed(refused(asked.model, file, refusal)) from None
        found = sha256_of(part, lambda: asked.tell(held(part)))
        if is_right(part, found, asked.sha256(file), remote.etag):
            break
        part.unlink()
        if not resumed:
            raise FetchFailed(_wrong(asked.model, file, "and was thrown away"))
        resumed = False  # what a power loss left may be what was wrong
    _note(work, file).write_text(found, "utf-8")
    os.replace(part, target)
    asked.digests[file.path] = found
    size = target.stat().st_size
    asked.total += size - (remote.bytes or file.bytes)
    asked.done += size
    asked.tell()


def _wrong(model: Model, file: ModelFile, consequence: str) -> str:
    return (
        f"{file.path} of {model.title} has the wrong checksum {consequence}: it is not the file expected; correct "
        "HF_ENDPOINT where it is set, or update Visavis, which may know a newer one"
    )


def _part(work: Path, file: ModelFile) -> Path:
    """What is here of a file that is being fetched."""
    return work / "parts" / f"{file.path}.part"


def _note(work: Path, file: ModelFile) -> Path:
    """Where the SHA-256 of a fetched file is written down until the manifest is."""
    return work / "parts" / f"{file.path}.sha256"


def _noted(work: Path, file: ModelFile) -> str:
    try:
        return _note(work, file).read_text("utf-8")
    except OSError:
        return ""
