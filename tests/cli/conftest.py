"""The command, run in this process: its exit code and what it printed."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest

from visavis import settings
from visavis.cli.app import run


@dataclass(frozen=True)
class Outcome:
    """What a person sees of a run."""

    code: int
    out: str
    err: str

    @property
    def message(self) -> str:
        """The last line on standard error."""
        lines = self.err.strip().splitlines()
        return lines[-1] if lines else ""


Command = Callable[..., Outcome]


@pytest.fixture
def visavis(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Generator[Command, None, None]:
    """Run `visavis ARGUMENTS` in an empty folder; the settings and the logging it makes are undone afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings, "_typed", {})
    before = dict(os.environ)
    ours = logging.getLogger("visavis")
    handlers, level, our_level = logging.root.handlers[:], logging.root.level, ours.level

    def command(*arguments: str | Path) -> Outcome:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Outcome(code, out, err)

    yield command
    os.environ.clear()
    os.environ.update(before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    ours.setLevel(our_level)
