"""What a page may say, what is said to it, and what others can read of it."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from tests.gateway.page import open_page
from tests.gateway.scripted import ANSWER, live
from visavis.gateway.events import HEADER, MOTION, MOTION_RATE, SOUND
from visavis.media.audio import SESSION_RATE

pytestmark = pytest.mark.usefixtures("scripted")


WRONG: tuple[str | bytes, ...] = (
    "",
    "{",
    "[]",
    '{"type": "nonsense"}',
    '{"type": "text"}',
    '{"type": "text", "text": 7}',
    '{"type": "text", "text": "hi", "more": 1}',
    json.dumps({"type": "text", "text": "x" * 3000}),
    '{"type": "hello", "version": 1}',
    '{"type": "played", "position": -1}',
    '{"type": "offer", "sdp": "v=0"}',
    '{"type": "configure", "transport": "webrtc"}',
    '{"type": "configure", "avatar": "../../etc/passwd"}',
    '{"type": "configure", "avatar": "own-1"}',
    '{"type": "configure", "voice": "nobody"}',
    '{"type": "configure", "animator": "nobody"}',
    '{"type": "configure", "emotion": "jealous"}',
    '{"type": "text", "text": "?!"}',
    b"",
    b"\x01",
    HEADER.pack(2, 0, 0, 0.0),
    HEADER.pack(SOUND, 0, 1, 0.0) + b"\x00",
)


async def test_a_message_that_is_wrong_is_told_so_and_loses_nothing() -> None:
    async with live() as port, open_page(port) as page:
        await page.hello()
        for message in WRONG:
            count = len(page.events)
            await page.raw(message)
            error = await page.event("error", count)
            assert not error["fatal"], message
            assert error["code"] in ("bad_message", "bad_input"), message
            assert str(Path.home()) not in error["message"]
            assert "Traceback" not in error["message"]
        await page.say("text", text="What is the moon?")
        assert (await page.event("answered"))["text"] == ANSWER


async def test_where_every_encoder_is_in_use_another_page_stays_with_its_websocket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("visavis.gateway.live.calls", lambda settings: 1)
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio", "recvonly")
    connection.addTransceiver("video", "recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    offer = connection.localDescription.sdp
    async with live() as port, open_page(port) as other:
        await other.hello()
        async with open_page(port) as one:
            await one.hello()
            for _ in range(2):  # whoever has a connection may make it anew
                count = len(one.events)
                await one.say("offer", sdp=offer)
                await one.event("answer", count)
            await other.say("offer", sdp=offer)
            assert "no time for another WebRTC connection" in (await other.event("error"))["message"]
            await other.say("text", text="What is the moon?")
            assert (await other.event("answered"))["text"] == ANSWER
        async with asyncio.timeout(30):
            while not any(event["type"] == "answer" for event in other.events):
                await other.say("offer", sdp=offer)
                await asyncio.sleep(0.5)
    await connection.close()


async def test_whoever_says_only_nonsense_is_shown_the_door() -> None:
    async with live() as port, open_page(port) as page:
        await page.hello()
        for _ in range(60):
            await page.raw("nonsense")
        assert (await page.event("error", fatal=True))["code"] == "bad_message"
        await page.closed.wait()


async def test_hello_comes_first_and_in_the_right_version() -> None:
    async with live() as port, open_page(port) as page:
        await page.say("text", text="What is the moon?")
        assert (await page.event("error"))["message"] == "say hello first"
        await page.say("hello", version=99)
        assert (await page.event("error", fatal=True))["code"] == "version"


async def test_a_page_that_draws_the_face_itself_gets_motion_instead_of_pictures() -> None:
    rows: list[tuple[float, int]] = []
    async with live() as port, open_page(port) as page:
        take = page._take

        async def noting(message: str | bytes) -> None:
            if isinstance(message, bytes) and message[0] == MOTION:
                _, _, count, start = HEADER.unpack_from(message)
                assert len(message) == HEADER.size + count * (52 + 6 + 2) * 4
                rows.append((start, count))
            await take(message)

        page._take = noting  # type: ignore[method-assign]
        await page.hello(media="motion")
        await asyncio.sleep(0.8)
        assert not page.pictures
        assert rows
        for (start, count), (after, _) in itertools.pairwise(rows):
            assert after - start == pytest.approx(count * SESSION_RATE / MOTION_RATE)


async def test_a_page_that_never_reads_does_not_hold_up_the_others() -> None:
    async with live() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        text = b'{"type": "hello", "version": 1}'
        writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        await writer.drain()
        async with open_page(port) as page:
            await page.hello()
            await page.say("text", text="What is the moon?")
            assert (await page.event("answered"))["text"] == ANSWER
        writer.transport.abort()


async def test_what_is_measured_can_be_read() -> None:
    async with live() as port, open_page(port) as page, httpx.AsyncClient() as http:
        await page.hello()
        await page.say("text", text="What is the moon?")
        spoken = await page.event("spoken")
        await page.say("shown", turn=spoken["turn"], waited=0.5)
        await page.played(skew=0.02, shown=10)
        assert (await page.event("timings", shown=0.5))["turn"] == 1
        await page.event("answered")
        text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
        for line in (
            'visavis_turn_seconds_count{stage="shown"} 1.0',
            'visavis_skew_seconds{transport="websocket"} 0.02',
            'visavis_frames_total{fate="shown"} 10.0',
            "visavis_sessions 1.0",
        ):
            assert line in text


async def test_each_turn_is_one_log_line_of_ids_and_seconds_and_no_words(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "visavis")
    async with live() as port, open_page(port) as page:
        welcome = await page.hello()
        await page.say("text", text="What is the moon?")
        await page.event("answered")
        lines = [json.loads(record.getMessage()) for record in caplog.records if record.name == "visavis.turns"]
        assert len(lines) == 1
        assert lines[0]["session"] == welcome["session"]
        assert lines[0]["turn"] == 1
        assert "moon" not in caplog.text
        assert welcome["resume"] not in caplog.text
