"""One engine measured in a process of its own, so that its memory and its libraries are its own.

Run with `python -m`; reads one JSON object, the job, and writes a JSON line for each thing done, then one with the
result, or with the error as a person understands it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from visavis.engines.registry import candidates
from visavis.errors import VisavisError
from visavis.evaluation.bench.hearing import try_asr, try_turn
from visavis.evaluation.bench.speaking import try_tts
from visavis.evaluation.bench.thinking import try_llm
from visavis.evaluation.bench.trial import Question, Recording, Trial
from visavis.settings import load_settings


async def run(job: dict[str, Any], out: TextIO) -> Trial:
    """Do what the job says; each thing done is a line."""

    def told(done: int) -> None:
        print(json.dumps({"done": done}), file=out, flush=True)

    slot, language = job["slot"], job["language"]
    settings = load_settings(language=language)
    candidate = next(each for each in candidates(slot) if each.info.name == job["engine"])
    engine = candidate.engine(settings)
    if slot == "tts":
        return await try_tts(engine, job["texts"], language, Path(job["folder"]), told)
    if slot in ("asr", "turn"):
        recordings = [Recording(**each) for each in job["recordings"]]
        if slot == "turn":
            return await try_turn(engine, recordings, told)
        return await try_asr(engine, recordings, language, told)
    questions = [Question(**each) for each in job["questions"]]
    return await try_llm(engine, questions, settings.system_prompt, told)


def main() -> None:
    """Read the job, do it, say what came of it."""
    out, sys.stdout = sys.stdout, sys.stderr  # what libraries print is none of the answer
    try:
        result: dict[str, Any] = {"trial": asdict(asyncio.run(run(json.load(sys.stdin), out)))}
    except VisavisError as error:
        result = {"error": str(error)}
    except Exception as error:  # an engine may throw anything; the others are measured all the same
        result = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(result), file=out, flush=True)


if __name__ == "__main__":
    main()
