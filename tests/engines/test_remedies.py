"""What an engine tells to pull is there to be pulled."""

from __future__ import annotations

import importlib
import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from visavis.weights.models import models

_ROOT = Path(__file__).parents[2]
_NAMED = re.compile(r"visavis models pull ([\w.-]+)")


def _engines() -> list[Any]:
    """Every built-in engine's class."""
    groups = tomllib.loads((_ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    points = [point.partition(":") for group in groups.values() for point in group.values()]
    return [getattr(importlib.import_module(module), name) for module, _, name in points]


@pytest.mark.parametrize("language", ["en", "de", "uk", "ko", "sw"])
def test_every_model_that_an_engine_says_to_pull_is_in_the_catalogue(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("VISAVIS_LANGUAGE", language)
    engines = _engines()
    remedies = [engine.availability().remedy for engine in engines]
    # what a machine says on which nothing is installed, too
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    remedies += [engine.availability().remedy for engine in engines]
    named = {name for remedy in remedies for name in _NAMED.findall(remedy)}
    assert {"smart-turn", "whisper-small"} < named
    assert named <= set(models())
