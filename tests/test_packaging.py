"""What `pip install visavis` brings: wheels on every platform, and not too much of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
PLATFORMS = {
    "Linux": ["manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"],
    "macOS": ["macosx_14_0_arm64", "macosx_13_0_arm64", "macosx_12_0_arm64", "macosx_11_0_arm64"],
    "Windows": ["win_amd64"],
}
SYSTEMS = {"Linux": ("linux", "posix"), "macOS": ("darwin", "posix"), "Windows": ("win32", "nt")}


def _base() -> list[Requirement]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return [Requirement(line) for line in tomllib.load(file)["project"]["dependencies"]]


@pytest.mark.slow
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", PLATFORMS)
def test_every_base_dependency_has_a_wheel(system: str, python: str, tmp_path: Path) -> None:
    platform, os_name = SYSTEMS[system]
    place = {"python_version": python, "sys_platform": platform, "os_name": os_name}
    wanted = [str(r).split(";")[0] for r in _base() if r.marker is None or r.marker.evaluate(place)]
    assert len(wanted) >= 15
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--target", str(tmp_path), "--python-version", python, "--constraint", str(ROOT / "constraints.txt")]
    command += [argument for tag in PLATFORMS[system] for argument in ("--platform", tag)]
    run = subprocess.run([*command, *wanted], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]


def test_recognition_is_the_only_thing_python_3_12_lacks() -> None:
    lacking = [r.name for r in _base() if r.marker and not r.marker.evaluate({"python_version": "3.12"})]
    assert lacking == ["pocketsphinx"]


def _closure(names: list[str]) -> set[str]:
    """The distributions that `names` bring, themselves included."""
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name in seen:
            continue
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        seen.add(name)
        parsed = [Requirement(line) for line in needs]
        names += [r.name.lower() for r in parsed if r.marker is None or r.marker.evaluate({"extra": ""})]
    return seen


@pytest.mark.skipif(os.name == "nt", reason="sizes are stated for Linux")
def test_the_base_install_stays_under_700_mb() -> None:
    total = 0
    for name in _closure([r.name.lower() for r in _base()]):
        for file in distribution(name).files or []:
            path = Path(str(distribution(name).locate_file(file)))
            total += path.stat().st_size if path.is_file() else 0
    assert total < 700e6, f"{total / 1e6:.0f} MB"
    assert total > 100e6
