"""The other end of a WebRTC connection in this process, what it is sent, and what it made of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from aiortc.rtp import RtcpPsfbPacket
from numpy.typing import NDArray

from visavis.gateway.rtc_tracks import PACKET
from visavis.gateway.webrtc import Peer
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip
from visavis.media.video import Frame, frame_times

FPS = Fraction(25)
STEP = SESSION_RATE // 25
SIDE = 128
CLIP = 5 * STEP
DARK, BRIGHT = 40, 220


def plain(level: int, side: int = SIDE) -> NDArray[np.uint8]:
    return np.full((side, side, 3), level, np.uint8)


def clip(start: int, *, level: int = DARK, sound: float = 0.0, length: int = CLIP) -> Clip:
    """A clip of constant sound and grey pictures."""
    samples = np.full(length, sound, np.float32)
    times = frame_times(start, start + length, SESSION_RATE, FPS)
    return Clip(Audio(samples, SESSION_RATE, start), None, tuple(Frame(plain(level), t) for t in times))


def noted(start: int, count: int) -> Clip:
    """A clip in which, `count` times, a burst of sound begins with a bright picture: one clip, for between two the
    sound pauses where the machine is busy."""
    burst = np.zeros(CLIP, np.float32)
    burst[:STEP] = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(STEP) / SESSION_RATE)
    times = frame_times(start, start + count * CLIP, SESSION_RATE, FPS)
    frames = tuple(Frame(plain(DARK if (t - start) % CLIP else BRIGHT), t) for t in times)
    return Clip(Audio(np.tile(burst, count), SESSION_RATE, start), None, frames)


def portrait(k: int, side: int = 256) -> NDArray[np.uint8]:
    """A picture with detail that moves."""
    grain = np.random.default_rng(0).integers(0, 256, (side // 4, side // 4, 3), np.uint8)
    return np.roll(np.kron(grain, np.ones((4, 4, 1), np.uint8)), 3 * k, axis=1)


class Tone(MediaStreamTrack):
    """A page's microphone: packets of a tone, as fast as real time."""

    kind = "audio"

    def __init__(self, hertz: float) -> None:
        super().__init__()
        self._hertz = hertz
        self._sent = 0

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(PACKET / SESSION_RATE)
        times = (self._sent + np.arange(PACKET)) / SESSION_RATE
        samples = (0.5 * 32767 * np.sin(2 * np.pi * self._hertz * times)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = SESSION_RATE, self._sent, Fraction(1, SESSION_RATE)
        self._sent += PACKET
        return frame


class Page:
    """The other end, in this process. What arrives keeps the times it was sent with."""

    def __init__(self, hertz: float = 440.0) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.connection.addTransceiver(Tone(hertz), "sendrecv")
        self.connection.addTransceiver("video", "recvonly")
        self.sound: list[av.AudioFrame] = []
        self.pictures: list[av.VideoFrame] = []
        self.lost = 0
        self.origin = 0
        """Where the RTP times of what is sent here begin."""
        self.clocks: list[tuple[int, int]] = []
        """Of pictures: RTP and media times that were told."""
        self.heard: list[Audio] = []
        self.offer = ""
        self.answer = ""
        self.peer: Peer
        self._changed = asyncio.Event()
        self._playing: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def connect(self, alter: Callable[[str], str] = str, *, start: int = 0) -> Peer:
        await self.connection.setLocalDescription(await self.connection.createOffer())
        self.offer = alter(self.connection.localDescription.sdp)
        self.peer, self.answer = await Peer.open(
            self.offer, start=start, epoch=0, fps=FPS, hear=self._hear, lost=self._lose, clock=self._tell
        )
        await self.connection.setRemoteDescription(RTCSessionDescription(self.answer, "answer"))
        arrived: list[list[Any]] = [self.sound, self.pictures]
        for receiver, into in zip(self.connection.getReceivers(), arrived, strict=True):
            receiver._RTCRtpReceiver__timestamp_mapper = _Unmapped()  # type: ignore[attr-defined]
            self._tasks.append(asyncio.ensure_future(self._receive(receiver.track, into)))
        await self.until(lambda: bool(self.sound))
        return self.peer

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            self._changed.clear()
            await self._changed.wait()

    def play_on(self, draw: Callable[[int], NDArray[np.uint8]] = lambda k: plain(DARK + k % 3)) -> None:
        """Have the peer play silence and pictures until the end."""

        async def play() -> None:
            for k in itertools.count():
                times = frame_times(k * CLIP, (k + 1) * CLIP, SESSION_RATE, FPS)
                frames = tuple(Frame(draw(t // STEP), t) for t in times)
                await self.peer.play(Clip(Audio.silence(CLIP, SESSION_RATE, k * CLIP), None, frames), 0)

        self._playing = asyncio.ensure_future(play())

    async def close(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
        await self.connection.close()
        await self.peer.close()
        await asyncio.gather(*self._tasks)

    async def report(self, **packet: Any) -> None:
        """Send RTCP about the picture."""
        receiver = self.connection.getReceivers()[1]
        assert receiver._RTCRtpReceiver__rtcp_ssrc is not None  # type: ignore[attr-defined]
        await receiver._send_rtcp(RtcpPsfbPacket(ssrc=receiver._RTCRtpReceiver__rtcp_ssrc, **packet))  # type: ignore[attr-defined]

    async def _receive(self, track: MediaStreamTrack, into: list[Any]) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                into.append(await track.recv())
                self._changed.set()

    def _hear(self, audio: Audio) -> None:
        self.heard.append(audio)
        self._changed.set()

    def _tell(self, rtp: int, position: int) -> None:
        self.clocks.append((rtp, position))

    def _lose(self) -> None:
        self.lost += 1
        self._changed.set()


class _Unmapped:
    def map(self, timestamp: int) -> int:
        return timestamp


def level(frame: av.VideoFrame) -> float:
    return float(frame.to_ndarray(format="gray").mean())


def time_of(frame: av.VideoFrame | av.AudioFrame) -> int:
    assert frame.pts is not None
    return frame.pts


def bright_times(pictures: list[av.VideoFrame]) -> list[int]:
    """RTP times at which bright pictures begin."""
    levels = [level(frame) > (DARK + BRIGHT) / 2 for frame in pictures]
    starts = [k for k, lit in enumerate(levels) if lit and not (k and levels[k - 1])]
    return [time_of(pictures[k]) for k in starts]


def bright(pictures: list[av.VideoFrame]) -> list[float]:
    """Seconds at which bright pictures begin."""
    return [time / 90_000 for time in bright_times(pictures)]


def loud(sound: list[av.AudioFrame]) -> list[float]:
    """Seconds at which sound begins."""
    times: list[float] = []
    quiet = 0
    for frame in sound:
        samples = np.abs(frame.to_ndarray().reshape(-1, 2).mean(axis=1)) / 32768
        for k in np.flatnonzero(samples > 0.1):
            at = time_of(frame) + int(k)
            if at - quiet > 0.05 * SESSION_RATE or not times:
                times.append(at / SESSION_RATE)
            quiet = at
    return times
