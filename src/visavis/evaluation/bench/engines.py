"""Every engine that hears, speaks or thinks here, measured one after the other with the same sentences."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from visavis.assets import question_path
from visavis.engines.protocols import Slot
from visavis.engines.registry import Candidate, candidates, speaks
from visavis.errors import BadInput
from visavis.evaluation.bench.speaking import spoken
from visavis.evaluation.bench.trial import Question, Recording, Trial
from visavis.machine import describe

SLOTS: tuple[Slot, ...] = ("tts", "asr", "turn", "llm")
"""In this order: what is spoken is then understood."""
YOURS = "yours"
"""The source of recordings that a user brought."""
NOISE = " in noise"
"""Follows the source of recordings to which noise was added."""
INTERRUPTED = "interrupted before it was measured"
"""The error of engines that were to come when somebody had enough."""
_SNR = 15.0  # decibels

Progress = Callable[[float, str], None]
"""Is told the part that is done, 0 … 1, and which engine is measured."""


@dataclass(frozen=True, slots=True)
class Row:
    """An engine, and what was measured of it."""

    slot: Slot
    engine: str
    licence: str
    trial: Trial | None
    error: str = ""
    """Why nothing was measured."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that was measured, and on what."""

    machine: dict[str, object]
    language: str
    sentences: int
    rows: tuple[Row, ...]


def sentences(language: str) -> list[str]:
    """Sentences of everyday speech. Raises `BadInput` for a language of which there are none."""
    known: dict[str, list[str]] = _data()["sentences"]
    if (base := language.split("-")[0].lower()) not in known:
        raise BadInput(f"there are no sentences in '{language}' here, but in {', '.join(known)}: bring --recordings")
    return known[base]


def questions() -> list[Question]:
    """Questions in English, with what a right answer has in it."""
    return [Question(**each) for each in _data()["questions"]]


def recordings(folder: Path) -> list[Recording]:
    """The sound files of a folder that have a text beside them, as in one.wav and one.txt. Raises `BadInput`."""
    if not folder.is_dir():
        raise BadInput(
            f"there is no folder {folder}: give one with sound files and their texts, as one.wav and one.txt"
        )
    texts = sorted(path for path in folder.glob("*.txt"))
    sounds = {path.stem: path for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".txt"}
    found = [
        Recording(YOURS, str(sounds[text.stem].resolve()), " ".join(text.read_text("utf-8", "replace").split()))
        for text in texts
        if text.stem in sounds
    ]
    if not found:
        raise BadInput(f"{folder} has no sound file with a text beside it, as one.wav and one.txt")
    return found


def to_measure(names: Sequence[str], language: str) -> list[Candidate]:
    """The engines to measure: those called `names` (as in flite or asr:openai), or all that are embedded and ready.

    Raises `BadInput` for a name that no engine has.
    """
    every = [each for slot in SLOTS for each in candidates(slot)]
    if not names:
        return [
            each
            for each in every
            if each.info.rank >= 0
            and each.info.name != "openai"
            and (each.info.slot in ("llm", "turn") or _knows(each, language))
        ]
    called = [{each.info.name, f"{each.info.slot}:{each.info.name}"} for each in every]
    for name in names:
        if not any(name in each for each in called):
            known = ", ".join(f"{each.info.slot}:{each.info.name}" for each in every)
            raise BadInput(f"there is no engine '{name}' to measure; choose from: {known}")
    return [each for each, known in zip(every, called, strict=True) if known & set(names)]


def measure(chosen: Sequence[Candidate], language: str, own: Sequence[Recording], count: int, tell: Progress) -> Bench:
    """Measure the engines with the first `count` sentences and questions, and recognisers with the user's `own`, too.

    Recognisers hear every synthesizer that is measured, with and without noise, and the question that Visavis brings.
    An engine that fails has its error in its row. After Ctrl-C the engines that were to come have `INTERRUPTED`.
    """
    rows: list[Row] = []
    texts = [] if own and not _has(language) else sentences(language)[:count]
    heard = [*own, *_brought(language)]
    with tempfile.TemporaryDirectory(prefix="visavis-bench-") as folder:
        try:
            for i, candidate in enumerate(chosen):
                place = Path(folder, candidate.info.name)
                row = _row(candidate, _job(candidate, language, texts, heard, count, place), i, len(chosen), tell)
                rows.append(row)
                if row.slot == "tts" and row.trial is not None:
                    heard += spoken(row.engine, place, texts)
        except KeyboardInterrupt:
            infos = [each.info for each in chosen[len(rows) :]]
            rows += [Row(info.slot, info.name, info.licence, None, INTERRUPTED) for info in infos]
    return Bench(describe(), language, len(texts), tuple(rows))


def _brought(language: str) -> list[Recording]:
    """The question that Visavis brings, which is English."""
    english = language.split("-")[0].lower() == "en"
    return [Recording("visavis", str(question_path()), "What can you tell me about friendship?")] * english


def _job(
    candidate: Candidate, language: str, texts: Sequence[str], heard: Sequence[Recording], count: int, place: Path
) -> dict[str, Any]:
    """What an engine has to do, for `process`."""
    slot = candidate.info.slot
    job: dict[str, Any] = {"slot": slot, "engine": candidate.info.name, "language": language}
    if slot == "tts":
        return job | {"texts": list(texts), "folder": str(place)}
    if slot == "asr":
        said = [each for each in heard if each.ended]
        more = [replace(each, source=each.source + NOISE, snr_db=_SNR) for each in said if each.source != YOURS]
        return job | {"recordings": [asdict(each) for each in said + more]}
    if slot == "turn":
        return job | {"recordings": [asdict(each) for each in heard if each.source != YOURS]}
    return job | {"questions": [asdict(each) for each in questions()[:count]]}


def _row(candidate: Candidate, job: dict[str, Any], number: int, of: int, tell: Progress) -> Row:
    info, lack = candidate.info, candidate.availability
    if not lack.ready:
        return Row(info.slot, info.name, info.licence, None, f"not here: {lack.reason}; {lack.remedy}")
    things = job.get("texts") or job.get("recordings") or job.get("questions")
    if not things:
        return Row(info.slot, info.name, info.licence, None, "nothing to measure it with: bring --recordings")
    if info.slot == "tts":
        Path(job["folder"]).mkdir()
    label, n = f"{info.slot}: {info.name}", len(things)
    tell(number / of, label)
    result = _ask(job, lambda done: tell((number + done / n) / of, label))
    trial = Trial(**result["trial"]) if "trial" in result else None
    return Row(info.slot, info.name, info.licence, trial, result.get("error", ""))


def _ask(job: dict[str, Any], tell: Callable[[int], None]) -> dict[str, Any]:
    """The result of a job, done in a process of its own, which Ctrl-C does not reach."""
    command = [sys.executable, "-m", "visavis.evaluation.bench.process"]
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=errors, text=True, encoding="utf-8", start_new_session=True
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with contextlib.suppress(BrokenPipeError):  # it has ended, and its errors say why
                process.stdin.write(json.dumps(job))
                process.stdin.close()
            for line in process.stdout:
                told: dict[str, Any] = json.loads(line)
                if "done" not in told:
                    return told
                tell(told["done"])
        except BaseException:
            process.kill()
            raise
        process.wait()
        errors.seek(0)
        said = errors.read().strip().splitlines()
        return {"error": f"its process ended ({process.returncode}): {said[-1][:200] if said else 'it said nothing'}"}


def _data() -> dict[str, Any]:
    return tomllib.loads((files("visavis.assets") / "bench.toml").read_text("utf-8"))


def _has(language: str) -> bool:
    return language.split("-")[0].lower() in _data()["sentences"]


def _knows(candidate: Candidate, language: str) -> bool:
    return not candidate.availability.ready or speaks(candidate.info, language)
