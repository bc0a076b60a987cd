"""The web server, set up for long conversations with clients that one need not trust: nobody can hold a line for ever.

uvicorn waits without end for a first request, for a client that does not read, and for such a client's connection to
close. Here each of these is given some seconds; then the connection is dropped, and whoever serves it learns of it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from visavis.gateway.limits import MESSAGE_BYTES

FIRST_REQUEST = 10.0
"""Seconds for a connection to ask for something."""
UNREAD = 15.0
"""Seconds in which a client that is sent something must have read some of it."""
_CLOSING = 5.0  # seconds for a connection to close in good order
_ENDING = 2  # seconds for requests to finish when the server ends

if TYPE_CHECKING:
    from visavis.gateway.tls import Certificate

    _Protocol = H11Protocol
else:
    _Protocol = object


class _Impatient(_Protocol):
    """Drops a connection whose client does not read."""

    _unread: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """Much is unread: begin to wait."""
        super().pause_writing()
        self._unread = self.loop.call_later(UNREAD, self.transport.abort)

    def resume_writing(self) -> None:
        """It was read."""
        super().resume_writing()
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nothing more to wait for."""
        self._read()
        super().connection_lost(exc)

    def _read(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


class Http(_Impatient, H11Protocol):
    """HTTP/1.1, for who asks at once."""

    _idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._idle = self.loop.call_later(FIRST_REQUEST, self._close_if_nothing_was_asked)

    def connection_lost(self, exc: Exception | None) -> None:
        """There is nothing more to wait for."""
        if self._idle is not None:
            self._idle.cancel()
        super().connection_lost(exc)

    def _close_if_nothing_was_asked(self) -> None:
        if self.scope is None:
            self.transport.abort()


class WebSocket(_Impatient, WebSocketsSansIOProtocol):  # type: ignore[misc]  # one mixin for both
    """WebSockets, for who reads and answers."""

    def keepalive_timeout(self) -> None:
        """A ping was not answered: nothing that is still to be sent will be read."""
        super().keepalive_timeout()
        self.transport.abort()

    async def send(self, message: Any) -> None:
        """Say something; a handshake that is refused with a page is complete, too (uvicorn would log an error)."""
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            self.handshake_complete = True

    async def run_asgi(self) -> None:
        """Serve the connection, and see it closed."""
        await super().run_asgi()
        self.loop.call_later(_CLOSING, self.transport.abort)


class Server(uvicorn.Server):
    """Says when it answers and when it is about to end, and ends at the first Ctrl-C as if its work were done."""

    def __init__(
        self, config: uvicorn.Config, announce: Callable[[], None], ending: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(config)
        self._announce, self._ending = announce, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        if self.started:
            self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer no more."""
        self._ending()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End; at a second signal, without waiting for anybody."""
        self.force_exit = self.should_exit
        self.should_exit = True


def server_config(
    app: ASGIApp, certificate: Certificate | None = None, lifespan: Literal["on", "off"] = "on", **more: Any
) -> uvicorn.Config:
    """uvicorn's configuration for an app of `create_app`; its log goes where ours goes, from warnings on."""
    return uvicorn.Config(
        app,
        http=Http,
        ws=WebSocket,
        ws_max_size=MESSAGE_BYTES,
        ws_per_message_deflate=False,  # sound and pictures do not get smaller
        lifespan=lifespan,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the limits are by address: nobody may choose theirs
        timeout_graceful_shutdown=_ENDING,
        ssl_certfile=None if certificate is None else certificate.path,
        ssl_keyfile=None if certificate is None else certificate.key,
        **more,
    )
