"""A page without a browser: it speaks the protocol, plays by the clock, and keeps what came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from visavis.gateway.events import HEADER, PICTURE, SOUND, VERSION, server_event
from visavis.media.audio import SESSION_RATE

Event = dict[str, Any]


class Page:
    """Connected; `run` reads what comes."""

    def __init__(self, socket: ClientConnection) -> None:
        self.events: list[Event] = []
        self.sound: list[tuple[int, float, NDArray[np.int16]]] = []
        """Epoch, start and samples of each message."""
        self.pictures: list[tuple[int, float, bytes]] = []
        self.epoch = 0
        self.flushes: list[tuple[int, int]] = []
        """Of each: how many sounds and how many pictures had come before."""
        self.closed = asyncio.Event()
        self._socket = socket
        self._start, self._began, self._end = 0.0, 0.0, 0.0
        self._came = asyncio.Event()

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def say(self, type: str, **values: Any) -> None:
        await self._socket.send(json.dumps({"type": type, **values}))

    async def raw(self, message: str | bytes) -> None:
        await self._socket.send(message)

    async def hello(self, **values: Any) -> Event:
        await self.say("hello", version=VERSION, **values)
        return await self.event("welcome")

    async def event(self, type: str, since: int = 0, within: float = 30.0, **values: Any) -> Event:
        """The first event of a type, after the first `since` events, in which these values are found."""
        async with asyncio.timeout(within):
            while True:
                for event in self.events[since:]:
                    if event["type"] == type and all(event[name] == value for name, value in values.items()):
                        return event
                if self.closed.is_set():
                    raise AssertionError(f"closed before {type}: {self.events[-3:]}")
                self._came.clear()
                await self._came.wait()

    def position(self) -> float:
        return min(self._start + (self.now() - self._began) * SESSION_RATE, self._end) if self._began else self._start

    async def played(self, **values: Any) -> None:
        await self.say("played", position=self.position(), epoch=self.epoch, **values)

    async def run(self) -> None:
        try:
            async for message in self._socket:
                await self._take(message)
                self._came.set()
        except ConnectionClosed:
            pass
        self.closed.set()
        self._came.set()

    async def report(self) -> None:
        while True:
            await asyncio.sleep(0.25)
            if self._began:
                await self.played()

    async def _take(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            kind, epoch, count, start = HEADER.unpack_from(message)
            if kind == SOUND:
                if not self._began:
                    self._start, self._began = start, self.now()
                samples = np.frombuffer(message, "<i2", offset=HEADER.size)
                assert len(samples) == count
                self.sound.append((epoch, start, samples))
                self._end = start + count
            elif kind == PICTURE:
                self.pictures.append((epoch, start, message[HEADER.size :]))
            return
        server_event.validate_json(message)
        event = json.loads(message)
        self.events.append(event)
        if event["type"] in ("welcome", "flush"):
            at = self.position()
            self.epoch = event["epoch"]
            if event["type"] == "flush":
                self.flushes.append((len(self.sound), len(self.pictures)))
                self._start, self._began, self._end = min(at, event["position"]), self.now(), event["position"]
                await self.played()


@asynccontextmanager
async def open_page(port: int, **headers: str) -> AsyncGenerator[Page, None]:
    async with connect(f"ws://127.0.0.1:{port}/ws", additional_headers=headers, proxy=None) as socket:
        page = Page(socket)
        tasks = [asyncio.create_task(page.run()), asyncio.create_task(page.report())]
        try:
            yield page
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
