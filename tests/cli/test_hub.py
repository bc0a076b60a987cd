"""`visavis doctor` knows the way to the model hub: mirrors, proxies, offline mode, caches, and room for models."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Outcome
from tests.weights.hub_server import Hub, alone
from tests.weights.pulled import keep
from visavis.cli import doctor, hub
from visavis.weights.models import place


@pytest.fixture(autouse=True)
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """A hub of the test's own; nothing else is looked at."""
    monkeypatch.setattr(doctor, "_engines", lambda settings: [])
    monkeypatch.setattr(doctor, "_weights", lambda: [])
    with alone(monkeypatch, tmp_path) as running:
        yield running


@contextmanager
def _answering(status: int) -> Iterator[tuple[str, list[str]]]:
    """The address of a server that answers this to everything, and what it was asked; it can be taken for a proxy."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _found(outcome: Outcome, subject: str) -> dict[str, str] | None:
    assert outcome.code == 0, outcome.err  # whatever is with the hub, questions can be answered
    return next((each for each in json.loads(outcome.out) if each["subject"] == subject), None)


def _of(outcome: Outcome, subject: str) -> dict[str, str]:
    finding = _found(outcome, subject)
    assert finding is not None
    return finding


def test_a_hub_that_answers_is_told_with_the_mirrors_name(visavis: Command, running: Hub) -> None:
    finding = _of(visavis("doctor", "--json"), "the model hub")
    assert (finding["state"], finding["detail"]) == ("works", f"{running.url}, which HF_ENDPOINT names, answers")


def test_offline_it_is_not_asked(visavis: Command, running: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    finding = _of(visavis("doctor", "--json"), "the model hub")
    assert finding["state"] == "works"
    assert "is not asked, since HF_HUB_OFFLINE is set; models come from other machines" in finding["detail"]
    assert running.asked == []


def test_one_that_is_away_falls_back_to_a_mirror_or_another_machine(
    visavis: Command, monkeypatch: pytest.MonkeyPatch, unused_tcp_port_factory: Callable[[], int]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", url := f"http://127.0.0.1:{unused_tcp_port_factory()}")
    finding = _of(visavis("doctor", "--json"), "the model hub")
    assert finding["state"] == "falls back"
    assert finding["detail"].startswith(f"{url}, which HF_ENDPOINT names, cannot be reached (")
    assert finding["remedy"].startswith("correct HF_ENDPOINT, or unset it; or visavis models import FOLDER")


def test_one_that_says_nothing_is_not_waited_for(visavis: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        finding = _of(visavis("doctor", "--json"), "the model hub")
    assert finding["state"] == "falls back"
    assert "does not answer within 0.3 s" in finding["detail"]


@pytest.mark.parametrize("address", ["nonsense", "http://[", "ftp://example.org"])
def test_what_is_no_address_is_said_in_a_sentence(
    visavis: Command, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", address)
    finding = _of(visavis("doctor", "--json"), "the model hub")
    assert finding["state"] == "falls back"
    assert "correct HF_ENDPOINT" in finding["remedy"]


@pytest.mark.parametrize(("status", "state"), [(200, "works"), (404, "works"), (503, "falls back")])
def test_a_proxy_is_asked_and_told_without_its_password(
    visavis: Command, monkeypatch: pytest.MonkeyPatch, status: int, state: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example.org")
    with _answering(status) as (address, asked):
        monkeypatch.setenv("HTTP_PROXY", f"http://me:secret@{address}")
        monkeypatch.setenv("NO_PROXY", "10.0.0.1")
        outcome = visavis("doctor", "--json")
    detail = f"http://{address} is asked for the hub; not for 10.0.0.1 (NO_PROXY)"
    assert _of(outcome, "the proxy")["detail"] == detail
    assert _of(outcome, "the model hub")["state"] == state
    assert asked == ["http://hub.example.org/"]
    assert "secret" not in outcome.out + outcome.err


@pytest.mark.parametrize("proxy", ["http://me:secret@127.0.0.1:1", "gopher://me:secret@127.0.0.1:1", "me:secret@["])
def test_a_proxy_that_does_not_work_keeps_its_password_and_is_to_be_corrected(
    visavis: Command, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example.org")
    monkeypatch.setenv("HTTP_PROXY", proxy)
    outcome = visavis("doctor", "--json")
    finding = _of(outcome, "the model hub")
    assert finding["state"] == "falls back"
    assert finding["remedy"].startswith("correct the proxy (HTTPS_PROXY), or except the hub from it (NO_PROXY); ")
    assert "secret" not in outcome.out + outcome.err


def test_a_proxy_that_wants_a_password_is_told(visavis: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.example.org")
    with _answering(407) as (address, _):
        monkeypatch.setenv("HTTP_PROXY", f"http://{address}")
        finding = _of(visavis("doctor", "--json"), "the model hub")
    assert "the proxy wants a name and a password (407)" in finding["detail"]


def test_a_hub_that_is_excepted_is_asked_directly(
    visavis: Command, running: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    outcome = visavis("doctor", "--json")
    assert _of(outcome, "the model hub")["state"] == "works"
    detail = "the hub is asked without the one that is set; not for 127.0.0.1 (NO_PROXY)"
    assert _of(outcome, "the proxy")["detail"] == detail


def test_without_a_proxy_none_is_told(visavis: Command) -> None:
    assert _found(visavis("doctor", "--json"), "the proxy") is None


def test_the_cache_is_measured_and_links_count_once(visavis: Command, tmp_path: Path) -> None:
    assert _of(visavis("doctor", "--json"), "the hub's cache")["detail"].startswith("empty (")
    blobs = tmp_path / "hf" / "hub" / "models--a--b" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / "0123").write_bytes(bytes(3_000_000))
    (blobs / "link").symlink_to("0123")
    assert _of(visavis("doctor", "--json"), "the hub's cache")["detail"].startswith(
        "3 MB of other programs' models in "
    )


def test_models_are_told_with_their_state(visavis: Command, tmp_path: Path) -> None:
    assert "none was pulled" in _of(visavis("doctor", "--json"), "models")["detail"]
    files = tmp_path / "files"
    files.mkdir()
    (files / "smart-turn-v3.2-cpu.onnx").write_bytes(b"not a model")
    keep("smart-turn", files)
    finding = _of(visavis("doctor", "--json"), "models")
    assert (finding["state"], finding["detail"]) == ("works", "smart-turn (9 MB)")
    (place("smart-turn") / "smart-turn-v3.2-cpu.onnx").write_bytes(b"short")
    finding = _of(visavis("doctor", "--json"), "models")
    assert (finding["state"], finding["detail"]) == ("falls back", "smart-turn: not whole")
    assert finding["remedy"] == "visavis models pull smart-turn"


def test_a_pull_that_broke_off_is_told(visavis: Command) -> None:
    part = place("qwen3-0.6b").with_name(".pull-qwen3-0.6b") / "parts" / "Qwen3-0.6B-Q8_0.gguf.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(2_000_000))
    finding = _of(visavis("doctor", "--json"), "models")
    assert (finding["state"], finding["detail"]) == ("falls back", "2 MB of qwen3-0.6b are here")
    assert finding["remedy"] == "visavis models pull qwen3-0.6b"


def test_a_disk_that_is_nearly_full_is_told(visavis: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "memory available" in _of(visavis("doctor", "--json"), "room for models")["detail"]
    usage = shutil.disk_usage("/")._replace(free=1_000_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    finding = _of(visavis("doctor", "--json"), "room for models")
    assert finding["state"] == "falls back"
    assert "1.0 GB free on the disk" in finding["detail"]
