"""What an engine's model held is given back when it is left: nothing piles up while engines take turns."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import asyncio, json, os, tempfile
from pathlib import Path
os.environ["OMP_NUM_THREADS"] = "1"
from benchmarks.switching import measure, random_model
with tempfile.TemporaryDirectory() as folder:
    rounds = asyncio.run(measure(4, random_model(Path(folder, "random.gguf"))))
print(json.dumps(rounds[-1]["a"] / rounds[0]["a"]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what memory a process holds")
def test_the_same_engines_take_as_much_after_others_as_before() -> None:
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert float(run.stdout.splitlines()[-1]) < 1.1
