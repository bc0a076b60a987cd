"""The language model's service, in OPEA's wire formats, TGI's and OpenAI's. Names begin with the contract's case."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import openai
import pytest
import pytest_asyncio

from tests.serving.processes import started

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
SAID = "It's a café, and it is open."
QUESTION = "What is Deep Learning?"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service() -> AsyncGenerator[httpx.AsyncClient, None]:
    """With a scripted mind: the tests are about what is written around its words."""
    async with (
        started("llm", "--llm", "fake", FAKE_ANSWER=SAID) as address,
        httpx.AsyncClient(base_url=address, timeout=60) as http,
    ):
        yield http


def events(response: httpx.Response) -> list[str]:
    """What the lines of an event stream say."""
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.text.endswith("\n\n")
    lines = response.text[:-2].split("\n\n")
    assert all(line.startswith("data: ") for line in lines)
    return [line.removeprefix("data: ") for line in lines]


async def test_l1_n6_n7_a_query_is_answered_in_the_spelling_of_pythons_bytes(service: httpx.AsyncClient) -> None:
    response = await service.post("/v1/chat/completions", json={"query": QUESTION, "max_tokens": 128})
    *pieces, end = events(response)
    assert end == "[DONE]"
    assert all(re.match("b['\"]", piece) for piece in pieces)
    assert any(piece.startswith('b"') for piece in pieces)  # holds an apostrophe
    assert any("\\xc3\\xa9" in piece for piece in pieces)
    assert b"".join(ast.literal_eval(piece) for piece in pieces).decode() == SAID
    streamed = await service.post("/v1/chat/completions", json={"query": QUESTION, "streaming": True, "id": None})
    assert events(streamed)[-1] == "[DONE]"


async def test_l6_a_query_that_is_not_to_be_streamed_is_answered_with_a_document(service: httpx.AsyncClient) -> None:
    body = {
        "query": QUESTION,
        "max_tokens": 17,
        "top_k": 10,
        "top_p": 0.95,
        "typical_p": 0.95,
        "temperature": 0.01,
        "repetition_penalty": 1.03,
        "streaming": False,
        "documents": [],
    }
    told = (await service.post("/v1/chat/completions", json=body)).json()
    assert list(told) == ["id", "text", "prompt"]
    assert (told["text"], told["prompt"]) == (SAID, QUESTION)


async def test_a_query_wins_over_messages(service: httpx.AsyncClient) -> None:
    messages = [{"role": "user", "content": "And you?"}]
    body = {"query": QUESTION, "messages": messages, "model": "tgi", "temperature": 0.5, "streaming": False}
    assert (await service.post("/v1/chat/completions", json=body)).json()["prompt"] == QUESTION


async def test_l3_a_string_of_messages_is_answered_as_a_completion(service: httpx.AsyncClient) -> None:
    body = {"model": "Intel/neural-chat-7b-v3-3", "messages": QUESTION, "max_tokens": 17, "stream": False}
    told = (await service.post("/v1/chat/completions", json=body)).json()
    assert (told["object"], told["choices"][0]["text"]) == ("text_completion", SAID)
    query = (await service.post("/v1/chat/completions", json={"query": QUESTION, "stream": False})).json()
    assert (query["object"], query["choices"][0]["text"]) == ("text_completion", SAID)


async def test_l4_a_list_of_messages_is_answered_as_a_chat(service: httpx.AsyncClient) -> None:
    messages = [{"role": "user", "content": QUESTION}]
    for flag in ("stream", "streaming"):
        told = (await service.post("/v1/chat/completions", json={"model": "tgi", "messages": messages, flag: 0})).json()
        choice = told["choices"][0]
        assert (told["object"], told["model"], choice["finish_reason"]) == ("chat.completion", "tgi", "stop")
        assert choice["message"] == {"role": "assistant", "content": SAID}


async def test_a_retrievers_finding_is_streamed(service: httpx.AsyncClient) -> None:
    found = {"initial_query": QUESTION, "retrieved_docs": [{"text": "It is a branch of machine learning."}]}
    assert events(await service.post("/v1/chat/completions", json=found))[-1] == "[DONE]"
    empty = await service.post("/v1/chat/completions", json={**found, "retrieved_docs": []})
    assert events(empty)[-1] == "[DONE]"


async def test_l5_tgis_own_addresses_answer_as_tgi_does(service: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {"inputs": QUESTION, "parameters": {"max_new_tokens": 17, "do_sample": True}}
    assert (await service.post("/generate", json=body)).json() == {"generated_text": SAID}
    assert (await service.post("/", json=body)).json() == [{"generated_text": SAID}]
    for path, more in (("/generate_stream", {}), ("/", {"stream": True})):
        pieces = [json.loads(piece) for piece in events(await service.post(path, json={**body, **more}))]
        assert "".join(piece["token"]["text"] for piece in pieces) == SAID
        assert [piece["generated_text"] for piece in pieces[:-1]] == [None] * (len(pieces) - 1)
        assert pieces[-1]["generated_text"] == SAID


async def test_l2_openais_client_is_answered_whole_and_in_pieces(service: httpx.AsyncClient) -> None:
    async with openai.AsyncOpenAI(base_url=f"{service.base_url}/v1", api_key="none") as client:
        model = (await client.models.list()).data[0].id
        asked: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": QUESTION}]}
        whole = await client.chat.completions.create(**asked)
        assert whole.choices[0].message.content == SAID
        pieces = [piece async for piece in await client.chat.completions.create(**asked, stream=True)]
        assert pieces[0].choices[0].delta.role == "assistant"
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == SAID
        assert pieces[-1].choices[0].finish_reason == "stop"
        written: dict[str, Any] = {"model": model, "messages": QUESTION, "max_tokens": 128}
        text: Any = await client.chat.completions.create(**written)
        assert text.choices[0].text == SAID
        completion = await client.completions.create(model=model, prompt=QUESTION)
        assert completion.choices[0].text == SAID


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"text": "hello"}, 422, "Field required"),
        ({"messages": []}, 422, "at least 1 item"),
        ({"messages": "  "}, 400, "empty"),
        ({"query": ""}, 400, "empty"),
        ({"messages": [{"role": "user", "content": ""}]}, 400, "nothing to answer"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "text only"),
        ({"messages": "hi", "max_tokens": -1}, 422, "greater than or equal to 1"),
        ({"query": "hi", "documents": [[]]}, 422, "documents"),
        (None, 422, "body"),
    ],
)
async def test_what_cannot_be_answered_is_refused_with_a_reason(
    service: httpx.AsyncClient, body: object, status: int, says: str
) -> None:
    response = await service.post("/v1/chat/completions", json=body)
    assert response.status_code == status
    assert says in response.json()["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        '{"query": "\\ud800"}',
        '{"messages": "so \\udfff", "stream": true}',
        '{"messages": "hi", "model": "\\ud800"}',
        '{"messages": [{"role": "user", "content": [{"type": "text", "text": "\\ud800"}]}]}',
        '{"query": "hi", "documents": ["\\ud800"]}',
    ],
)
async def test_half_of_a_character_is_refused(service: httpx.AsyncClient, body: str) -> None:
    response = await service.post("/v1/chat/completions", content=body)
    assert response.status_code == 422
    assert "half of a character" in response.json()["error"]["message"]
    whole = body.replace("\\ud800", "\\ud83d\\ude00").replace("\\udfff", "\\ud83d\\ude00")
    assert (await service.post("/v1/chat/completions", content=whole)).status_code == 200


async def test_a_model_that_fails_is_an_error_with_a_status_also_where_it_should_stream() -> None:
    async def fail(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    model = await asyncio.start_server(fail, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{model.sockets[0].getsockname()[1]}/v1"
    async with (
        model,
        started("llm", "--llm-url", url, VISAVIS_LLM_MODEL="broken") as address,
        httpx.AsyncClient(base_url=address, timeout=60) as http,
    ):
        for body in ({"query": QUESTION}, {"messages": QUESTION}, {"messages": QUESTION, "stream": True}):
            response = await http.post("/v1/chat/completions", json=body)
            assert response.status_code == 502
            assert "llm engine 'openai'" in response.json()["error"]["message"]


async def test_the_embedded_model_answers_and_its_statistics_tell_the_first_token() -> None:
    async with started("tgi") as address, httpx.AsyncClient(base_url=address, timeout=60) as http:
        body = {"messages": [{"role": "user", "content": "What is the capital of France?"}], "max_tokens": 24}
        told = (await http.post("/v1/chat/completions", json=body)).json()
        assert "Paris" in told["choices"][0]["message"]["content"]
        await http.post("/v1/chat/completions", json={**body, "stream": True})
        statistics = (await http.get("/v1/statistics")).json()["tgi"]
        assert 0 < statistics["p50_latency_first_token"] <= statistics["p99_latency"]
