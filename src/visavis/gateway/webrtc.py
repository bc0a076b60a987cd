"""A session's face and voice over WebRTC, and the page's microphone back: a `Sink` whose tracks share one clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from fractions import Fraction

from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpTransceiver, RTCSessionDescription
from aiortc.jitterbuffer import JitterBuffer
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from visavis.errors import BadInput, VisavisError
from visavis.gateway import rtc_repair
from visavis.gateway.rtc_clock import RtpClock
from visavis.gateway.rtc_codecs import encoder_for
from visavis.gateway.rtc_offer import reachable, refused
from visavis.gateway.rtc_tracks import Microphone, PictureTrack, SoundTrack, Timeline
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip

_AHEAD = SESSION_RATE * 12 // 100
"""`play` returns when less than this waits to be sent: 120 ms."""
_REORDERED = 4
"""Packets of the microphone (20 ms each) that may overtake one another. aiortc's own 16, of which it holds 4 back,
would delay every word by 80 ms and, once one packet is lost, by 320 ms for good."""

_RELIEF = 10.0
"""Seconds after which an encoder that keeps up is taken to have time again."""


class Peer:
    """The server's end of one WebRTC connection. The owner closes it, also after it was `lost`."""

    def __init__(
        self, connection: RTCPeerConnection, timeline: Timeline, pictures: PictureTrack, lost: Callable[[], None]
    ) -> None:
        self._connection = connection
        self._timeline = timeline
        self._pictures = pictures
        self._lost: Callable[[], None] | None = lost
        self._ended = False
        self._seen, self._late = 0, float("-inf")
        self._listening: asyncio.Task[None] | None = None
        connection.on("connectionstatechange", self._changed)

    @classmethod
    async def open(
        cls,
        offer: str,
        *,
        start: int,
        epoch: int,
        fps: Fraction,
        hear: Callable[[Audio], None],
        lost: Callable[[], None],
        clock: Callable[[int, int], None],
        host: str | None = None,
    ) -> tuple[Peer, str]:
        """Accept a page's offer (SDP with all candidates); returns the peer and the SDP answer, complete.

        Media begin at `start`. `hear` gets the microphone, 16 kHz mono, on its own clock. `lost` is called once when
        the connection fails or the page closes it, not for a `close` from here. `clock` is told the RTP time (90 kHz)
        and the media time of a picture from which on both go on alike, whenever that has changed. `host` is the
        page's address as the server sees it, None for one on this machine. Raises `BadInput` for an offer that cannot
        be accepted, `VisavisError` where this machine has no address to be reached at.
        """
        # an empty list: aiortc's default is a public server
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        timeline, pictures = Timeline(start, epoch), PictureTrack()
        peer = cls(connection, timeline, pictures, lost)
        try:
            answer = await _agree(connection, reachable(offer, host), lambda: peer._prepare(fps, hear, clock))
            if "a=candidate:" not in answer:
                raise VisavisError("this machine has no network address for WebRTC: use the WebSocket transport")
        except BaseException:
            await peer.close()
            raise
        return peer, answer

    @property
    def dropped(self) -> int:
        """Pictures that the encoder had no time for."""
        return self._pictures.dropped

    @property
    def strained(self) -> bool:
        """Whether pictures were dropped in the last seconds because the encoder had no time for them."""
        if self._pictures.dropped > self._seen:
            self._seen, self._late = self._pictures.dropped, asyncio.get_running_loop().time()
        return asyncio.get_running_loop().time() - self._late < _RELIEF

    async def play(self, clip: Clip, epoch: int) -> None:
        """Take a clip, and return when less than 120 ms wait to be sent; a clip of another epoch is void."""
        if epoch != self._timeline.epoch:
            return
        if self._ended:  # whoever plays must not run ahead of time because nobody listens
            await asyncio.sleep(clip.audio.duration)
            return
        self._timeline.add(clip)
        while not self._ended and epoch == self._timeline.epoch and self._timeline.waiting >= _AHEAD:
            self._timeline.moved.clear()
            await self._timeline.moved.wait()

    def position(self) -> int:
        """The media time that is being sent now; the way to the page's loudspeaker comes on top."""
        return self._timeline.position

    def flush(self, position: int, epoch: int) -> None:
        """Drop all that was not sent yet: clips of `epoch` will follow, from `position` on."""
        self._timeline.flush(position, epoch)

    async def close(self) -> None:
        """End the connection and all that belongs to it; does nothing the second time."""
        self._lost = None
        self._end()
        await self._connection.close()
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    def _prepare(self, fps: Fraction, hear: Callable[[Audio], None], clock: Callable[[int, int], None]) -> None:
        """Put the tracks in their sections, and what aiortc has no door for in its place."""
        sound, picture = _sections(self._connection)
        _send(sound, SoundTrack(self._timeline, self._pictures), "sendrecv")
        _send(picture, self._pictures, "sendonly")  # or aiortc decodes and keeps what the page sends, unread
        self._pictures.taken = RtpClock(picture.sender, clock).picture
        rtc_repair.install(picture.sender, encoder_for(picture._codecs[0].name, fps))
        if sound.receiver.track is not None:
            buffer = JitterBuffer(capacity=_REORDERED)
            sound.receiver._RTCRtpReceiver__jitter_buffer = buffer  # type: ignore[attr-defined]
            self._listening = asyncio.ensure_future(_listen(sound.receiver.track, hear))

    def _changed(self) -> None:
        if self._connection.connectionState in ("failed", "closed"):
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._timeline.moved.set()
        lost, self._lost = self._lost, None
        if lost is not None:
            lost()


async def _agree(connection: RTCPeerConnection, offer: str, prepare: Callable[[], None]) -> str:
    """Give aiortc the offer, have the tracks prepared for it, and return the answer."""
    try:
        await connection.setRemoteDescription(RTCSessionDescription(sdp=offer, type="offer"))
        prepare()
        await connection.setLocalDescription(await connection.createAnswer())
    except VisavisError:
        raise
    except Exception as error:  # of many kinds, whatever in an offer it did not expect
        raise refused(error) from None
    return str(connection.localDescription.sdp)


def _sections(connection: RTCPeerConnection) -> tuple[RTCRtpTransceiver, RTCRtpTransceiver]:
    """The offer's audio and video section."""
    found = {transceiver.kind: transceiver for transceiver in connection.getTransceivers()}
    sound, picture = found["audio"], found["video"]
    if any(section._offerDirection not in ("sendonly", "sendrecv") for section in (sound, picture)):  # seen from here
        raise BadInput("the offer takes no sound or no picture: offer sendrecv audio and recvonly video")
    if sound._codecs[0].name != "opus":
        raise BadInput("the offer does not name Opus first: every browser has it")
    return sound, picture


def _send(section: RTCRtpTransceiver, track: MediaStreamTrack, direction: str) -> None:
    section.sender.replaceTrack(track)
    section.direction = direction


async def _listen(track: MediaStreamTrack, hear: Callable[[Audio], None]) -> None:
    microphone = Microphone()
    with contextlib.suppress(MediaStreamError):
        while True:
            frame = await track.recv()
            assert isinstance(frame, AudioFrame)
            audio = microphone.take(frame)
            if len(audio):
                hear(audio)
