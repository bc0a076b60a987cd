"""Hearing and speaking as tools of the Model Context Protocol, told by its official client. Names begin with the
contract's case."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import mcp
import mcp_types as types
import numpy as np
import pytest
import pytest_asyncio
from mcp.client.sse import sse_client

from tests.browser.voices import RATE, silence, speech
from tests.serving.processes import SILENCE, file, started, text
from tests.serving.test_tts import seconds

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
MCP = {"ENABLE_MCP": "true"}


@asynccontextmanager
async def client(address: str, **headers: str) -> AsyncGenerator[mcp.ClientSession, None]:
    """Of the service at an address."""
    async with (
        sse_client(f"{address}/sse", headers=headers, timeout=60) as streams,
        mcp.ClientSession(*streams) as session,
    ):
        await session.initialize()
        yield session


async def called(address: str, name: str, arguments: dict[str, Any], **headers: str) -> types.CallToolResult:
    async with client(address, **headers) as session:
        result = await session.call_tool(name, arguments)
    assert isinstance(result, types.CallToolResult)
    return result


def said(result: types.CallToolResult) -> str:
    """The one text of a result."""
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asr() -> AsyncGenerator[str, None]:
    async with started("asr", **MCP) as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tts() -> AsyncGenerator[str, None]:
    async with started("tts", "--sessions", "1", ENABLE_MCP="YES") as address:
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def question() -> str:
    return text(file(np.concatenate([silence(0.4), await speech("What is your name?"), silence(0.4)]), RATE))


async def test_a_service_describes_the_one_tool_that_it_is(asr: str, tts: str) -> None:
    for address, name, takes, gives in (
        (asr, "audio_to_text", {"file", "model", "language"}, {"text"}),
        (tts, "text_to_speech", {"request"}, {"audio_str"}),
    ):
        async with client(address) as session:
            (tool,) = (await session.list_tools()).tools
            assert tool.name == name
            assert set(tool.input_schema["properties"]) == takes
            assert tool.output_schema is not None
            assert set(tool.output_schema["properties"]) == gives


@pytest.mark.parametrize("language", ["english", "auto"])
async def test_c5_a_recording_becomes_text(asr: str, question: str, language: str) -> None:
    asked = {"file": question, "model": "openai/whisper-small", "language": language}
    result = await called(asr, "audio_to_text", asked)
    assert not result.is_error
    assert json.loads(said(result)) == result.structured_content == {"text": "what is your name"}


async def test_d3_text_becomes_base64_of_a_wav(tts: str) -> None:
    result = await called(tts, "text_to_speech", {"request": {"input": "Hi there, welcome to OPEA."}})
    assert not result.is_error
    sound = json.loads(said(result))["audio_str"]
    assert sound.startswith("Ukl")
    assert 1.0 < seconds(base64.b64decode(sound)) < 4.0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "file: Field required"),
        ({"file": 3}, "file: Input should be a valid string"),
        ({"file": "no base64!"}, "this is no base64: send a sound file's bytes in it"),
        ({"file": "YWJj"}, "sound"),
        ({"file": SILENCE}, "no speech was heard in it: send a recording in which somebody speaks up"),
        ({"file": text(file(np.zeros(16_000 * 1200, np.float32), 16_000, "flac"))}, "1200 s long"),
        (
            {"file": SILENCE, "language": "french"},
            "no asr engine here knows the language 'fr'",
        ),
    ],
)
async def test_what_cannot_be_heard_is_the_tools_error_in_one_sentence(
    asr: str, arguments: dict[str, Any], says: str
) -> None:
    check_refusal(await called(asr, "audio_to_text", arguments), says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"request": {}}, "request.input: Field required"),
        ({"request": {"input": "?!"}}, "there is nothing to say: the text has no words in it"),
        ({"request": {"input": "a " * 3000}}, "the text has 6,000 characters: at most 4,096 are said at once"),
        ({"request": {"input": "Hello.", "voice": "nobody"}}, "there is no voice 'nobody' here"),
    ],
)
async def test_what_cannot_be_said_is_the_tools_error_in_one_sentence(
    tts: str, arguments: dict[str, Any], says: str
) -> None:
    check_refusal(await called(tts, "text_to_speech", arguments), says)
    check_refusal(await called(tts, "audio_to_text", arguments), "there is no tool 'audio_to_text' here")


def check_refusal(result: types.CallToolResult, says: str) -> None:
    assert result.is_error
    sentence = said(result)
    assert says in sentence
    assert "\n" not in sentence
    assert "/tmp" not in sentence
    assert result.structured_content is None


async def test_it_serves_nothing_else_but_how_it_is(asr: str, tts: str) -> None:
    async with httpx.AsyncClient(timeout=10) as http:
        for address, path in ((asr, "/v1/audio/transcriptions"), (tts, "/v1/audio/speech"), (tts, "/v1/tts")):
            assert (await http.post(address + path, json={"text": "Hello."})).status_code == 404
            for health in ("/health", "/v1/health", "/v1/health_check", "/v1/statistics", "/metrics"):
                assert (await http.get(address + health)).status_code == 200
        assert (await http.get(tts + "/v1/health_check")).json()["Service Title"] == "opea_service@tts"
        assert (await http.post(asr + "/sse")).status_code == 405
        assert (await http.post(asr + "/messages/?session_id=" + "0" * 32, json={})).status_code == 404


async def test_other_services_stay_as_they_are() -> None:
    async with started("llm", "--llm", "fake", **MCP) as address, httpx.AsyncClient(base_url=address) as http:
        body = {"query": "Hello?", "streaming": False}
        assert (await http.post("/v1/chat/completions", json=body)).status_code == 200


LONG = {"request": {"input": "I go on and on. " * 250, "speed": 0.25}}


async def test_a_client_that_gives_up_frees_its_place(tts: str) -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5), client(tts) as session:
            await session.call_tool("text_to_speech", LONG)
    await check_free(tts, begun)


async def test_a_client_whose_connection_breaks_frees_its_place(tts: str) -> None:
    begun = time.monotonic()
    version = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    messages: list[dict[str, Any]] = [
        {"id": 0, "method": "initialize", "params": version},
        {"method": "notifications/initialized"},
        {"id": 1, "method": "tools/call", "params": {"name": "text_to_speech", "arguments": LONG}},
    ]
    async with httpx.AsyncClient(base_url=tts) as http, http.stream("GET", "/sse") as events:
        lines = events.aiter_lines()
        assert await anext(lines) == "event: endpoint"
        place = (await anext(lines)).removeprefix("data: ")
        for message in messages:
            response = await http.post(place, json={"jsonrpc": "2.0", **message})
            assert response.status_code == 202
        await asyncio.sleep(0.5)
    await check_free(tts, begun)


async def check_free(address: str, begun: float) -> None:
    """The only place is free again at once: saying all that was asked for would take longer."""
    await called(address, "text_to_speech", {"request": {"input": "Hello."}})
    assert time.monotonic() - begun < 6.0


async def test_the_doors_are_those_of_every_service(tts: str) -> None:
    async with httpx.AsyncClient(base_url=tts) as http:
        for path in ("/sse", "/messages/"):
            assert (await http.get(path, headers={"host": "evil.example"})).status_code == 403
        assert (await http.post("/messages/", headers={"origin": "http://evil.example"})).status_code == 403


async def test_beyond_this_machine_a_token_is_asked_for() -> None:
    token = "a-secret-of-the-test"
    async with started("tts", "--host", "0.0.0.0", VISAVIS_TOKEN=token, **MCP) as printed:
        address = str(httpx.URL(printed).copy_with(host="127.0.0.1", query=None)).rstrip("/")
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"{address}/sse")).status_code == 401
            assert (await http.post(f"{address}/messages/?session_id={'0' * 32}", json={})).status_code == 401
        asked = {"request": {"input": "Hello."}}
        assert not (await called(address, "text_to_speech", asked, authorization=f"Bearer {token}")).is_error


async def test_it_is_as_open_as_opeas_where_that_is_asked_for() -> None:
    async with started("tts", "--host", "0.0.0.0", "--opea-open", **MCP) as printed:
        address = str(httpx.URL(printed).copy_with(host="127.0.0.1")).rstrip("/")
        foreign = {"host": "opea.example", "origin": "http://ui.example", "authorization": "Bearer None"}
        asked = {"request": {"input": "Hello."}}
        assert not (await called(address, "text_to_speech", asked, **foreign)).is_error


async def test_it_ends_in_good_order_while_a_client_is_there(capfd: pytest.CaptureFixture[str]) -> None:
    async with httpx.AsyncClient() as http:
        async with started("tts", **MCP) as address:
            stream = await http.send(http.build_request("GET", f"{address}/sse"), stream=True)
            assert stream.status_code == 200
            begun = time.monotonic()
        assert time.monotonic() - begun < 5.0
        await stream.aclose()
    assert "Traceback" not in capfd.readouterr().err
