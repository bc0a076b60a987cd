"""A chat server answers, or misbehaves and is named in one clear line."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
from pydantic import SecretStr

from tests.engines.llm.server import Reply, Request, answers, chunk, serve, streams, whole
from visavis.engines.llm.openai import OpenAICompatible, base_url
from visavis.engines.protocols import Message, Sampling
from visavis.engines.registry import choose
from visavis.errors import BadInput, EngineFailed
from visavis.settings import Settings, load_settings

QUESTION = [Message("system", "Be brief."), Message("user", "Who are you?")]
GOOD = chunk("") + chunk("I am ") + chunk("Ada.") + chunk(finish="stop") + "data: [DONE]\n\n"


async def ask(
    reply: Reply, messages: list[Message] = QUESTION, options: Sampling | None = None, **settings: Any
) -> tuple[str, str | None, list[Request]]:
    """The answer, why it ended, and what the server was sent."""
    async with (
        serve(reply) as server,
        OpenAICompatible(Settings(llm_url=server.url, **{"llm_model": "m", **settings})) as engine,
    ):
        deltas = [delta async for delta in engine.complete(messages, options or Sampling())]
        return "".join(delta.text for delta in deltas), deltas[-1].finish, server.requests


async def failure(reply: Reply, **settings: Any) -> str:
    """The one line a person reads."""
    with pytest.raises(EngineFailed) as caught:
        await ask(reply, **settings)
    line = str(caught.value)
    assert caught.value.slot == "llm"
    assert caught.value.name == "openai"
    assert "\n" not in line
    assert "http://127.0.0.1:" in line
    assert "; " in line  # what happened; what to do
    assert len(line) < 400
    return line


async def test_an_answer_is_streamed() -> None:
    text, finish, requests = await ask(answers(GOOD), options=Sampling(max_tokens=9, temperature=0.1, stop=("X",)))
    assert (text, finish) == ("I am Ada.", "stop")
    assert requests[0].path == "/v1/chat/completions"
    assert requests[0].body == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who are you?"}],
        "max_tokens": 9,
        "temperature": 0.1,
        "top_p": 0.95,
        "stop": ["X"],
        "stream": True,
    }
    assert "authorization" not in requests[0].headers


async def test_the_key_is_sent_and_never_shown() -> None:
    _, _, requests = await ask(answers(GOOD), llm_api_key=SecretStr("sesame"))
    assert requests[0].headers["authorization"] == "Bearer sesame"
    assert "sesame" not in await failure(answers("no", status="401 Unauthorized"), llm_api_key=SecretStr("sesame"))


async def test_the_first_model_of_the_server_is_used_when_none_is_named() -> None:
    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        models = json.dumps({"data": [{"id": "first"}, {"id": "second"}]})
        await (answers(models, kind="application/json") if request.method == "GET" else answers(GOOD))(request, writer)

    _, _, requests = await ask(reply, llm_model=None)
    assert [request.path for request in requests] == ["/v1/models", "/v1/chat/completions"]
    assert requests[1].body["model"] == "first"


async def test_a_server_that_does_not_stream_is_understood() -> None:
    text, finish, _ = await ask(answers(whole("I am Ada.", "length"), kind="application/json"))
    assert (text, finish) == ("I am Ada.", "length")


@pytest.mark.parametrize(
    "body",
    [
        GOOD.replace("\n", "\r\n"),
        ": hello\n\nevent: message\n" + GOOD,
        GOOD.replace("data: ", "data:"),
        GOOD.replace("data: [DONE]\n\n", ""),
        chunk("I am Ada.") + "data: [DONE]\n\n",
        chunk("I am Ada.", finish="stop").rstrip(),
        'data: {"choices": []}\n\n' + GOOD,
        'data: {"choices": [{"delta": {"role": "assistant", "content": null}}]}\n\n' + GOOD,
        GOOD.replace('{"choices"', '{"error": null, "choices"'),
        "\n\n" + GOOD,
    ],
    ids=lambda body: repr(body)[1:24],
)
async def test_dialects_are_understood(body: str) -> None:
    text, finish, _ = await ask(answers(body))
    assert (text, finish) == ("I am Ada.", "stop")


async def test_characters_cut_between_packets_arrive_whole() -> None:
    data = ('data: {"choices": [{"delta": {"content": "Grüße, 世界 🙂"}}]}\n\n' + chunk(finish="stop")).encode()

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for i in range(len(data)):
            writer.write(data[i : i + 1])
            await writer.drain()

    assert (await ask(reply))[0] == "Grüße, 世界 🙂"


async def test_a_server_that_is_down_is_named() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(
        EngineFailed, match=rf"{url}/v1 cannot be reached .*unset it to use the embedded model .--llm-url sets"
    ):
        async with OpenAICompatible(Settings(llm_url=url)):
            pass


async def test_a_name_that_does_not_resolve_is_named() -> None:
    with pytest.raises(EngineFailed, match=r"nowhere\.invalid/v1 cannot be reached"):
        async with OpenAICompatible(Settings(llm_url="http://nowhere.invalid")):
            pass


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        ("400 Bad Request", '{"error": {"message": "context too long"}}', "answered 400: context too long; "),
        ("401 Unauthorized", '{"error": {"message": "bad key"}}', "answered 401: bad key; set VISAVIS_LLM_API_KEY"),
        ("403 Forbidden", '{"detail": "no"}', "answered 403: no; set VISAVIS_LLM_API_KEY"),
        ("404 Not Found", '{"error": "model \'m\' not found"}', "404: model 'm' not found; check --llm-url"),
        ("404 Not Found", "<html><title>nginx</title><p>Not\nFound</p></html>", "answered 404: nginx Not Found; "),
        ("429 Too Many Requests", "", "answered 429: nothing; it is busy"),
        ("500 Internal Server Error", "Traceback\n" * 200, "answered 500: Traceback Traceback"),
        ("503 Service Unavailable", '{"error":{"message":"Loading model"}}', "answered 503: Loading model; "),
    ],
)
async def test_a_refusal_says_the_status_the_servers_words_and_the_remedy(
    status: str, body: str, expected: str
) -> None:
    assert expected in await failure(answers(body, status=status))


async def test_a_server_that_has_moved_says_where_to() -> None:
    line = await failure(answers("", status="301 Moved Permanently", headers={"Location": "https://example.org/v1"}))
    assert "https://example.org/v1" in line


@pytest.mark.parametrize(
    "body",
    [
        "hello",
        "[1, 2]",
        '"x"',
        "{}",
        '{"choices": []}',
        '{"choices": [{"message": {"content": 7}}]}',
        '{"choices": 3}',
        "data: {broken\n\n",
        "data: 12\n\n",
        'data: {"id": 1}\n\n',
        'data: {"choices": [7]}\n\n',
        'data: {"choices": [{"delta": {"content": ["x"]}}]}\n\n',
        "\x00\x01\x02\x03",
    ],
    ids=lambda body: repr(body)[1:30],
)
async def test_garbage_is_called_garbage(body: str) -> None:
    assert "did not answer as an OpenAI-compatible server" in await failure(answers(body))


@pytest.mark.parametrize("model", ["m", None])
@pytest.mark.parametrize(
    "page", ["<!DOCTYPE html>\n<html><h1>Hi</h1></html>", "\n<html><body>Open WebUI</body></html>"]
)
async def test_a_web_page_is_called_one_and_the_usual_address_is_told(page: str, model: str | None) -> None:
    line = await failure(answers(page, kind="text/html"), llm_model=model)
    assert "sends a web page; that is not an OpenAI-compatible server" in line
    assert "--llm-url (VISAVIS_LLM_URL), which usually ends in /v1" in line


async def test_bytes_that_are_no_text_are_called_garbage() -> None:
    assert "did not answer as" in await failure(answers(bytes(range(128, 256)) * 50))


async def test_a_wrong_compression_is_called_broken() -> None:
    assert "broke off" in await failure(answers("not gzip", headers={"Content-Encoding": "gzip"}))


async def test_an_error_in_the_middle_of_the_stream_is_passed_on() -> None:
    body = chunk("I am ") + 'data: {"error": {"message": "out of memory"}}\n\n'
    assert "failed: out of memory" in await failure(answers(body))


async def test_a_stream_that_is_cut_is_not_taken_for_the_end() -> None:
    assert "broke off" in await failure(answers(chunk("I am ")))
    assert "broke off" in await failure(answers(chunk("I am "), length=10_000))
    assert "broke off" in await failure(answers(chunk("I am ") + 'data: {"choices": [{"del', length=10_000))


@pytest.mark.parametrize(
    "body",
    ["", "data: [DONE]\n\n", chunk(" ") + chunk(finish="stop"), whole(None), whole("")],
    ids=lambda body: repr(body)[1:30],
)
async def test_an_empty_answer_is_a_failure(body: str) -> None:
    assert "gave an empty answer" in await failure(answers(body))


async def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    assert "sent no word for 0.2 s" in await failure(reply, llm_timeout=0.2)


async def test_keep_alive_comments_do_not_count_as_words() -> None:
    async def pieces() -> AsyncIterator[str]:
        yield chunk("I ")
        while True:
            yield ": still here\n\n"
            await asyncio.sleep(0.02)

    assert "sent no word for 0.2 s; use a smaller model" in await failure(streams(pieces), llm_timeout=0.2)


async def test_a_slow_server_that_keeps_talking_is_waited_for() -> None:
    async def pieces() -> AsyncIterator[str]:
        for word in ["I", "am", "not", "in", "a", "hurry"]:
            yield chunk(word + " ")
            await asyncio.sleep(0.1)
        yield chunk(finish="stop")

    text, _, _ = await ask(streams(pieces), llm_timeout=0.5)
    assert text == "I am not in a hurry "


async def test_an_answer_without_an_end_is_ended() -> None:
    async def pieces() -> AsyncIterator[str]:
        while True:
            yield chunk("blah " * 20)

    text, finish, _ = await ask(streams(pieces), options=Sampling(max_tokens=10))
    assert finish == "length"
    assert len(text) < 500


async def test_a_line_without_an_end_is_refused() -> None:
    async def pieces() -> AsyncIterator[str]:
        while True:
            yield "x" * 100_000

    assert "without an end" in await failure(streams(pieces))


async def test_closing_the_stream_hangs_up() -> None:
    async def pieces() -> AsyncIterator[str]:
        while True:
            yield chunk("word ")
            await asyncio.sleep(0.01)

    async with (
        serve(streams(pieces)) as server,
        OpenAICompatible(Settings(llm_url=server.url, llm_model="m")) as engine,
    ):
        async with aclosing(engine.complete(QUESTION, Sampling())) as stream:
            for _ in range(3):
                await anext(stream)
        await asyncio.wait_for(server.hung_up.wait(), 2)


async def test_a_question_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(BadInput, match="50,000 characters"):
        await ask(answers(GOOD), messages=[Message("user", "why? " * 10_000)])


async def test_half_a_surrogate_pair_does_not_break_the_request() -> None:
    _, _, requests = await ask(answers(GOOD), messages=[Message("user", "a\ud800b")])
    assert requests[0].body["messages"][0]["content"] == "a?b"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:8080", "http://localhost:8080/v1"),
        ("http://localhost:8080/", "http://localhost:8080/v1"),
        ("http://localhost:8080/v1", "http://localhost:8080/v1"),
        ("http://localhost:8080/v1/", "http://localhost:8080/v1"),
        ("http://localhost:8080/v1/chat/completions", "http://localhost:8080/v1"),
        ("https://example.org/api/openai", "https://example.org/api/openai"),
    ],
)
def test_the_address_may_be_written_in_the_usual_ways(url: str, expected: str) -> None:
    assert base_url(url) == expected


def test_naming_a_server_makes_it_the_automatic_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not OpenAICompatible.availability().ready
    monkeypatch.setenv("VISAVIS_LLM_URL", "http://localhost:1")
    assert choose("llm", load_settings()).info.name == "openai"


async def test_what_a_server_thinks_aloud_is_not_heard() -> None:
    thinking = "".join(map(chunk, ("<thi", "nk>\nWho am", " I?</th", "ink>\n\n", "I am ", "Ada.")))
    text, finish, _ = await ask(answers(thinking + chunk(finish="stop") + "data: [DONE]\n\n"))
    assert (text, finish) == ("I am Ada.", "stop")
    text, _, _ = await ask(answers(whole("<think>Who am I?</think>I am Ada."), kind="application/json"))
    assert text == "I am Ada."


async def test_a_server_that_only_thinks_has_answered_nothing() -> None:
    thinking = chunk("<think>Who am I?") + chunk(finish="stop") + "data: [DONE]\n\n"
    assert "gave an empty answer" in await failure(answers(thinking))
