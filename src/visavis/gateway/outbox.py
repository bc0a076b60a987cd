"""What waits to be sent to one page: events in order, and of media no more than a page could still use."""

from __future__ import annotations

import asyncio
from collections import deque

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from visavis.gateway.events import ServerEvent

EVENTS = 2_000
"""Events that may wait: more means a page that does not read, and its connection is given up."""
MEDIA = 200
"""Media messages that may wait: four seconds of sound and pictures."""


class Unread(Exception):
    """The page does not read what it is sent."""


class Outbox:
    """One connection's; `run` sends, everything else returns at once."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._waiting: deque[tuple[str | bytes, int | None]] = deque()
        self._media = self._events = 0
        self._filled, self._empty = asyncio.Event(), asyncio.Event()

    def event(self, event: ServerEvent) -> None:
        """Send an event, after all that waits."""
        self._events += 1
        self._add(event.model_dump_json(), None)

    def media(self, message: bytes, epoch: int) -> None:
        """Send a binary message of an epoch; `flush` may overtake it."""
        self._media += 1
        self._add(message, epoch)

    def flush(self, epoch: int) -> None:
        """Throw away all media that is not of `epoch`."""
        self._waiting = deque(item for item in self._waiting if item[1] is None or item[1] == epoch)
        self._media = sum(epoch is not None for _, epoch in self._waiting)

    async def run(self) -> None:
        """Send until the connection ends (the server ends one that reads nothing for a while), or raise `Unread`."""
        while True:
            await self._filled.wait()
            while self._waiting:
                if self._events > EVENTS or self._media > MEDIA:
                    raise Unread
                message, epoch = self._waiting.popleft()
                if epoch is None:
                    self._events -= 1
                else:
                    self._media -= 1
                if self._websocket.client_state is not WebSocketState.CONNECTED:
                    return
                try:
                    if isinstance(message, bytes):
                        await self._websocket.send_bytes(message)
                    else:
                        await self._websocket.send_text(message)
                except (WebSocketDisconnect, OSError, RuntimeError):  # it has gone, which the receiver learns, too
                    return
            self._filled.clear()
            self._empty.set()

    async def drained(self) -> None:
        """Return when nothing waits any more, while `run` runs."""
        while self._waiting:
            self._empty.clear()
            await self._empty.wait()

    def _add(self, message: str | bytes, epoch: int | None) -> None:
        self._waiting.append((message, epoch))
        self._filled.set()
