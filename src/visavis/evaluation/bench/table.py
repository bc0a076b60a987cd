"""What was measured, in the words and columns that a person reads."""

from __future__ import annotations

from collections.abc import Sequence

from visavis.evaluation.bench.engines import NOISE, Bench, Row
from visavis.evaluation.bench.trial import Trial

TITLES = {
    "tts": "speaking",
    "asr": "understanding speech",
    "turn": "telling whether you have finished",
    "llm": "thinking",
}


def table(slot: str, rows: Sequence[Row]) -> list[list[str]]:
    """The measured `rows` of a slot, after the names of their columns."""
    measured = [(row, row.trial) for row in rows if row.slot == slot and row.trial is not None]
    told = {source: None for _, trial in measured for source in trial.word_error_rate}
    sources = [source for source in told if not source.endswith(NOISE)]
    errors = [f"WER {source}" + (" / noise" if source + NOISE in told else "") for source in sources]
    heads = ["engine", "loads in", *_heads(slot), *errors, "memory"]
    return [heads, *([_name(row, trial), *_cells(slot, trial, sources)] for row, trial in measured)]


def lines(found: Bench) -> list[str]:
    """For a terminal: a table for each kind of engine, why others were not measured, and the machine."""
    told = []
    for slot, title in TITLES.items():
        rows = [row for row in found.rows if row.slot == slot]
        told += [title] if rows else []
        if any(row.trial for row in rows):
            told += _columns(table(slot, rows))
        told += [f"  {row.engine}: {row.error}" for row in rows if row.trial is None]
    return [*told, _machine(found)]


def markdown(found: Bench) -> list[str]:
    """The same for a page of documentation."""
    told = []
    for slot, title in TITLES.items():
        rows = [row for row in found.rows if row.slot == slot]
        if not rows:
            continue
        heads, *cells = table(slot, rows)
        lacking = [[row.engine, row.error, *[""] * (len(heads) - 2)] for row in rows if row.trial is None]
        told += [f"## {title.capitalize()}", "", _bars(heads), "|" + "---|" * len(heads)]
        told += [*map(_bars, cells), *map(_bars, lacking), ""]
    return [*told, _machine(found)]


def _heads(slot: str) -> list[str]:
    return {
        "tts": ["first sound", "× real time", "exact times"],
        "asr": ["first words", "text after speech", "× real time"],
        "turn": ["verdict", "right"],
        "llm": ["first word", "pieces a second", "right"],
    }[slot]


def _cells(slot: str, trial: Trial, sources: Sequence[str]) -> list[str]:
    first, speed = _seconds(trial.first_s), _number(trial.real_time_factor, 3)
    right = f"{trial.right} of {trial.asked}"
    own = {
        "tts": [first, speed, trial.times or ""],
        "asr": [_seconds(trial.partial_s), first, speed],
        "turn": [first, right],
        "llm": [first, _number(trial.pieces_per_s, 0), right],
    }[slot]
    rates = trial.word_error_rate
    wrong = [
        " / ".join(_number(rates[each], 2) for each in (source, source + NOISE) if each in rates) for source in sources
    ]
    memory = "" if trial.memory_bytes is None else f"{trial.memory_bytes / 1e6:.0f} MB"
    return [f"{trial.load_s:.2f} s", *own, *wrong, memory]


def _name(row: Row, trial: Trial) -> str:
    return row.engine if trial.model == row.engine else f"{row.engine}, {trial.model}"


def _seconds(time: float | None) -> str:
    return "" if time is None else f"{time * 1000:.0f} ms"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _bars(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _columns(rows: list[list[str]]) -> list[str]:
    """The rows with their cells below one another, the first to the left and the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  " + "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]


def _machine(found: Bench) -> str:
    about = found.machine
    return (
        f"{found.sentences} sentences ({found.language}), {about['cores']} cores of {about['processor']}, "
        f"{about['memory_gb']} GB, load {about['load']}, {about['date']}"
    )
