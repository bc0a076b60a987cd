"""A chat server on this machine that misbehaves in the way a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Reply = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    """What the client sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class ChatServer:
    """Where it listens, what it was sent, and how many clients hung up while it was answering."""

    url: str
    requests: list[Request] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def serve(reply: Reply) -> AsyncIterator[ChatServer]:
    """A server on 127.0.0.1 that answers each request by `reply` and then closes the connection."""
    running: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            request = await _read(reader)
            here.requests.append(request)
            await reply(request, writer)
        except ConnectionError:
            here.hung_up.set()
        except asyncio.CancelledError:
            pass
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    here = ChatServer(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    try:
        yield here
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, path, headers, json.loads(body) if body else {})


def chunk(text: str | None = None, finish: str | None = None) -> str:
    """One event of a streamed answer."""
    delta = {} if text is None else {"content": text}
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}) + "\n\n"


def whole(text: str | None, finish: str = "stop") -> str:
    """An answer that is not streamed."""
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]})


def answers(
    body: str | bytes,
    status: str = "200 OK",
    kind: str = "text/event-stream",
    length: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Answer every request with the same bytes; `length` promises more or fewer than there are."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        content = body.encode() if isinstance(body, str) else body
        promised = len(content) if length is None else length
        head = {"Content-Type": kind, "Content-Length": str(promised), "Connection": "close"} | dict(headers or {})
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        writer.write(f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + content)
        await writer.drain()

    return reply


def streams(pieces: Callable[[], AsyncIterator[str]]) -> Reply:
    """Answer every request with events that come one by one."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        async for piece in pieces():
            writer.write(piece.encode())
            await writer.drain()

    return reply
