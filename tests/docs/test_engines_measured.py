"""The page of measurements has a row for every engine that can be measured."""

from __future__ import annotations

from pathlib import Path

from visavis.engines.registry import candidates
from visavis.evaluation.bench.engines import SLOTS
from visavis.evaluation.bench.table import TITLES

PAGE = Path(__file__).parents[2] / "docs" / "engines-measured.md"


def test_every_engine_that_is_no_server_has_a_row_in_its_table() -> None:
    tables = PAGE.read_text("utf-8").split("## ")
    for slot in SLOTS:
        (table,) = (each for each in tables if each.startswith(TITLES[slot].capitalize()))
        for candidate in candidates(slot):
            if candidate.info.name not in ("fake", "openai"):
                assert f"\n| {candidate.info.name}" in table
