"""Every engine is measured by itself, and one that fails takes no other with it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from visavis.engines.asr.pocketsphinx import PocketSphinx
from visavis.engines.protocols import Availability
from visavis.errors import BadInput
from visavis.evaluation.bench.engines import (
    INTERRUPTED,
    Bench,
    Row,
    measure,
    questions,
    recordings,
    sentences,
    to_measure,
)
from visavis.evaluation.bench.table import lines, markdown
from visavis.evaluation.bench.trial import Trial

FAKES = ["tts:fake", "asr:fake", "turn:fake", "llm:fake"]
MACHINE = {"cores": 2, "processor": "Abacus", "memory_gb": 8.0, "load": 0.1, "date": "2026-11-24"}


def nobody(done: float, what: str) -> None:
    """Is not interested."""


def test_engines_of_every_kind_are_measured_each_in_a_process_of_its_own() -> None:
    told: list[str] = []
    found = measure(to_measure(FAKES, "en"), "en", [], 2, lambda _, what: told.append(what))
    assert [row.slot for row in found.rows] == ["tts", "asr", "turn", "llm"]
    assert [row.error for row in found.rows] == [""] * 4
    hearing = found.rows[1].trial
    assert hearing is not None
    assert set(hearing.word_error_rate) == {"visavis", "fake", "visavis in noise", "fake in noise"}
    assert list(dict.fromkeys(told)) == ["tts: fake", "asr: fake", "turn: fake", "llm: fake"]


def test_an_engine_that_fails_says_why_and_the_others_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_LLM_FILE", str(Path(__file__)))
    found = measure(to_measure(["llamacpp", "llm:fake"], "en"), "en", [], 1, nobody)
    failed, measured = found.rows
    assert "test_engines.py" in failed.error
    assert measured.trial is not None


def test_an_engine_whose_process_dies_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    (row,) = measure(to_measure(["llm:fake"], "en"), "en", [], 1, nobody).rows
    assert row.error == "its process ended (1): it said nothing"


def test_an_engine_that_is_not_here_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PocketSphinx, "availability", lambda: Availability(False, "it is away", "call it"))
    (row,) = measure(to_measure(["pocketsphinx"], "en"), "en", [], 1, nobody).rows
    assert row.error == "not here: it is away; call it"


def test_ctrl_c_ends_with_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = to_measure(["tts:fake", "asr:fake", "llm:fake"], "en")

    def tell(_: float, what: str) -> None:
        if what == "asr: fake":
            raise KeyboardInterrupt

    found = measure(chosen, "en", [], 1, tell)
    assert found.rows[0].trial is not None
    assert [row.error for row in found.rows[1:]] == [INTERRUPTED] * 2


def test_a_name_that_no_engine_has_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"no engine 'ear'.*asr:pocketsphinx"):
        to_measure(["ear"], "en")


def test_without_names_neither_servers_nor_scripted_engines_are_measured() -> None:
    names = {candidate.info.name for candidate in to_measure([], "en")}
    assert {"flite", "pocketsphinx", "llamacpp"} <= names
    assert not names & {"openai", "fake"}


def test_a_language_without_sentences_is_refused_with_those_there_are() -> None:
    with pytest.raises(BadInput, match="en, de, es, fr"):
        sentences("fi")
    assert sentences("de-AT") == sentences("de")


def test_every_question_has_an_answer_that_is_not_in_the_question() -> None:
    assert len({question.ask for question in questions()}) >= 6


def test_recordings_are_sounds_with_their_text_beside_them(tmp_path: Path) -> None:
    (tmp_path / "one.wav").touch()
    (tmp_path / "one.txt").write_text("Hello\n there.")
    (tmp_path / "two.wav").touch()
    (only,) = recordings(tmp_path)
    assert (only.text, Path(only.path).name) == ("Hello there.", "one.wav")


@pytest.mark.parametrize("folder", [".", "nowhere"])
def test_a_folder_without_recordings_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(BadInput, match=r"one\.wav"):
        recordings(tmp_path / folder)


def test_the_table_has_a_row_for_each_and_noise_beside_its_source() -> None:
    trial = Trial("big", 1.0, 5_000_000, 0.02, 0.3, 0.5, word_error_rate={"flite": 0.25, "flite in noise": 0.5})
    rows = (Row("asr", "ear", "MIT", trial), Row("asr", "other", "MIT", None, "it broke"))
    found = Bench(dict(MACHINE), "en", 12, rows)
    assert lines(found) == [
        "understanding speech",
        "  engine    loads in  first words  text after speech  × real time  WER flite / noise  memory",
        "  ear, big    1.00 s       300 ms              20 ms        0.500        0.25 / 0.50    5 MB",
        "  other: it broke",
        "12 sentences (en), 2 cores of Abacus, 8.0 GB, load 0.1, 2026-11-24",
    ]
    page = markdown(found)
    assert page[0] == "## Understanding speech"
    assert "| ear, big | 1.00 s | 300 ms | 20 ms | 0.500 | 0.25 / 0.50 | 5 MB |" in page
    assert page[5].startswith("| other | it broke |")


@pytest.mark.slow
def test_the_engines_that_come_with_it_are_measured_and_understand_one_another() -> None:
    found = measure(to_measure(["flite", "pocketsphinx", "llamacpp"], "en"), "en", [], 2, nobody)
    flite, ear, mind = (row.trial for row in found.rows)
    assert flite is not None
    assert ear is not None
    assert mind is not None
    assert flite.times == "words and phones"
    assert ear.word_error_rate["visavis"] <= 0.2
    assert ear.word_error_rate["flite"] < 0.6
    assert mind.right == 2
    assert all(trial.memory_bytes and trial.memory_bytes > 1e6 for trial in (flite, ear, mind))
    json.dumps(found.machine)
