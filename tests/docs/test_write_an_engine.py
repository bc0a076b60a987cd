"""The tutorial's engine is what the tutorial says: it keeps the laws, and answers through the whole line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "parrot"
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


def test_what_the_tutorial_shows_are_the_files_of_its_example() -> None:
    engine, check = _blocks()
    (package,) = re.findall(r"```toml\n(.*?)```", TUTORIAL.read_text("utf-8"), re.DOTALL)
    assert engine == (EXAMPLE / "parrot.py").read_text("utf-8")
    assert check == (EXAMPLE / "check.py").read_text("utf-8")
    assert package == (EXAMPLE / "pyproject.toml").read_text("utf-8")
    assert len(engine.splitlines()) <= 40


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a machine on which the example's package is installed beside Visavis."""
    source = tmp_path_factory.mktemp("source") / "parrot"
    target = tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE, source)  # building leaves traces
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*install, "--no-build-isolation", "--target", str(target), str(source)], check=True)
    paths = [str(target), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


@pytest.mark.slow
def test_its_package_is_installed_and_listed_and_keeps_the_laws(beside: dict[str, str], tmp_path: Path) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "visavis", "models", "list", "--json"], env=beside, capture_output=True, check=True
    )
    row = next(row for row in json.loads(listed.stdout) if row["name"] == "parrot")
    assert (row["slot"], row["ready"], row["used"], row["licence"]) == ("llm", True, False, "Apache-2.0")
    subprocess.run([sys.executable, EXAMPLE / "check.py"], cwd=tmp_path, env=beside, check=True)


@pytest.mark.slow
def test_its_package_answers_a_question(beside: dict[str, str], tmp_path: Path) -> None:
    asking = [sys.executable, "-m", "visavis", "ask", "Hello there", "--llm", "parrot", "--size", "128", "--json"]
    asked = subprocess.run(asking, env=beside, cwd=tmp_path, capture_output=True, check=True)
    assert json.loads(asked.stdout)["answer"] == "You said: there Hello"
    assert (tmp_path / "answer.mp4").stat().st_size > 1000
