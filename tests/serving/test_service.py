"""What all services have in common: who may come in, and what happens when somebody leaves."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from tests.serving.processes import started


@pytest.mark.slow
async def test_foreign_pages_and_names_are_kept_out_unless_it_is_as_open_as_opeas() -> None:
    foreign = ({"origin": "http://evil.example"}, {"host": "evil.example"})
    body = {"query": "Hello?", "streaming": False}
    async with started("llm", "--llm", "fake") as address, httpx.AsyncClient(base_url=address) as http:
        for headers in foreign:
            assert (await http.post("/v1/chat/completions", json=body, headers=headers)).status_code == 403
        assert (await http.post("/v1/chat/completions", json=body)).status_code == 200
    async with started("llm", "--llm", "fake", "--opea-open") as address, httpx.AsyncClient(base_url=address) as http:
        for headers in (*foreign, {"authorization": "Bearer None"}):
            response = await http.post("/v1/chat/completions", json=body, headers=headers)
            assert response.status_code == 200
        response = await http.post("/v1/chat/completions", json=body, headers=foreign[0])
        assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.slow
async def test_beyond_this_machine_a_token_is_asked_for() -> None:
    token = "a-secret-of-the-test"
    async with (
        started("llm", "--llm", "fake", "--host", "0.0.0.0", VISAVIS_TOKEN=token) as address,
        httpx.AsyncClient(base_url=httpx.URL(address).copy_with(host="127.0.0.1", query=None)) as http,
    ):
        body = {"query": "Hello?", "streaming": False}
        refused = await http.post("/v1/chat/completions", json=body)
        assert refused.status_code == 401
        assert "Authorization: Bearer" in refused.text
        headers = {"authorization": f"Bearer {token}"}
        assert (await http.post("/v1/chat/completions", json=body, headers=headers)).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_client_that_leaves_frees_the_engine(streamed: bool) -> None:
    asked, freed = asyncio.Event(), asyncio.Event()

    async def think(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A model that never comes to its end, and notes when nobody listens any more."""
        await reader.readuntil(b"\r\n\r\n")
        piece = json.dumps({"choices": [{"index": 0, "delta": {"content": "Well, "}, "finish_reason": None}]})
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        writer.write(f"data: {piece}\n\n".encode())
        asked.set()
        while await reader.read(1_000):
            pass
        freed.set()
        writer.close()

    model = await asyncio.start_server(think, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{model.sockets[0].getsockname()[1]}/v1"
    async with model, started("llm", "--llm-url", url, VISAVIS_LLM_MODEL="endless") as address:
        async with httpx.AsyncClient(base_url=address) as http:
            body = {"messages": "Hello?", "stream": streamed}
            leaving = asyncio.ensure_future(http.post("/v1/chat/completions", json=body))
            await asked.wait()
            await asyncio.sleep(0.2)
            assert not freed.is_set()
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        async with asyncio.timeout(5):
            await freed.wait()
