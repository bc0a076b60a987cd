"""A data folder with tiny networks, which are converted as the large ones are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from visavis.engines.neural import forms, recipes

DIGEST = "0123456789abcdef" * 4


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder in which they were converted once; not to be changed."""
    from tests.engines.neural.tiny_parts import weights

    folder = tmp_path_factory.mktemp("networks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_DATA_DIR", str(folder))
        patch.setitem(recipes.RECIPES, "tiny", "tests.engines.neural.tiny_parts")
        forms.install("tiny", weights(), DIGEST)
    return folder


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, in which tiny networks can be converted."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    monkeypatch.setitem(recipes.RECIPES, "tiny", "tests.engines.neural.tiny_parts")
    return tmp_path


@pytest.fixture
def form(converted: Path, data: Path) -> Path:
    """The tiny networks' converted form, the test's own."""
    shutil.copytree(converted / "weights", data / "weights")
    found = forms.installed("tiny")
    assert found is not None
    return found
