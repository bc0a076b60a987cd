"""What the Hugging Face hub's own programs keep on this machine: models, and a token. Nothing is downloaded here.

Both are read by hand: importing the library for it takes a fifth of a second, and engines are asked whether they can
run before every command; with what it brings it is 26 MB besides.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

_TRUE = ("1", "ON", "YES", "TRUE")
_CHECKSUM = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def cache() -> Path:
    """The folder of fetched models, as huggingface_hub finds it."""
    if found := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(found).expanduser()
    return _home() / "hub"


def endpoint() -> str:
    """The hub's address, or a mirror's that `HF_ENDPOINT` names."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def is_offline() -> bool:
    """Whether the hub must not be asked: `HF_HUB_OFFLINE`, as every program of the hub understands it."""
    return _is_true(os.environ.get("HF_HUB_OFFLINE") or os.environ.get("TRANSFORMERS_OFFLINE"))


def token() -> str:
    """Whom the hub takes us for: `HF_TOKEN`, or what `hf auth login` has kept; '' for nobody."""
    if _is_true(os.environ.get("HF_HUB_DISABLE_IMPLICIT_TOKEN")):
        return ""
    told = os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN") or ""
    if not told:
        try:
            told = Path(os.environ.get("HF_TOKEN_PATH") or _home() / "token").expanduser().read_text("utf-8")
        except (OSError, ValueError):
            return ""
    return "".join(told.split())


def cached(repository: str, revision: str, path: str) -> tuple[Path, str] | None:
    """A fetched file, and its checksum as the hub told it (SHA-256, or Git's SHA-1; '' where nobody knows it now)."""
    place = _place(repository)
    with contextlib.suppress(OSError):  # it may be a commit already
        revision = (place / "refs" / revision).read_text("utf-8").strip()
    found = place / "snapshots" / revision / path
    if not found.is_file():
        return None
    # there a file is called by its checksum, and shown by a link, where the system has any
    name = Path(os.readlink(found)).name if found.is_symlink() else ""
    return found.resolve(), name if _CHECKSUM.fullmatch(name) else ""


def snapshot(repository: str) -> Path | None:
    """The folder of a fetched model, as in `openai/whisper-small`; None if it was not fetched."""
    place = _place(repository)
    try:
        commit = (place / "refs" / "main").read_text("utf-8").strip()
    except OSError:
        return None
    folder = place / "snapshots" / commit
    return folder if commit and folder.is_dir() else None


def found(model: str) -> Path | None:
    """The folder that a setting names: a path, or a repository that was fetched."""
    path = Path(model).expanduser()
    return path if path.is_dir() else snapshot(model) if model.count("/") == 1 else None


def lacking(folder: Path, files: Sequence[str | tuple[str, ...]]) -> str:
    """The first of the `files` that a model's folder has not; '' if it has all. Of those in brackets one suffices."""
    for each in files:
        names = (each,) if isinstance(each, str) else each
        if not any((folder / name).is_file() for name in names):
            return " or ".join(names)
    return ""


def shown(name: str) -> str:
    """A model as OpenAI's list of models shows it: a folder by its own name, and not by where it lies."""
    path = Path(name).expanduser()
    return path.resolve().name if path.is_dir() else name


def _home() -> Path:
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(home).expanduser()


def _place(repository: str) -> Path:
    return cache() / f"models--{repository.replace('/', '--')}"


def _is_true(told: str | None) -> bool:
    return (told or "").upper() in _TRUE
