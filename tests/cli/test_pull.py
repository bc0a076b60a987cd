"""`visavis models pull`: what comes, how large, under which licence, is said first; then what is used now."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.weights.hub_server import Hub, alone
from tests.weights.tiny import content, sha256, tiny
from visavis.weights import recommended as rules
from visavis.weights.models import Model, ModelFile, installed, place

PULL = ("models", "pull")


def _model(hub: Hub, name: str, slot: str, engine: str, path: str, *languages: str) -> Model:
    data = content(1_200_000)
    hub.add(f"visavis/{name}/{path}", data)
    return replace(
        tiny(hub, 10),
        name=name,
        title=name.title(),
        slot=slot,
        engine=engine,
        repository=f"visavis/{name}",
        files=(ModelFile(path, len(data), sha256(data)),),
        languages=languages,
        purpose=f"is the {slot} of a test",
    )


@pytest.fixture(autouse=True)
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub with a mind for all languages, a sense for turns, and a German voice that may not be used commercially."""
    with alone(monkeypatch, tmp_path) as running:
        mind = _model(running, "mind", "llm", "llamacpp", "mind.gguf")
        turn = _model(running, "turn", "turn", "smart-turn", "turn.onnx", "en", "de")
        voice = _model(running, "stimme", "tts", "piper", "voice.onnx", "de")
        voice = replace(voice, non_commercial=True, licence="CC-BY-NC-4.0")
        catalogue = {model.name: model for model in (mind, turn, voice)}
        monkeypatch.setattr("visavis.weights.models.models", lambda: catalogue)
        yield running


def _terminal(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(typed))


def test_what_is_recommended_is_shown_fetched_and_used(visavis: Command) -> None:
    outcome = visavis(*PULL, "recommended")
    assert outcome.code == 0, outcome.err
    table = [" ".join(line.split()) for line in outcome.err.splitlines()]
    assert table[0] == f"fetching, once, into {place('mind').parent}"
    assert "turn is the turn of a test 1 MB MIT" in table
    assert "mind is the llm of a test 1 MB MIT" in table
    assert "together 2 models 2 MB less than a minute at 20 Mbit/s" in table
    assert f"fetched mind into {place('mind')}" in outcome.out
    assert "thinks: llamacpp (" in outcome.out
    assert installed("mind") == place("mind")
    assert installed("turn") == place("turn")
    again = visavis(*PULL, "recommended")
    assert again.out.splitlines() == ["mind is here already", "turn is here already"]
    assert again.err == ""


def test_one_model_is_pulled_by_its_name_and_a_damaged_one_is_mended(visavis: Command, hub: Hub) -> None:
    assert visavis(*PULL, "mind").code == 0
    assert installed("turn") is None
    (place("mind") / "mind.gguf").write_bytes(bytes(1_200_000))
    outcome = visavis("models", "verify")
    assert outcome.code == 2
    assert "damaged  mind (mind.gguf is damaged: its checksum is wrong)" in outcome.out.splitlines()
    assert "`visavis models pull mind`" in outcome.message
    assert visavis(*PULL, "mind").code == 0
    assert "ok       mind" in visavis("models", "verify").out.splitlines()


def test_a_name_that_is_none_is_refused_with_the_one_meant(visavis: Command) -> None:
    outcome = visavis(*PULL, "mint")
    assert (outcome.code, outcome.message) == (2, "visavis: there is no model 'mint'; did you mean mind?")


def test_what_is_not_for_commercial_use_is_fetched_when_that_is_accepted(visavis: Command, hub: Hub) -> None:
    outcome = visavis(*PULL, "stimme")
    assert outcome.code == 2
    assert outcome.message == (
        "visavis: nobody is here to accept Stimme's licence, which forbids commercial use: read it at "
        "https://example.org/licence, and add --yes, or --commercial-only to do without"
    )
    assert hub.asked == []
    assert visavis(*PULL, "stimme", "--yes").code == 0
    assert installed("stimme") is not None


@pytest.mark.parametrize(("typed", "there"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_on_a_terminal_its_licence_is_asked_for_and_the_rest_comes_anyway(
    visavis: Command, monkeypatch: pytest.MonkeyPatch, typed: str, there: bool
) -> None:
    _terminal(monkeypatch, typed)
    outcome = visavis(*PULL, "stimme", "mind")
    assert outcome.code == 0, outcome.err
    assert "forbids commercial use: CC-BY-NC-4.0\n(https://example.org/licence)" in outcome.err
    assert "Do you accept that? [y/N]" in outcome.err
    assert (installed("stimme") is not None) == there
    assert ("stimme is left out" in outcome.err) != there
    assert installed("mind") is not None


def test_with_commercial_only_it_is_left_out_and_refused_by_name(
    visavis: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "has_library", lambda model: True)
    outcome = visavis(*PULL, "recommended", "--language", "de", "--commercial-only")
    assert outcome.code == 0, outcome.err
    assert "stimme" not in outcome.err
    refused = visavis(*PULL, "stimme", "--commercial-only")
    assert refused.code == 2
    assert "Stimme is not for commercial use (CC-BY-NC-4.0)" in refused.message
    assert "--commercial-only" in refused.message


def test_the_language_decides_what_is_recommended(visavis: Command) -> None:
    outcome = visavis(*PULL, "recommended", "--language", "de", "--yes")
    assert outcome.code == 0, outcome.err
    assert installed("stimme") is not None
    assert visavis(*PULL, "recommended", "--language", "!").code == 2


def test_a_voice_of_another_language_is_said_not_to_be_used_and_why(visavis: Command) -> None:
    outcome = visavis(*PULL, "stimme", "--yes")
    assert "stimme is not used: it speaks de, and the language is en (--language)" in outcome.err


def test_a_hub_that_is_away_is_one_calm_sentence(visavis: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    outcome = visavis(*PULL, "recommended")
    assert outcome.code == 2
    assert outcome.message.startswith("visavis: HF_HUB_OFFLINE is set, so nothing is fetched: unset it")
    assert outcome.message.endswith("all that is here goes on working without it")


def test_what_broke_off_is_gone_on_with_and_that_is_said(visavis: Command, hub: Hub) -> None:
    hub.files["visavis/mind/mind.gguf"].cuts = [1_100_000, 0, 0]
    outcome = visavis(*PULL, "turn", "mind")
    assert outcome.code == 2
    assert outcome.out == f"fetched turn into {place('turn')}\n"
    assert "what is fetched is kept" in outcome.message
    again = visavis(*PULL, "mind")
    assert again.code == 0
    assert "1 MB of it are here of the last time" in again.err


def test_libraries_that_would_make_it_better_are_named_as_they_are_typed(
    visavis: Command, monkeypatch: pytest.MonkeyPatch, hub: Hub
) -> None:
    ear = replace(_model(hub, "ear", "asr", "nobody's", "ear.ort", "en"), extra="moonshine")
    monkeypatch.setattr("visavis.weights.models.models", lambda: {"ear": ear})
    monkeypatch.setattr(rules, "has_library", lambda model: not model.extra)
    outcome = visavis(*PULL, "recommended")
    assert outcome.code == 0
    assert outcome.message == ("better still: pip install 'visavis[moonshine]' && visavis models pull recommended")
    assert hub.asked == []
    by_name = visavis(*PULL, "ear")
    assert "ear is not used: pip install 'visavis[moonshine]'" in by_name.err


def test_a_model_is_removed_and_its_space_told(visavis: Command) -> None:
    visavis(*PULL, "mind")
    assert visavis("models", "remove", "mind").out == "removed Mind: 1 MB are free again\n"
    assert installed("mind") is None
    outcome = visavis("models", "remove", "mind")
    assert (outcome.code, outcome.message) == (2, "visavis: Mind is not here: there is nothing to remove")
    assert "there is no model or network 'wav2lib' to remove; did you mean wav2lip?" in (
        visavis("models", "remove", "wav2lib").message
    )
