"""`visavis doctor` tries what is set, and its exit code says whether a question can be answered."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Outcome
from tests.engines.llm import tiny_qwen3
from visavis.cli import servers
from visavis.engines.asr.pocketsphinx import PocketSphinx
from visavis.engines.protocols import Availability

CHUNK = b'data: {"choices": [{"delta": {"content": "Hello."}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
MODELS = b'{"data": [{"id": "tiny"}]}'


@contextmanager
def _server(status: int, answer: bytes) -> Iterator[str]:
    """The address of a server that lists a model and answers with this; without an `answer` it says nothing."""
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(200, MODELS)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if not answer:
                done.wait(30)
            self.reply(status, answer)

        def reply(self, status: int, data: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda request, client_address: None  # type: ignore[method-assign]  # the client hung up
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        done.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is needed for what is tested here."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def _of(outcome: Outcome, subject: str) -> dict[str, str]:
    """The finding about `subject`."""
    return next(each for each in json.loads(outcome.out) if each["subject"] == subject)


def test_a_server_that_is_down_fails_with_its_address_and_what_to_do(
    visavis: Command, unused_tcp_port_factory: Callable[[], int]
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}/v1"
    outcome = visavis("--set", f"llm_url={url}", "doctor", "--json")
    finding = _of(outcome, "thinking")
    assert (outcome.code, finding["state"]) == (2, "fails")
    assert f"{url} cannot be reached" in finding["detail"]
    assert finding["remedy"].startswith("start it, ")
    assert "VISAVIS_LLM_URL" in finding["remedy"]


def test_a_server_that_answers_works(visavis: Command) -> None:
    with _server(200, CHUNK) as url:
        outcome = visavis("--set", f"llm_url={url}", "doctor", "--json")
    finding = _of(outcome, "thinking")
    assert (outcome.code, finding["state"]) == (0, "works")
    assert f"the server at {url} answers" in finding["detail"]


def test_a_server_that_wants_another_key_is_told_in_its_words(visavis: Command) -> None:
    with _server(401, b'{"error": {"message": "bad key"}}') as url:
        outcome = visavis("--set", f"llm_url={url}", "doctor", "--json")
    finding = _of(outcome, "thinking")
    assert (outcome.code, finding["state"]) == (2, "fails")
    assert "answered 401: bad key" in finding["detail"]
    assert finding["remedy"] == "set VISAVIS_LLM_API_KEY to a valid key"


@pytest.mark.parametrize(
    ("setting", "subject"),
    [
        ("asr_url", "understanding speech"),
        ("tts_url", "speaking"),
        ("animation_url", "the videos"),
    ],
)
def test_every_server_of_the_settings_is_tried(
    visavis: Command, unused_tcp_port_factory: Callable[[], int], setting: str, subject: str
) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port_factory()}"
    outcome = visavis("--set", f"{setting}={url}", "doctor", "--json")
    finding = _of(outcome, subject)
    assert (outcome.code, finding["state"]) == (2, "fails")
    assert f"{url}" in finding["detail"]
    assert finding["remedy"].startswith("start it, ")


def test_a_server_that_says_nothing_is_not_waited_for(visavis: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_PATIENCE", 0.5)
    with _server(200, b"") as url:
        outcome = visavis("--set", f"llm_url={url}", "doctor", "--json")
    finding = _of(outcome, "thinking")
    assert (outcome.code, finding["state"]) == (2, "fails")
    assert "sent no word for 0.5 s" in finding["detail"]


def test_a_server_that_is_not_used_is_not_asked(visavis: Command) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/v1"
        outcome = visavis("--set", f"llm_url={url}", "--set", "llm=fake", "doctor", "--json")
    assert (outcome.code, _of(outcome, "thinking")["state"]) == (0, "works")


@pytest.mark.parametrize("content", [b"not a model", b"GGUF and more", None])
def test_a_model_file_that_is_none_fails(visavis: Command, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "model.gguf"
    if content is None:
        tiny_qwen3.write(file)
    else:
        file.write_bytes(content)
    outcome = visavis("--set", "llm_file=model.gguf", "--set", "llm=llamacpp", "doctor", "--json")
    expected = (0, "works") if content is None else (2, "fails")
    assert (outcome.code, _of(outcome, "thinking")["state"]) == expected


def test_a_voice_that_is_set_and_not_here_fails(visavis: Command) -> None:
    outcome = visavis("--set", "voice=nobody", "doctor", "--json")
    finding = _of(outcome, "the voice")
    assert (outcome.code, finding["state"]) == (2, "fails")
    assert "there is no voice 'nobody' here" in finding["detail"]


def test_without_ears_typed_questions_still_work_so_all_is_well(
    visavis: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PocketSphinx, "availability", lambda: Availability(False, "no wheel", "use Python 3.11"))
    outcome = visavis("doctor")
    assert outcome.code == 0
    assert "~ understanding speech: " in outcome.out
    assert "(typed questions still work)" in outcome.out
    asked_for = visavis("--set", "asr=pocketsphinx", "doctor", "--json")
    assert (asked_for.code, _of(asked_for, "understanding speech")["state"]) == (2, "fails")
