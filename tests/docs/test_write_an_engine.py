"""The tutorial's engine is what the tutorial says: it keeps the laws, and answers through the whole line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TUTORIAL = Path(__file__).parents[2] / "docs" / "write-an-engine.md"


def _blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", TUTORIAL.read_text("utf-8"), re.DOTALL)


def test_the_engine_of_the_tutorial_has_about_20_lines_and_keeps_the_laws(tmp_path: Path) -> None:
    engine, check = _blocks()
    code = [line for line in engine.splitlines() if line.strip() and not line.startswith("#")]
    assert len(code) <= 20
    (tmp_path / "parrot.py").write_text(engine, "utf-8")
    (tmp_path / "check.py").write_text(check, "utf-8")
    subprocess.run([sys.executable, "check.py"], cwd=tmp_path, check=True)


def test_the_law_catches_an_engine_that_breaks_it(tmp_path: Path) -> None:
    engine, check = _blocks()
    (tmp_path / "parrot.py").write_text(engine.replace('yield Delta(finish="stop")', "pass"), "utf-8")
    (tmp_path / "check.py").write_text(check, "utf-8")
    run = subprocess.run([sys.executable, "check.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "the last delta says how the answer finished" in run.stderr
