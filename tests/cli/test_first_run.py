"""The first question on a machine that has nothing but the package."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import visavis.avatars
from tests.cli.conftest import Command

PICTURE = Path(visavis.avatars.__path__[0]) / "builtin" / "amos.png"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_first_question_fetches_what_it_needs_and_is_answered(
    visavis: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "data"))
    outcome = visavis("ask", "Who are you?", "--avatar", PICTURE, "--set", "size=256", "--json")
    assert outcome.code == 0, outcome.err
    facts = json.loads(outcome.out)
    assert Path(facts["video"]).stat().st_size > 10_000
    assert facts["answer"]
    weights = {path.name for path in (tmp_path / "data" / "weights").iterdir()}
    assert {"face_landmark.tflite", "SmolLM2-135M-Instruct.Q4_1.gguf"} <= weights


def test_an_engine_that_does_not_exist_is_refused_before_anything_is_fetched(
    visavis: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "data"))
    outcome = visavis("ask", "Who are you?", "--set", "llm=nobody")
    assert outcome.code == 2
    assert "there is no llm engine 'nobody'" in outcome.err
    assert not (tmp_path / "data").exists()
