"""`visavis serve`: the address is told when somebody answers there, and Ctrl-C is the way to end it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import webbrowser
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.cli.conftest import Command
from tests.gateway.doors import FakeLive
from visavis.cli import better
from visavis.gateway import live
from visavis.settings import Settings

FAKES = [f"--set={slot}=fake" for slot in ("vad", "asr", "llm", "tts", "articulation", "animation")]
SERVE = ["serve", "--port", "0", *FAKES, "--set", "size=128"]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Response]:
    """A browser: what it was shown. When it has seen the page, somebody presses Ctrl-C."""
    seen: list[httpx.Response] = []

    def open_page(address: str) -> bool:
        try:
            with httpx.Client(verify=False) as client:
                seen.append(client.get(address))
                seen.append(client.get(httpx.URL(address).copy_with(path="/health", query=None)))
        finally:
            os.kill(os.getpid(), signal.SIGINT)
        return True

    @asynccontextmanager
    async def open_fake(settings: Settings) -> AsyncGenerator[FakeLive, None]:
        yield FakeLive(settings=settings)

    monkeypatch.setattr(webbrowser, "open", open_page)
    monkeypatch.setattr(live, "open_live", open_fake)
    monkeypatch.setenv("DISPLAY", ":0")
    return seen


def test_the_page_opens_when_the_server_answers_and_ctrl_c_ends_it(
    visavis: Command, opened: list[httpx.Response]
) -> None:
    outcome = visavis(*SERVE)
    assert outcome.code == 0, outcome.err
    using, talk, end = outcome.out.splitlines()
    assert using.startswith("using:  fake (vad)")
    assert re.fullmatch(r"talk:   http://localhost:\d+/  \(Ctrl-C ends it\)", talk)
    assert end == "stopped"
    assert outcome.err == ""
    assert opened[1].json()["ready"] is True


def test_beyond_this_machine_a_token_is_made_and_microphones_are_explained(
    visavis: Command, opened: list[httpx.Response]
) -> None:
    outcome = visavis(*SERVE, "--host", "0.0.0.0")
    assert outcome.code == 0, outcome.err
    assert re.search(r"talk:   http://\S+:\d+/\?token=[\w-]{32}  ", outcome.out)
    assert "microphone only over https: add --tls" in outcome.err
    assert len(outcome.err.splitlines()) == 2
    assert opened[0].status_code == 303
    assert "token" not in opened[0].headers["location"]


def test_with_tls_the_fingerprint_is_told_to_compare(
    visavis: Command, opened: list[httpx.Response], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visavis.cli.serve._certificate_folder", lambda settings: tmp_path / "tls")
    outcome = visavis(*SERVE, "--tls")
    assert outcome.code == 0, outcome.err
    assert "talk:   https://localhost:" in outcome.out
    assert re.search(r"SHA-256 is ([0-9A-F]{2}:){31}[0-9A-F]{2}$", outcome.err.strip())
    assert (tmp_path / "tls" / "key.pem").is_file()
    assert opened[1].json()["ready"] is True


@pytest.mark.parametrize(("options", "told"), [([], 1), (["--quiet"], 0)])
def test_what_would_be_better_is_told_in_a_line(
    visavis: Command, opened: list[httpx.Response], monkeypatch: pytest.MonkeyPatch, options: list[str], told: int
) -> None:
    monkeypatch.setattr(better, "better", lambda chosen, settings: f"note: better than {chosen['llm'].name}")
    outcome = visavis(*SERVE, *options)
    assert outcome.code == 0, outcome.err
    assert outcome.err.splitlines() == ["note: better than fake"] * told


def test_a_taken_port_is_said_before_anything_is_loaded(visavis: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        outcome = visavis("serve", "--no-open", "--port", str(other.getsockname()[1]))
    assert outcome.code == 2
    assert re.fullmatch(r"visavis: port \d+ is in use: try --port \d+", outcome.message)
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "192.0.2.254"], "cannot listen at 192.0.2.254"),
        (["--port", "70000"], "given with --port: it takes a whole number from 0 to 65535"),
        (["--sessions", "-1"], "given with --sessions: it takes a whole number from 0 to 1000"),
        (["--idle-timeout", "-5"], "given with --idle-timeout: it takes a number of at least 0"),
        (["--set", "token=short"], "setting 'token' cannot be what it is"),
        (["--port", "0", "-a", "nobody"], "there is no avatar 'nobody'"),
        (["--port", "0", "--voice", "nobody"], "there is no voice 'nobody'"),
        (["--port", "0", "--llm", "nobody"], "there is no llm engine 'nobody'"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(visavis: Command, options: list[str], says: str) -> None:
    outcome = visavis("serve", "--no-open", *options)
    assert outcome.code == 2
    assert says in outcome.message
    assert outcome.out == ""


def test_without_ears_questions_are_typed(visavis: Command, opened: list[httpx.Response]) -> None:
    others = [each for each in SERVE if "asr" not in each and "vad" not in each]
    outcome = visavis(*others, "--language", "tlh", "--tts", "fake")
    assert outcome.code == 0, outcome.err
    assert "questions are typed" in outcome.err


@contextmanager
def _running(folder: Path) -> Generator[tuple[subprocess.Popen[str], int], None, None]:
    """A server of its own, and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "visavis", *SERVE, "--no-open"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        talk = next((line for line in lines if line.startswith("talk:")), None)
        assert talk is not None, process.communicate()[1]
        found = re.search(r"localhost:(\d+)/", talk)
        assert found is not None
        yield process, int(found[1])
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_the_middle_of_a_conversation(tmp_path: Path, sign: signal.Signals) -> None:
    async def talk(port: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/ws", proxy=None, max_size=None) as page:
            await page.send(json.dumps({"type": "hello", "version": 1}))
            while not isinstance(message := await page.recv(), str) or json.loads(message)["type"] != "welcome":
                pass
            process.send_signal(sign)
            with suppress(ConnectionClosed):
                while True:
                    await page.recv()
            assert page.close_code is not None

    with _running(tmp_path) as (process, port):
        asyncio.run(talk(port))
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert out.splitlines()[-1] == "stopped"
        assert err == ""
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)  # nobody of its family is left
    assert list(tmp_path.iterdir()) == []
