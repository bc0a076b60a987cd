"""Ctrl-C at any moment ends the command at once and leaves nothing half-written."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from visavis.cli import app

ANSWER = "This answer goes on and on, about maps and bread and many other things. " * 40


def _wait(for_: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    while not for_() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.02)


def _ask(folder: Path, tts: str, interrupt: signal.Handlers) -> subprocess.Popen[str]:
    """A long answer in progress, begun by a shell that leaves Ctrl-C to it or, for a background job, ignores it."""
    return subprocess.Popen(
        [sys.executable, "-m", "visavis", "--set", "llm=fake", "ask", "Hello there", "--tts", tts],
        cwd=folder,
        env=os.environ | {"FAKE_ANSWER": ANSWER},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, interrupt),
    )


def _speaks(folder: Path) -> bool:
    return any(part.stat().st_size > 10_000 for part in folder.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
@pytest.mark.parametrize("tts", ["flite", "espeak"])
@pytest.mark.parametrize("moment", ["starting", "loading", "speaking"])
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_answer_leaves_nothing(tmp_path: Path, moment: str, tts: str, sign: signal.Signals) -> None:
    process = _ask(tmp_path, tts, signal.SIG_DFL)
    assert process.stdout is not None
    if moment != "starting":
        assert process.stdout.readline().startswith("using:")
    else:
        time.sleep(0.3)
    if moment == "speaking":
        _wait(lambda: _speaks(tmp_path), process)
    process.send_signal(sign)
    begun = time.monotonic()
    try:
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert time.monotonic() - begun < 10
    assert process.returncode in (130, -sign, -signal.SIGINT)
    if moment != "starting":  # before our first line runs, the interpreter speaks for itself
        assert "Traceback" not in err
    if moment == "speaking":
        assert err.strip().splitlines()[-1] == "visavis: interrupted; nothing half-written is left"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # nobody of its family is left


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_a_background_job_lets_ctrl_c_pass_and_ends_when_it_is_told_to(tmp_path: Path) -> None:
    process = _ask(tmp_path, "flite", signal.SIG_IGN)
    _wait(lambda: _speaks(tmp_path), process)
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1)
    process.send_signal(signal.SIGTERM)
    try:
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == app.EXIT_INTERRUPTED
    assert err.strip().splitlines()[-1] == "visavis: interrupted; nothing half-written is left"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_a_job_that_is_told_to_end_is_cancelled_where_it_waits_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(1000):  # an exception would strike here
                pass
            ended.append("went on")
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    def run(arguments: list[str]) -> int:
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(work())
        return app.EXIT_INTERRUPTED

    monkeypatch.setattr(app, "run", run)
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit):
            app.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended == ["went on", "cancelled"]
