"""How soon and how fast the embedded language model answers: loading, first word of each turn, words a second, memory.

    python -m benchmarks.llm [-n CONVERSATIONS]

Measured warm, on conversations of ten turns whose history only grows. Beside wall time stands this process's CPU
time, which other work on the machine does not lengthen as much.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from contextlib import aclosing
from pathlib import Path

from benchmarks.machine import describe
from visavis.conversation.history import History
from visavis.engines.llm.llamacpp import LlamaCpp
from visavis.engines.protocols import Sampling
from visavis.settings import load_settings

RESULT = Path(__file__).parent / "results" / "llm.json"
TURNS = 10
QUESTIONS = ("What is the capital of Spain?", "Tell me more about it.", "What do people eat there?")


def memory() -> float | None:
    """Memory of this process in MB, where the system says it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)


async def ask(engine: LlamaCpp, history: History, max_tokens: int = 40) -> tuple[History, dict[str, float]]:
    """The history with the answer, and what it cost: seconds, seconds of CPU time, pieces a second."""
    wall, cpu = time.perf_counter(), time.process_time()
    first = first_cpu = 0.0
    pieces, text = 0, ""
    options = Sampling(max_tokens=max_tokens, temperature=0, session=history.session)
    async with aclosing(engine.complete(history.messages, options)) as deltas:
        async for delta in deltas:
            if delta.text and not pieces:
                first, first_cpu = time.perf_counter() - wall, time.process_time() - cpu
            pieces += bool(delta.text)
            text += delta.text
    rate = (pieces - 1) / (time.perf_counter() - wall - first) if pieces > 1 else 0.0
    return history.answered(text), {"first": first, "first_cpu": first_cpu, "rate": rate}


async def measure(conversations: int) -> dict[str, object]:
    """Every figure."""
    before = memory()
    start, cpu = time.perf_counter(), time.process_time()
    async with LlamaCpp(load_settings()) as engine:
        loaded, loaded_cpu = time.perf_counter() - start, time.process_time() - cpu
        turns: list[list[dict[str, float]]] = [[] for _ in range(TURNS)]
        await ask(engine, History.begin().asked("Hello."))  # reads the system prompt
        for _ in range(conversations):
            history = History.begin()
            for turn in range(TURNS):
                history, cost = await ask(engine, history.asked(QUESTIONS[min(turn, 1) if turn % 2 else turn % 3]))
                turns[turn].append(cost)
        after = memory()

    def median(name: str, turn: list[dict[str, float]]) -> float:
        return round(statistics.median(cost[name] for cost in turn), 3)

    return {
        "load_s": round(loaded, 2),
        "load_cpu_s": round(loaded_cpu, 2),
        "first_piece_s": [median("first", turn) for turn in turns],
        "first_piece_cpu_s": [median("first_cpu", turn) for turn in turns],
        "pieces_per_s": [median("rate", turn) for turn in turns],
        "memory_mb": {"before": before, "after": after},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--conversations", type=int, default=3)
    results = asyncio.run(measure(parser.parse_args().conversations))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"machine": describe(), "results": results}, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
