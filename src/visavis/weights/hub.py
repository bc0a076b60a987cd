"""Models that a Hugging Face command has fetched: where they lie on this machine. Nothing is ever downloaded here.

The cache's layout is read by hand, since importing the library for it takes a third of a second, and engines are asked
whether they can run before every command.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def cache() -> Path:
    """The folder of fetched models, as huggingface_hub finds it."""
    if found := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(found).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(home).expanduser() / "hub"


def snapshot(repository: str) -> Path | None:
    """The folder of a fetched model, as in `openai/whisper-small`; None if it was not fetched."""
    place = cache() / f"models--{repository.replace('/', '--')}"
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
