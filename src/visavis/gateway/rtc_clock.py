"""Which media time a page's WebRTC picture belongs to: RTP time begins at random, and goes on where media wait."""

from __future__ import annotations

from collections.abc import Callable

from aiortc import RTCRtpSender
from aiortc.mediastreams import VIDEO_CLOCK_RATE

from visavis.gateway.rtc_tracks import Due
from visavis.media.audio import SESSION_RATE

_WRAP = 1 << 32


class RtpClock:
    """Tells the RTP time (90 kHz, 32 bits) and the media time (samples) of a picture from which on both go on alike:
    at the second picture, and wherever media had to wait or were dropped.

    Give it each picture of `sender` when it is taken to be sent.
    """

    def __init__(self, sender: RTCRtpSender, tell: Callable[[int, int], None]) -> None:
        self._sender, self._tell = sender, tell
        self._origin: int | None = None
        self._told: int | None = None
        self._before: int | None = None

    def picture(self, due: Due) -> None:
        """The next one."""
        time = due.pts * VIDEO_CLOCK_RATE // SESSION_RATE
        if self._origin is None and self._before is not None:
            # aiortc tells nobody where it began, but of the picture before this one both times are known
            self._origin = (self._sender._RTCRtpSender__rtp_timestamp - self._before) % _WRAP  # type: ignore[attr-defined]
        self._before = time
        distance = due.frame.start - due.pts
        if self._origin is not None and distance != self._told:
            self._told = distance
            self._tell((self._origin + time) % _WRAP, due.frame.start)
