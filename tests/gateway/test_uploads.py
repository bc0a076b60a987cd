"""A picture becomes a face; whatever else comes is refused in words, and nothing of it stays."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import zlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

import visavis.avatars
from tests.gateway.doors import SECRET, FakeLive, app_of, connected, serving
from visavis.avatars.avatar import Avatar
from visavis.errors import BadInput, NoFace, Overloaded, TooLarge
from visavis.gateway import uploads as subject
from visavis.gateway.uploads import open_uploads
from visavis.settings import Settings

PICTURE = (Path(visavis.avatars.__path__[0]) / "builtin" / "vera.png").read_bytes()
MOST = 3_000_000
OURS = {"X-Visavis-Session": SECRET}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def _until(so: Callable[[], bool]) -> None:
    while not so():  # noqa: ASYNC110  # files tell nobody of themselves
        await asyncio.sleep(0.01)


async def _body(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _bomb() -> bytes:
    """A PNG of 40,000 x 40,000 pixels in some kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    head = (40_000).to_bytes(4) * 2 + bytes([8, 2, 0, 0, 0])
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(1 << 22)))
        + chunk(b"IEND", b"")
    )


async def test_a_picture_becomes_an_avatar_of_its_session_and_nothing_else_stays(folder: Path) -> None:
    live = FakeLive()
    async with serving(app_of(Settings(size=256), live)) as port, httpx.AsyncClient(timeout=60) as client:
        address = f"http://localhost:{port}/avatars"
        answer = await client.post(address, content=PICTURE, headers=OURS)
        assert answer.status_code == 200
        assert answer.json() == {"name": "own-1", "note": ""}
        assert _files(folder) == []
    (avatar,) = live.session.avatars
    assert avatar.plate.shape == (256, 256, 3)
    assert list(folder.iterdir()) == []  # noqa: ASYNC240


@pytest.mark.parametrize("headers", [{}, {"X-Visavis-Session": ""}, {"X-Visavis-Session": "guessed"}])
async def test_without_a_conversation_nothing_is_taken(headers: dict[str, str], folder: Path) -> None:
    async with serving(app_of(Settings(), FakeLive())) as port, httpx.AsyncClient() as client:
        answer = await client.post(f"http://localhost:{port}/avatars", content=PICTURE, headers=headers)
    assert answer.status_code == 403
    assert "reload the page" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "nothing was sent"),
        (b"#!/bin/sh\nrm -rf /\n", "looks like text"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "looks like text"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "looks like text"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "looks like text"),
        (PICTURE[:5_000], "damaged or incomplete"),
        (PICTURE[:20], "damaged or incomplete"),
        (bytes(100_000), "neither a picture nor a video"),
        (b"%PDF-1.7\n", "PDF"),
    ],
)
async def test_what_is_no_picture_is_refused_in_words(content: bytes, says: str, folder: Path) -> None:
    async with serving(app_of(Settings(), FakeLive())) as port, httpx.AsyncClient(timeout=60) as client:
        answer = await client.post(f"http://localhost:{port}/avatars", content=content, headers=OURS)
        message = answer.json()["error"]["message"]
        assert answer.status_code == 422, message
        assert says in message
        assert str(folder) not in message
        assert _files(folder) == []


async def test_a_bomb_is_not_set_off(folder: Path) -> None:
    async with open_uploads(256, MOST) as uploads:
        with pytest.raises(BadInput, match=r"^the file is too large, 40000 x 40000 pixels"):
            await uploads.receive(_body(_bomb()), None)


async def test_a_picture_without_a_face_says_so(folder: Path) -> None:
    import cv2
    import numpy as np

    plain = cv2.imencode(".png", np.full((400, 400, 3), 128, np.uint8))[1].tobytes()
    async with open_uploads(256, MOST) as uploads:
        with pytest.raises(NoFace, match="the file"):
            await uploads.receive(_body(plain), None)


async def test_what_promises_to_be_too_large_is_refused_before_a_byte_is_read() -> None:
    async def body() -> AsyncGenerator[bytes, None]:
        raise AssertionError("it was read")
        yield b""

    async with open_uploads(256, MOST) as uploads:
        with pytest.raises(TooLarge, match="larger than 3 MB"):
            await uploads.receive(body(), MOST + 1)


@pytest.mark.parametrize("promise", [None, 10])
async def test_what_turns_out_to_be_too_large_is_cut(promise: int | None, folder: Path) -> None:
    read = 0

    async def body() -> AsyncGenerator[bytes, None]:
        nonlocal read
        while True:
            read += 100_000
            yield bytes(100_000)

    async with open_uploads(256, MOST) as uploads:
        with pytest.raises(TooLarge):
            await uploads.receive(body(), promise)
        assert read <= MOST + 100_000
        assert _files(folder) == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_two_gigabytes_are_refused_with_the_size_that_is_taken(chunked: bool, folder: Path) -> None:
    """The answer comes while the sender still sends."""
    app = app_of(Settings(max_upload=100_000), FakeLive())
    async with serving(app) as port, connected(port) as (reader, writer):
        length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 2147483648"
        head = f"POST /avatars HTTP/1.1\r\nHost: localhost:{port}\r\nX-Visavis-Session: {SECRET}\r\n{length}\r\n\r\n"
        writer.write(head.encode())
        piece = bytes(65_536)
        for _ in range(20):
            writer.write(b"10000\r\n" + piece + b"\r\n" if chunked else piece)
            await writer.drain()
        answer = await asyncio.wait_for(reader.readuntil(b"}}"), 20)
        assert b"413" in answer.splitlines()[0]
        assert b"larger than 0.1 MB" in answer
        assert _files(folder) == []


async def test_a_sender_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(subject, "SILENCE", 0.1)

    async def body() -> AsyncGenerator[bytes, None]:
        yield PICTURE[:1_000]
        await asyncio.Event().wait()

    async with open_uploads(256, MOST, line=1) as uploads:
        with pytest.raises(BadInput, match="did not arrive in time"):
            await uploads.receive(body(), None)
        with pytest.raises(BadInput, match="nothing was sent"):  # the place in the line is free again
            await uploads.receive(_body(), None)
        assert _files(folder) == []


async def test_they_are_built_one_at_a_time_and_the_line_is_bounded(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    begun, go_on, at_once = threading.Semaphore(0), threading.Event(), []

    def build(path: Path, name: str, **options: object) -> Avatar:
        at_once.append(path)
        begun.release()
        go_on.wait(20)
        assert at_once.pop() == path
        raise NoFace(f"no face in {path}")

    monkeypatch.setattr(subject, "build_avatar", build)
    async with open_uploads(256, MOST, line=2) as uploads:
        first = asyncio.create_task(uploads.receive(_body(PICTURE), None))
        second = asyncio.create_task(uploads.receive(_body(PICTURE), None))
        await asyncio.to_thread(begun.acquire)
        with pytest.raises(Overloaded, match="in a moment"):
            await uploads.receive(_body(PICTURE), None)
        assert len(at_once) == 1
        go_on.set()
        for each in (first, second):
            with pytest.raises(NoFace, match=r"^no face in the file$"):
                await each
        assert _files(folder) == []


async def test_our_own_mistake_is_logged_and_said_as_a_refusal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, folder: Path
) -> None:
    def build(path: Path, name: str, **options: object) -> Avatar:
        raise ZeroDivisionError

    monkeypatch.setattr(subject, "build_avatar", build)
    async with open_uploads(256, MOST) as uploads:
        with pytest.raises(BadInput, match="send another"):
            await uploads.receive(_body(PICTURE), None)
    assert "ZeroDivisionError" in caplog.text


async def test_one_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(subject, "_BUILDING", -1.0)
    async with open_uploads(256, MOST) as uploads:
        with pytest.raises(BadInput, match="takes too long"):
            await uploads.receive(_body(PICTURE), None)


async def test_a_sender_that_goes_away_leaves_nothing(folder: Path) -> None:
    live = FakeLive()
    async with serving(app_of(Settings(), live)) as port, connected(port) as (_, writer):
        head = f"POST /avatars HTTP/1.1\r\nHost: localhost:{port}\r\nX-Visavis-Session: {SECRET}\r\n"
        writer.write(f"{head}Content-Length: 2000000\r\n\r\n".encode() + PICTURE[:1_500_000].ljust(1_500_000))
        await writer.drain()
        await _until(lambda: len(_files(folder)) == 1)
        writer.transport.abort()
        await _until(lambda: _files(folder) == [])
    assert live.session.avatars == []
