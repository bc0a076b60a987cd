"""Models that are here, as if they had been pulled."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from visavis.settings import load_settings
from visavis.weights.models import MANIFEST, find_model, place


def without_models(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the data folder is `folder`, where all is that the embedded engines need, and no model."""
    usual = load_settings().data_dir
    (folder / "weights").mkdir(parents=True)
    for file in (usual / "weights").iterdir():
        if file.is_file():
            (folder / "weights" / file.name).symlink_to(file)
    if (usual / "avatars").is_dir():
        shutil.copytree(usual / "avatars", folder / "avatars")
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(folder))


def keep(name: str, folder: Path) -> Path:
    """The files of `folder` are the model called `name`, each where the catalogue has it; it comes in one step."""
    whole = place(name)
    here = whole.with_name(f".coming-{name}")
    places = {Path(file.path).name: file.path for file in find_model(name).files}
    for file in folder.iterdir():
        path = here / places.get(file.name, file.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, path)
    files = [path for path in here.rglob("*") if path.is_file() and path.name != MANIFEST]
    about = {str(path.relative_to(here)): {"bytes": path.stat().st_size, "sha256": ""} for path in files}
    (here / MANIFEST).write_text(json.dumps({"name": name, "files": about}))
    here.rename(whole)
    return whole
