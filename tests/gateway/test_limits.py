"""Who asks for too much, or for nothing at all, costs the others nothing and is told why."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.gateway.doors import FakeLive, app_of, connected, serving
from visavis.gateway import server
from visavis.gateway.limits import MESSAGE_BYTES, SILENT, TOO_MUCH, Bucket, Buckets, Limits, Rate
from visavis.settings import Settings

HELLO = '{"type": "hello", "version": 1}'


async def _closed(talk: ClientConnection) -> tuple[int, str, list[dict[str, object]]]:
    """The code and the reason with which a connection ends, and the errors that were told before."""
    told = [json.loads(message) async for message in _until_closed(talk) if message != "heard"]
    assert talk.close_code is not None
    return talk.close_code, talk.close_reason or "", told


async def _until_closed(talk: ClientConnection) -> AsyncGenerator[str | bytes, None]:
    with suppress(ConnectionClosed):
        while True:
            yield await talk.recv()


def _open(port: int) -> connect:
    return connect(f"ws://127.0.0.1:{port}/ws", proxy=None)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket(Rate(2, 3), now=10.0)
    assert [bucket.take(1, 10.0) for _ in range(3)] == [0, 0, 0]
    assert bucket.take(1, 10.0) == 0.5
    assert bucket.take(1, 10.5) == 0
    assert bucket.take(1, 10.5) > 0
    assert [bucket.take(1, 100.0) for _ in range(4)][:3] == [0, 0, 0]
    assert bucket.take(1, 100.0) > 0


def test_every_address_has_a_bucket_of_its_own_and_an_ipv6_network_has_one() -> None:
    buckets = Buckets(Rate(1, 1))
    assert buckets.take("192.0.2.1", 0.0) == 0
    assert buckets.take("192.0.2.1", 0.0) > 0
    assert buckets.take("192.0.2.2", 0.0) == 0
    assert buckets.take("2001:db8::1", 0.0) == 0
    assert buckets.take("2001:db8::2", 0.0) > 0
    assert buckets.take("2001:db8:0:1::1", 0.0) == 0
    assert buckets.take("::ffff:192.0.2.3", 0.0) == 0
    assert buckets.take("::ffff:192.0.2.4", 0.0) == 0


def test_addresses_are_forgotten_so_that_memory_is_bounded() -> None:
    buckets = Buckets(Rate(1, 1), most=10)
    for number in range(100):
        assert buckets.take(f"10.0.0.{number}", 0.0) == 0
    assert buckets.take("10.0.0.99", 0.0) > 0
    assert buckets.take("10.0.0.0", 0.0) == 0


async def test_who_says_no_hello_is_closed_and_told() -> None:
    live = FakeLive()
    async with serving(app_of(Settings(), live, Limits(patience=0.1))) as port, _open(port) as talk:
        code, reason, told = await _closed(talk)
    assert code == SILENT
    assert "hello" in reason
    assert (told[0]["code"], told[0]["fatal"]) == ("idle", True)
    assert live.closed == [SILENT]


async def test_saying_something_else_is_not_saying_hello() -> None:
    live = FakeLive()
    async with serving(app_of(Settings(), live, Limits(patience=1.0))) as port, _open(port) as talk:
        await talk.send('{"type": "ping", "sent": 1}')
        await talk.send("hello")
        assert (await _closed(talk))[0] == SILENT
    assert len(live.heard) == 2


async def test_after_hello_one_may_be_silent() -> None:
    live = FakeLive()
    async with serving(app_of(Settings(), live, Limits(patience=0.5))) as port, _open(port) as talk:
        await talk.send(HELLO)
        assert await talk.recv() == "heard"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(talk.recv(), 1.0)
        await talk.send("and on")
        assert await talk.recv() == "heard"


async def test_a_hundred_that_only_open_cannot_keep_out_who_has_something_to_say() -> None:
    live = FakeLive()
    limits = Limits(patience=60, connections=Rate(1, 200))
    async with serving(app_of(Settings(), live, limits)) as port:
        silent = [await _open(port) for _ in range(100)]
        async with _open(port) as talk:
            await talk.send(HELLO)
            assert await talk.recv() == "heard"
        ended = [each for each in silent if each.close_code is not None]
        assert len(ended) >= 100 - limits.silent
        assert {each.close_code for each in ended} == {SILENT}
        await asyncio.gather(*(each.close() for each in silent))


async def test_too_many_connections_are_refused_with_a_reason() -> None:
    live = FakeLive()
    app = app_of(Settings(), live, Limits(connections=Rate(0.01, 2)))
    async with serving(app) as port, _open(port), _open(port), _open(port) as third:
        code, reason, told = await _closed(third)
    assert code == TOO_MUCH
    assert "try again in" in reason
    assert told[0]["code"] == "rate"
    assert live.connections == 2


@pytest.mark.parametrize("limits", [Limits(messages=Rate(1, 10)), Limits(bytes=Rate(1, 200))], ids=["many", "much"])
async def test_a_flood_of_messages_ends_its_connection_and_no_other(limits: Limits) -> None:
    live = FakeLive()
    async with serving(app_of(Settings(), live, limits)) as port, _open(port) as calm:
        await calm.send(HELLO)
        assert await calm.recv() == "heard"
        async with _open(port) as flood:
            await flood.send(HELLO)
            for _ in range(20):
                await flood.send("x" * 20)
            code, _, told = await _closed(flood)
        await calm.send("still here")
        assert await calm.recv() == "heard"
    assert code == TOO_MUCH
    assert told[0]["code"] == "rate"


async def test_what_our_page_sends_is_far_within_the_limits() -> None:
    live = FakeLive()
    async with serving(app_of(Settings(), live)) as port, _open(port) as talk:
        await talk.send(HELLO)
        for _ in range(500):  # ten seconds of sound at once, as after a network's pause
            await talk.send("x" * 4_000)
        for _ in range(501):
            assert await talk.recv() == "heard"


async def test_a_message_that_is_too_long_ends_its_connection() -> None:
    live = FakeLive()
    async with serving(app_of(Settings(), live)) as port, _open(port) as talk:
        await talk.send(HELLO)
        await talk.send("x" * (MESSAGE_BYTES - 1))
        assert [await talk.recv(), await talk.recv()] == ["heard", "heard"]
        await talk.send("x" * (MESSAGE_BYTES + 1))
        assert (await _closed(talk))[0] == 1009
    assert max(map(len, live.heard)) < MESSAGE_BYTES


async def test_requests_of_programs_are_limited_by_address_and_apart_from_uploads() -> None:
    app = app_of(Settings(), FakeLive(), replace(Limits(), requests=Rate(0.01, 2), uploads=Rate(0.01, 1)))
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        answers = [await http.post("/v1/avatarchatbot", json={}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [404, 404, 429]
        assert "too many requests" in answers[-1].json()["error"]["message"]
        assert (await http.post("/avatars", content=b"x")).status_code != 429


async def test_uploads_are_limited_by_address() -> None:
    app = app_of(Settings(), FakeLive(), replace(Limits(), uploads=Rate(0.01, 2)))
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        codes = [(await client.post("/avatars", content=b"x")).status_code for _ in range(2)]
        third = await client.post("/avatars", content=b"x")
        assert 429 not in codes
        assert third.status_code == 429
        assert int(third.headers["retry-after"]) > 0
        assert "too many uploads" in third.json()["error"]["message"]
        assert (await client.get("/health")).status_code == 200


async def test_an_address_cannot_be_made_up() -> None:
    app = app_of(Settings(), FakeLive(), Limits(uploads=Rate(0.01, 1)))
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        codes = []
        for number in range(2):
            headers = {"X-Forwarded-For": f"192.0.2.{number}"}
            codes.append((await client.post("/avatars", content=b"x", headers=headers)).status_code)
        assert codes[1] == 429


async def test_a_connection_that_asks_for_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "FIRST_REQUEST", 0.1)
    async with serving(app_of(Settings(), FakeLive())) as port, connected(port) as (reader, writer):
        writer.write(b"GET / HTT")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await asyncio.wait_for(reader.readexactly(1), 10)


async def test_a_client_that_never_reads_is_dropped_and_its_conversation_learns_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "UNREAD", 0.2)
    ended = asyncio.Event()

    class Talkative(FakeLive):
        async def serve(self, websocket: object) -> None:
            await websocket.accept()  # type: ignore[attr-defined]
            try:
                while True:
                    await websocket.send_bytes(bytes(100_000))  # type: ignore[attr-defined]
            finally:
                ended.set()

    async with serving(app_of(Settings(), Talkative())) as port, connected(port) as (_, writer):
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        upgrade = f"Host: localhost:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}"
        writer.write(f"GET /ws HTTP/1.1\r\n{upgrade}\r\n".encode())
        await asyncio.wait_for(ended.wait(), 20)
