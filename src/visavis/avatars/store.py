"""Where avatars are kept: one file each under its name, the built-in ones, and those made on the way from a picture."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from visavis.avatars.archive import About, read_about, read_archive, write_archive, write_whole
from visavis.avatars.avatar import Avatar
from visavis.avatars.build import Progress, build_avatar, source_digest
from visavis.avatars.builtins import BUILTINS
from visavis.errors import BadInput, OutputFailed

BUILTIN = next(iter(BUILTINS))
"""The name of the avatar that is taken where none is asked for."""
SUFFIX = ".avatar"
_VOICES = ".voices.json"
"""The voices of built-in avatars, which are no files."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)  # names that Windows keeps for itself
_CACHED = 16
_CACHED_BYTES = 512 << 20


class AvatarStore:
    """The avatars in a folder, which need not exist yet.

    Nothing is held in memory, and files are replaced whole: several processes may share a folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cache = folder / ".cache"

    def path(self, name: str) -> Path:
        """Where the avatar of that name is kept, whether it exists or not. Raises `BadInput` for an impossible name."""
        _check_spelling(name)
        return self._folder / f"{name}{SUFFIX}"

    def check_free(self, name: str) -> None:
        """Raises `BadInput` for a name that is taken or impossible."""
        check_name(name)
        if self.path(name).exists():
            raise _taken(name)

    def save(self, avatar: Avatar, replace: bool = True) -> Path:
        """Keep `avatar` under its name, in place of an earlier one, which stays where that fails (`OutputFailed`).

        Raises `BadInput` for an impossible name, for a built-in one's and, without `replace`, for one that is taken,
        even by another process a moment ago.
        """
        check_name(avatar.name)
        path = self.path(avatar.name)
        try:
            write_archive(avatar, path, replace)
        except FileExistsError:
            raise _taken(avatar.name) from None
        return path

    def load(self, name: str) -> Avatar:
        """The avatar of that name. Raises `BadInput` if there is none, or its file is damaged or too old."""
        if name in BUILTINS:
            return self.builtin(name)
        path = self.path(name)
        if not path.is_file():
            raise self._unknown(name)
        return replace(read_archive(path), name=name)

    def list(self) -> list[About]:
        """What the stored avatars say of themselves, by name; `damaged` are left out."""
        return [about for about in self._looked_at() if isinstance(about, About)]

    def damaged(self) -> dict[str, str]:
        """The files that cannot be used as avatars, by name, and each one's fault and remedy in a line."""
        return {found.name: found.fault for found in self._looked_at() if isinstance(found, _Damaged)}

    def _looked_at(self) -> Iterator[About | _Damaged]:
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            try:
                check_name(path.stem)
            except BadInput as error:
                yield _Damaged(path.stem, f"{error} for the file {path}")
                continue
            try:
                yield read_about(path).model_copy(update={"name": path.stem})
            except BadInput as error:
                yield _Damaged(path.stem, str(error))

    def give_voice(self, name: str, voice: str | None) -> None:
        """Have a built-in or a stored avatar speak with a voice; None: with any, a built-in one with its usual one.

        Raises `BadInput` where there is no such avatar, `OutputFailed` where that cannot be kept.
        """
        if name not in BUILTINS:
            self.save(replace(self.load(name), voice=voice))
            return
        voices = self._builtin_voices()
        voices.pop(name, None)
        write_whole(self._folder / _VOICES, json.dumps(voices | ({} if voice is None else {name: voice})).encode())

    def _builtin_voices(self) -> dict[str, str]:
        """The voices that were chosen for built-in avatars."""
        try:
            found = json.loads((self._folder / _VOICES).read_text("utf-8"))
            return {name: voice for name, voice in found.items() if name in BUILTINS and isinstance(voice, str)}
        except (OSError, ValueError, AttributeError):
            return {}

    def remove(self, name: str) -> None:
        """Delete the stored avatar of that name. Raises `BadInput` if there is none."""
        if name in BUILTINS:
            raise BadInput(f"'{name}' is built in: it cannot be removed")
        try:
            self.path(name).unlink()
        except FileNotFoundError:
            raise self._unknown(name) from None
        except OSError as error:
            raise OutputFailed(f"cannot remove {self.path(name)}: {error.strerror}") from None

    def clear_cache(self) -> tuple[int, int]:
        """Forget the avatars made on the way from pictures and videos; how many there were, and their bytes."""
        count, size = 0, 0
        for path in list(self._cache.glob(f"*{SUFFIX}")):
            try:
                bytes = path.stat().st_size
                path.unlink()
            except FileNotFoundError:  # another process was faster
                continue
            except OSError as error:
                raise OutputFailed(f"cannot remove {path}: {error.strerror}") from None
            count, size = count + 1, size + bytes
        return count, size

    def builtin(self, name: str = BUILTIN, size: int = 512, progress: Progress | None = None) -> Avatar:
        """An avatar that comes with the program, made at its first use; it speaks with its own voice."""
        one = BUILTINS[name]
        voice = self._builtin_voices().get(name, one.voice)
        return replace(self.made_from(one.picture, name, size, progress), voice=voice)

    def builtins(self) -> dict[str, str]:
        """The built-in avatars' names, and the voices that they speak with."""
        return {name: one.voice for name, one in BUILTINS.items()} | self._builtin_voices()

    def made_from(self, source: Path, name: str, size: int = 512, progress: Progress | None = None) -> Avatar:
        """An avatar of a picture or video that is not to be stored by name: made, or taken from the cache.

        The cache holds the last `_CACHED` such avatars. A cache that cannot be written costs time, nothing else.
        """
        key = hashlib.sha256(f"{source_digest(source, size)} {_recipe()}".encode()).hexdigest()
        path = self._cache / f"{key}{SUFFIX}"
        try:
            avatar = replace(read_archive(path), name=name)
            os.utime(path)  # now the last used
            if avatar.note and progress:
                progress(1.0, avatar.note)
        except (BadInput, OSError):
            avatar = build_avatar(source, name, size=size, progress=progress)
            try:
                write_archive(avatar, path)
                self._forget_oldest()
            except OutputFailed:
                pass
        return avatar

    def _forget_oldest(self) -> None:
        files = []
        for path in self._cache.glob(f"*{SUFFIX}"):
            try:
                facts = path.stat()
            except OSError:  # another process was faster
                continue
            files.append((facts.st_mtime, facts.st_size, path))
        total = 0
        for kept, (_, size, path) in enumerate(sorted(files, reverse=True)):
            total += size
            if kept and (kept >= _CACHED or total > _CACHED_BYTES):
                path.unlink(missing_ok=True)

    def _unknown(self, name: str) -> BadInput:
        names = [entry.name for entry in self.list()] + [*BUILTINS]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean '{near[0]}'" if near else f"there are: {', '.join(names)}"
        return BadInput(
            f"there is no avatar '{name}': {hint}; make one with: visavis avatar create PICTURE --name {name}"
        )


@dataclass(frozen=True, slots=True)
class _Damaged:
    """A file that cannot be used."""

    name: str
    fault: str
    """And its remedy."""


def _taken(name: str) -> BadInput:
    return BadInput(f"there is an avatar '{name}' already: choose another --name, or --force to replace it")


def check_name(name: str) -> None:
    """Raises `BadInput` for a name that an avatar cannot be stored under."""
    _check_spelling(name)
    if name.lower() in BUILTINS:
        raise BadInput(f"'{name}' is a built-in avatar: choose another name")


def _check_spelling(name: str) -> None:
    if not _NAME.fullmatch(name) or _DEVICE.fullmatch(name):
        rule = "up to 64 letters, digits, - and _, the first a letter or digit"
        raise BadInput(f"{name[:80]!r} cannot be an avatar's name: use {rule}")


def resolve(text: str | None, store: AvatarStore, size: int = 512, progress: Progress | None = None) -> Avatar:
    """The avatar that a person named: nothing is 'vera'; a built-in or a stored one's name; a file.

    The file may be a picture or a video, made into an avatar of `size` pixels (kept in a cache), or an `.avatar`
    file. Raises `BadInput` for anything else, and what `build_avatar` raises.
    """
    if text is None or text.lower() in BUILTINS:
        return store.builtin(BUILTIN if text is None else text.lower(), size, progress)
    stored = _NAME.fullmatch(text) is not None
    if stored and store.path(text).is_file():
        return store.load(text)
    path = Path(text).expanduser()
    if path.suffix == SUFFIX and path.is_file():
        return read_archive(path)
    if not stored or path.exists():
        return store.made_from(path, _name_from(path), size, progress)
    return store.load(text)  # says that there is none


@cache
def _recipe() -> str:
    """A hash of the code that makes avatars: another version of it does not take what this one has cached."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _name_from(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-")[:64] or "face"
