"""A server with a small mind, and a hub that has a better one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.engines.llm import tiny_qwen3
from tests.weights.hub_server import Hub, serve
from tests.weights.pulled import keep, without_models
from visavis.weights import models as catalogue
from visavis.weights.models import Model, ModelFile

SMALL, LARGE = "qwen3-0.6b", "qwen3-1.7b"
BETTER = (" I", " know", " better", ".")
SAID, KNOWS = tiny_qwen3.SAID, "".join(BETTER).strip()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that has two models, of which the small one is here; the other is recommended."""
    without_models(tmp_path / "data", monkeypatch)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        models = dict(catalogue.models())
        for name, said in ((SMALL, tiny_qwen3.ANSWER), (LARGE, BETTER)):
            folder = tmp_path / name
            folder.mkdir()
            path = models[name].files[0].path
            content = tiny_qwen3.write(folder / path, answer=said).read_bytes()
            running.add(f"{models[name].repository}/{path}", content)
            models[name] = replace(models[name], files=(ModelFile(path, len(content)),))
        monkeypatch.setattr(catalogue, "models", lambda: models)
        wanted: tuple[Model, ...] = (models[LARGE],)
        monkeypatch.setattr("visavis.gateway.equipment.recommended", lambda *_, **__: wanted)
        keep(SMALL, tmp_path / SMALL)
        yield running
