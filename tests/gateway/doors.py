"""A real server on a free port, and conversations that only remember what came to them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fastapi import FastAPI, WebSocket
from starlette.websockets import WebSocketDisconnect

from visavis.avatars.avatar import Avatar
from visavis.gateway.app import create_app
from visavis.gateway.limits import Limits
from visavis.gateway.metrics import Metrics
from visavis.gateway.server import Server, server_config
from visavis.gateway.tls import Certificate
from visavis.settings import Settings

SECRET = "the secret of a welcome"


@dataclass
class FakeSession:
    avatars: list[Avatar] = field(default_factory=list)

    def own_avatar(self, avatar: Avatar) -> str:
        self.avatars.append(avatar)
        return "own-1"


@dataclass
class FakeLive:
    metrics: Metrics = field(default_factory=Metrics)
    ready: bool = True
    session: FakeSession = field(default_factory=FakeSession)
    heard: list[str] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    connections: int = 0
    video: Path | None = None
    settings: Settings = field(default_factory=Settings)
    pool: Any = field(default_factory=lambda: SimpleNamespace(usual=None))
    """There are no engines: nothing is asked of them."""
    hears: bool = False
    equipment: Any = None

    def session_of(self, resume: str) -> FakeSession | None:
        return self.session if resume == SECRET else None

    async def serve(self, websocket: WebSocket) -> None:
        self.connections += 1
        await websocket.accept()
        try:
            while True:
                self.heard.append(await websocket.receive_text())
                await websocket.send_text("heard")
        except WebSocketDisconnect as error:
            self.closed.append(error.code)

    async def voice_sample(self, name: str) -> bytes | None:
        return None

    async def avatar_picture(self, name: str) -> bytes | None:
        return b"\xff\xd8\xff" if name == "vera" else None

    async def answer_video(self, key: str) -> Path | None:
        return self.video if key == "7" else None


def app_of(settings: Settings, live: FakeLive, limits: Limits | None = None) -> FastAPI:
    @asynccontextmanager
    async def open_fake(settings: Settings) -> AsyncGenerator[FakeLive, None]:
        yield live

    return create_app(settings, open_fake, limits)


@asynccontextmanager
async def serving(app: FastAPI, certificate: Certificate | None = None) -> AsyncGenerator[int, None]:
    """The port at which the app is served until the block ends."""
    answers = asyncio.Event()
    server = Server(server_config(app, certificate), answers.set)
    with socket.create_server(("127.0.0.1", 0)) as line:
        port: int = line.getsockname()[1]
        running = asyncio.create_task(server.serve(sockets=[line]))
        try:
            await answers.wait()
            yield port
        finally:
            server.should_exit = True
            await running


@asynccontextmanager
async def connected(port: int) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter], None]:
    """A connection for whoever writes their own requests."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
