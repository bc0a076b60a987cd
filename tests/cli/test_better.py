"""When a server starts, one line says what is used and what one command would improve, while it would."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.weights.test_importing import _model
from visavis.cli.better import better
from visavis.engines.protocols import EngineInfo, Slot
from visavis.settings import Settings
from visavis.weights import recommended as rules

CHOSEN: dict[Slot, EngineInfo] = {
    "asr": EngineInfo("pocketsphinx", "asr", "", ""),
    "llm": EngineInfo("llamacpp", "llm", "", ""),
    "tts": EngineInfo("flite", "tts", "", ""),
}
EAR = replace(_model("ear"), slot="asr")
MIND = replace(_model("mind"), slot="llm", files=tuple(replace(f, bytes=f.bytes * 1000) for f in _model().files))

TURN = replace(_model("turn"), slot="turn")


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> set[str]:
    """An ear, a mind and a sense for turns are recommended; the names of those that are here."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    here: set[str] = set()
    monkeypatch.setattr(rules, "recommended", lambda language, **how: (EAR, MIND, TURN))
    monkeypatch.setattr("visavis.weights.models.installed", lambda name: tmp_path if name in here else None)
    return here


def _line(**settings: Any) -> str:
    return better(CHOSEN, Settings(**settings))


def test_it_names_what_is_used_the_command_and_the_size() -> None:
    assert _line() == (
        "note: hearing pocketsphinx, thinking SmolLM2 135M: `visavis models pull recommended` fetches better engines "
        "(1.6 GB)"
    )


def test_only_what_is_lacking_counts_and_then_nothing_is_said(here: set[str]) -> None:
    here.add("mind")
    assert _line() == "note: hearing pocketsphinx: `visavis models pull recommended` fetches better engines (3 MB)"
    here.add("ear")
    assert _line() == ""


def test_the_command_is_for_the_language_and_what_is_allowed() -> None:
    told = "`visavis models pull recommended --language de --commercial-only`"
    assert told in _line(language="de", commercial_only=True)


def test_what_somebody_chose_is_left_alone() -> None:
    assert "hearing" not in _line(asr="pocketsphinx")
    assert "thinking" not in _line(llm_file="model.gguf")
    server = {**CHOSEN, "llm": EngineInfo("openai", "llm", "", "")}
    assert "thinking" not in better(server, Settings())
    assert _line(asr="pocketsphinx", llm="llamacpp") == ""


def test_without_ears_the_rest_is_told() -> None:
    deaf: dict[Slot, EngineInfo] = {slot: info for slot, info in CHOSEN.items() if slot == "tts"}
    assert better(deaf, Settings()) == "note: `visavis models pull recommended` fetches better engines (1.6 GB)"


def test_offline_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert _line() == ""
