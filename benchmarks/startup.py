"""How soon the command is there: the package's import, its help, and what lists the engines.

    python -m benchmarks.startup [-n RUNS]

Each run is a process of its own. Beside wall time stands its CPU time, which other work on the machine does not
lengthen as much. What is imported is counted by tests/test_imports.py.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.machine import describe

RESULT = Path(__file__).parent / "results" / "startup.json"
RUNS = {
    "python alone": ["-c", ""],
    "import visavis": ["-c", "import visavis"],
    "import visavis.conversation.reply": ["-c", "import visavis.conversation.reply"],
    "visavis --help": ["-m", "visavis", "--help"],
    "visavis ask --help": ["-m", "visavis", "ask", "--help"],
    "visavis models list": ["-m", "visavis", "models", "list"],
    "visavis doctor": ["-m", "visavis", "doctor"],
}


def measure(arguments: list[str], runs: int) -> dict[str, float]:
    """Medians of a process with these arguments, in seconds, after one that fills the system's caches."""
    wall, cpu = [], []
    for _ in range(runs + 1):
        before, start = os.times(), time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=False)
        wall.append(time.perf_counter() - start)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        cpu.append(spent)
    return {"wall_s": round(statistics.median(wall[1:]), 3), "cpu_s": round(statistics.median(cpu[1:]), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--runs", type=int, default=20)
    runs = parser.parse_args().runs
    results = {name: measure(arguments, runs) for name, arguments in RUNS.items()}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"machine": describe(), "runs": runs, "results": results}, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
