"""Models that are here, as if they had been pulled."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from visavis.weights.models import MANIFEST, find_model, place


def keep(name: str, folder: Path) -> Path:
    """The files of `folder` are the model called `name`, each where the catalogue has it."""
    here = place(name)
    places = {Path(file.path).name: file.path for file in find_model(name).files}
    for file in folder.iterdir():
        path = here / places.get(file.name, file.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, path)
    files = [path for path in here.rglob("*") if path.is_file() and path.name != MANIFEST]
    about = {str(path.relative_to(here)): {"bytes": path.stat().st_size, "sha256": ""} for path in files}
    (here / MANIFEST).write_text(json.dumps({"name": name, "files": about}))
    return here
