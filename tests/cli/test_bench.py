"""`visavis bench engines` tells how good and how fast engines are, to people and to programs."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Command
from visavis.evaluation.bench import engines
from visavis.evaluation.bench.engines import INTERRUPTED, Bench, Row

ASKED = ("bench", "engines", "tts:fake", "--sentences", "1")


def test_a_person_sees_a_table(visavis: Command) -> None:
    outcome = visavis(*ASKED)
    assert outcome.code == 0
    head, columns, row, _ = outcome.out.splitlines()
    assert head == "speaking"
    assert "× real time" in columns
    assert row.split()[0] == "fake"


def test_a_program_reads_json(visavis: Command) -> None:
    told = json.loads(visavis(*ASKED, "--json").out)
    assert told["rows"][0]["trial"]["times"] == "words and phones"
    assert told["machine"]["cores"] >= 1


def test_a_page_gets_markdown(visavis: Command) -> None:
    page = visavis(*ASKED, "--markdown").out.splitlines()
    assert page[0] == "## Speaking"
    assert page[4].startswith("| fake |")


def test_two_forms_at_once_are_refused(visavis: Command) -> None:
    outcome = visavis(*ASKED, "--json", "--markdown")
    assert outcome.code == 2
    assert "one of --json and --markdown" in outcome.message


def test_what_was_measured_before_ctrl_c_is_shown(visavis: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (Row("tts", "fake", "Apache-2.0", None, INTERRUPTED),)
    machine = {"cores": 2, "processor": "Abacus", "memory_gb": 8.0, "load": 0.1, "date": "2026-11-24"}
    monkeypatch.setattr(engines, "measure", lambda *arguments: Bench(machine, "en", 1, rows))
    outcome = visavis(*ASKED)
    assert outcome.code == 130
    assert INTERRUPTED in outcome.out


def test_its_help_teaches_what_is_measured(visavis: Command) -> None:
    told = visavis("bench", "engines", "--help").out
    assert "WER" in told
    assert "visavis bench engines --language de" in told
