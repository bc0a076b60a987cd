"""A server that does an engine's work: asked again, left alone, and found again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing

import pytest

from tests.engines.llm.server import Request, serve
from visavis.engines import far
from visavis.engines.far import Far, Refused
from visavis.errors import EngineFailed

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"


def status(code: int) -> bytes:
    return f"HTTP/1.1 {code} x\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy".encode()


def replies(*answers: bytes) -> Callable[[Request, asyncio.StreamWriter], Awaitable[None]]:
    left = list(answers)

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()

    return reply


async def asked(server: Far) -> str:
    response = await server.send("POST", "/x", json={})
    async with aclosing(response):
        return await server.text(response)


async def test_a_busy_server_is_asked_again_after_a_moment() -> None:
    async with serve(replies(status(503), status(429), OK)) as server, Far("tts", "t", server.url, timeout=5) as one:
        begin = time.perf_counter()
        assert await asked(one) == "ok"
        assert len(server.requests) == 3
        assert time.perf_counter() - begin > 0.2


async def test_a_kept_connection_that_the_server_closes_is_asked_again_on_a_new_one() -> None:
    asked_on: list[int] = []
    left = asyncio.Event()

    async def one_answer_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for number in (1, 2):
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(2)
                asked_on.append(number)
                if number == 1:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    await writer.drain()
        except asyncio.IncompleteReadError:
            left.set()
        finally:
            writer.close()

    server = await asyncio.start_server(one_answer_each, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, Far("tts", "t", url, timeout=5) as one:
        assert await asked(one) == "ok"
        assert await asked(one) == "ok"
    await left.wait()
    assert asked_on == [1, 2, 1]


async def test_what_a_server_refuses_or_breaks_on_is_not_asked_twice() -> None:
    for code in (400, 500):
        async with serve(replies(status(code))) as server, Far("asr", "t", server.url, timeout=5) as one:
            with pytest.raises(Refused, match=f"answered {code}: busy") as refusal:
                await asked(one)
            assert refusal.value.status == code
            assert len(server.requests) == 1


async def test_a_server_that_goes_on_failing_is_left_alone_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far, "REST", 0.3)
    failures = [status(500)] * far.FAILURES
    async with serve(replies(*failures, OK)) as server, Far("llm", "t", server.url, timeout=5) as one:
        for _ in failures:
            with pytest.raises(EngineFailed, match="answered 500"):
                await asked(one)
        with pytest.raises(EngineFailed, match="has failed 3 times in a row; it is asked again in 1 s"):
            await asked(one)
        assert len(server.requests) == far.FAILURES
        await asyncio.sleep(0.35)
        assert await asked(one) == "ok"


async def test_refusals_are_no_failures_of_the_server() -> None:
    async with serve(replies(*[status(422)] * 5, OK)) as server, Far("llm", "t", server.url, timeout=5) as one:
        for _ in range(5):
            with pytest.raises(Refused):
                await asked(one)
        assert await asked(one) == "ok"


async def test_a_server_that_is_started_in_the_meantime_is_reached() -> None:
    async with serve(replies(OK)) as server:
        url = server.url
    async with Far("tts", "t", url, timeout=5) as one:
        with pytest.raises(EngineFailed, match=r"cannot be reached .*; start it, correct VISAVIS_TTS_URL"):
            await asked(one)
