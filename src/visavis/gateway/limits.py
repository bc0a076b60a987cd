"""How much one client may ask for: connections, uploads, messages; and how long it may keep silent.

Token buckets by address, so that one page in a loop costs the others nothing. A WebSocket that says no `hello` is
closed after some seconds, and when there are too many of them the oldest makes room: what only opens connections
cannot keep out whoever has something to say.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from visavis.gateway.events import Error, Hello, page_event

MESSAGE_BYTES = 256 * 1024
"""The longest message; a longer one closes its connection with 1009."""
UPLOADS = "/avatars"
"""Where pictures and videos are sent."""
SILENT, TOO_MUCH = 4408, 4429
"""Close codes: no hello in time; too many connections or messages."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What is allowed: so much a second, and what was not used, up to a burst."""

    per_second: float
    burst: float


@dataclass(frozen=True, slots=True)
class Limits:
    """All of them. What is allowed is several times what our page does, also after a network's pause of seconds."""

    connections: Rate = Rate(4, 120)
    """By address."""
    uploads: Rate = Rate(0.1, 6)
    """By address."""
    requests: Rate = Rate(2, 60)
    """Of programs, by address; what they wait for has a line of its own."""
    messages: Rate = Rate(200, 1_000)
    """Of a connection."""
    bytes: Rate = Rate(1_000_000, 4_000_000)
    """Of a connection."""
    silent: int = 32
    """Connections at once that have not said hello."""
    patience: float = 5.0
    """Seconds for a hello."""


class Bucket:
    """Fills by the second, is drawn from, and refuses what it does not hold."""

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._level = rate.burst
        self._seen = now

    def take(self, amount: float, now: float) -> float:
        """0 if `amount` was there and is taken now; else the seconds until it would be."""
        self._level = min(self._rate.burst, self._level + (now - self._seen) * self._rate.per_second)
        self._seen = now
        if self._level >= amount:
            self._level -= amount
            return 0.0
        return (amount - self._level) / self._rate.per_second


class Buckets:
    """One bucket for each address; those that were longest not drawn from are forgotten (they are full again)."""

    def __init__(self, rate: Rate, most: int = 4_096) -> None:
        self._rate = rate
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str, now: float) -> float:
        """0 if the address may do it once more now; else the seconds that it has to wait."""
        key = _network(address)
        bucket = self._buckets.setdefault(key, Bucket(self._rate, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket.take(1.0, now)


class Limited:
    """ASGI middleware that keeps everybody within the limits."""

    def __init__(self, app: ASGIApp, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._limits = limits
        self._clock = clock
        self._connections = Buckets(limits.connections)
        self._uploads = Buckets(limits.uploads)
        self._requests = Buckets(limits.requests)
        self._silent: dict[int, _Talk] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is too much; watch what a connection sends."""
        address = (scope.get("client") or ("", 0))[0]
        if scope["type"] == "websocket":
            await self._connected(scope, receive, send, self._connections.take(address, self._clock()))
            return
        if scope["type"] == "http" and scope["method"] == "POST":
            what, buckets = ("uploads", self._uploads) if scope["path"] == UPLOADS else ("requests", self._requests)
            wait = math.ceil(buckets.take(address, self._clock()))
        else:
            wait = 0
        if wait:
            message = f"too many {what}: try again in {wait} seconds"
            refused = JSONResponse({"error": {"message": message}}, 429, {"Retry-After": str(wait)})
            await refused(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _connected(self, scope: Scope, receive: Receive, send: Send, wait: float) -> None:
        talk = _Talk(receive, send, self._limits, self._clock)
        if wait:
            await receive()
            await send({"type": "websocket.accept"})
            await talk.end(TOO_MUCH, "rate", f"too many connections: try again in {math.ceil(wait)} seconds")
            return
        while len(self._silent) >= self._limits.silent:
            self._silent.pop(next(iter(self._silent))).hurry()
        self._silent[id(talk)] = talk
        talk.introduced = lambda: self._silent.pop(id(talk), None)
        try:
            await self._app(scope, talk.receive, talk.send)
        finally:
            self._silent.pop(id(talk), None)


@dataclass(slots=True)
class _Talk:
    """What one WebSocket's client sends."""

    _receive: Receive
    _send: Send
    _limits: Limits
    _clock: Callable[[], float]
    introduced: Callable[[], object] | None = None
    """Called at the hello; None when that was said."""
    _until: float | None = None
    _timer: asyncio.Timeout | None = None
    _ended: bool = False
    _messages: Bucket = field(init=False)
    _bytes: Bucket = field(init=False)

    def __post_init__(self) -> None:
        now = self._clock()
        self._messages = Bucket(self._limits.messages, now)
        self._bytes = Bucket(self._limits.bytes, now)

    async def receive(self) -> Message:
        """The next message that is within the limits; a disconnect when one was not."""
        if self.introduced is None:
            message = await self._receive()
        else:
            if self._until is None:
                self._until = asyncio.get_running_loop().time() + self._limits.patience
            try:
                async with asyncio.timeout_at(self._until) as self._timer:
                    message = await self._receive()
            except TimeoutError:
                return await self.end(SILENT, "idle", "say hello first, and at once")
            finally:
                self._timer = None
        if message["type"] != "websocket.receive":
            return message
        size = len(message.get("text") or message.get("bytes") or b"")
        now = self._clock()
        if self._messages.take(1.0, now) or self._bytes.take(size, now):
            return await self.end(TOO_MUCH, "rate", "too much at once: the page sends more than anybody can say")
        if self.introduced is not None and _is_hello(message):
            self.introduced()
            self.introduced = None
        return message

    async def send(self, message: Message) -> None:
        """Pass on what the application says; after the end it learns of it as of any lost connection."""
        if self._ended:
            raise OSError("the connection was closed: its client does not keep within the limits")
        await self._send(message)

    def hurry(self) -> None:
        """Time is up for this one: others are waiting to say something."""
        self._until = 0.0
        if self._timer is not None:
            self._timer.reschedule(0.0)

    async def end(self, code: int, kind: str, message: str) -> Message:
        """Say why and close; what the application sees of it."""
        self._ended = True
        error = Error.model_validate({"code": kind, "message": message, "fatal": True})
        await self._send({"type": "websocket.send", "text": error.model_dump_json()})
        await self._send({"type": "websocket.close", "code": code, "reason": message})
        return {"type": "websocket.disconnect", "code": code, "reason": message}


def _is_hello(message: Message) -> bool:
    try:
        return isinstance(page_event.validate_json(message.get("text") or ""), Hello)
    except ValidationError:
        return False


def _network(address: str) -> str:
    """Who an address belongs to: of IPv6, everybody has 2⁶⁴."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address) or parsed.ipv4_mapped:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
