"""Where a connection shows its face: by its WebSocket, or by WebRTC once the page has made an offer."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Literal

from visavis.errors import BadInput
from visavis.gateway.events import Clock, Played
from visavis.gateway.outbox import Outbox
from visavis.gateway.websocket import WebSocketSink

if TYPE_CHECKING:
    from visavis.conversation.session import Session
    from visavis.gateway.live import Live
    from visavis.gateway.webrtc import Peer

HAS_WEBRTC = importlib.util.find_spec("aiortc") is not None
"""An extra: a page on this machine has less delay without."""


class Showing:
    """Of one connection to a session; the WebSocket first."""

    def __init__(self, live: Live, outbox: Outbox, session: Session, media: Literal["pictures", "motion"]) -> None:
        self._live, self._outbox, self._session, self._media = live, outbox, session, media
        self._sink: WebSocketSink | None = None
        self._peer: Peer | None = None
        self._reports = (0, 0)

    @property
    def transport(self) -> Literal["webrtc", "websocket"]:
        """The one in use."""
        return "webrtc" if self._sink is None else "websocket"

    def by_websocket(self) -> None:
        """Show it by the WebSocket from now on."""
        session, metrics = self._session, self._live.metrics
        self._sink = WebSocketSink(
            self._outbox,
            self._live.encoder,
            session.media,
            session.epoch,
            self._media,
            lambda pictures: metrics.frames(sent=pictures),
        )
        session.attach(self._sink)

    def move(self, transport: Literal["webrtc", "websocket"]) -> None:
        """Go on by another transport. Raises `BadInput` where there is no WebRTC connection."""
        if transport == self.transport:
            return
        if transport == "websocket":
            self._session.detach()
            self.by_websocket()
        elif self._peer is None:
            raise BadInput("there is no WebRTC connection: make an offer first")
        else:
            self._session.detach()
            self._sink = None
            self._peer.flush(self._session.media, self._session.epoch)
            self._session.attach(self._peer)

    async def offered(self, sdp: str, host: str | None) -> str:
        """Connect to the page's offer; the answer. Raises `BadInput` for an offer that cannot be met."""
        if not HAS_WEBRTC:
            raise BadInput("this server has no WebRTC (pip install 'visavis[webrtc]'): use the WebSocket transport")
        from visavis.gateway.webrtc import Peer

        if self._peer is not None:
            self.move("websocket")
            await self.close()
        if self._live.calls.locked():
            raise BadInput("this machine has no time for another WebRTC connection: the WebSocket goes on")
        await self._live.calls.acquire()
        session = self._session
        try:
            self._peer, answer = await Peer.open(
                sdp,
                start=session.media,
                epoch=session.epoch,
                fps=session.manner.rendering.fps,
                hear=session.hear,
                lost=lambda: self.move("websocket"),
                clock=lambda rtp, position: self._outbox.event(Clock(rtp=rtp, position=position)),
                host=host,
            )
        except BaseException:
            self._live.calls.release()
            raise
        return answer

    def played(self, event: Played) -> None:
        """The page says where it is, and how it does."""
        metrics = self._live.metrics
        if event.skew is not None:
            metrics.skew(self.transport, event.skew)
        shown, dropped = self._reports
        metrics.frames(shown=event.shown - shown, dropped=event.dropped - dropped)
        self._reports = (event.shown, event.dropped)
        if self._sink is not None:
            self._sink.played(event)

    async def close(self) -> None:
        """The page has gone, or makes another offer."""
        if self._peer is not None:
            peer, self._peer = self._peer, None
            try:
                await peer.close()
            finally:
                self._live.calls.release()
