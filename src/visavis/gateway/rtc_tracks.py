"""One media clock for two WebRTC tracks: packets of sound are paced by the wall clock, pictures follow the sound."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import soxr
from aiortc.mediastreams import VIDEO_CLOCK_RATE, MediaStreamError, MediaStreamTrack
from av.packet import Packet
from numpy.typing import NDArray

from visavis.gateway.rtc_codecs import Opus, wrapped
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip
from visavis.media.video import Frame

PACKET = SESSION_RATE // 50
"""Samples of a packet of sound: 20 ms."""
_REPEAT = SESSION_RATE // 5
"""Where no picture is due for so long (200 ms), the last is sent again: a page that asks for a keyframe gets one."""
_SUSPENDED = 0.5
"""Seconds behind the wall clock after which time is skipped rather than caught up with."""
_FADE = np.linspace(1.0, 0.0, SESSION_RATE // 200, endpoint=False, dtype=np.float32)
"""A step where sound is cut is spread over 5 ms: it would be heard as a click."""
_LONGEST_GAP = SESSION_RATE
"""Samples that may be missing of the microphone's sound and are replaced by silence; beyond, it was closed."""
MICROPHONE_RATE = 16_000
"""Hertz."""


@dataclass(frozen=True, slots=True, eq=False)
class Due:
    """A picture and when it is shown, in samples of the sound that was sent."""

    pts: int
    frame: Frame


class Timeline:
    """What waits to be sent, on the media clock, and how it lies on the transport's clock.

    The transport's clock counts the samples sent and never stops. Where there is nothing to send it counts silence;
    media then go on later, whole. So the distance between the clocks changes at silences and flushes only.
    """

    def __init__(self, start: int, epoch: int) -> None:
        self.epoch = epoch
        self.sent = 0
        """Samples, on the transport's clock."""
        self.position = start
        """The media time of the packet that is being sent."""
        self.moved = asyncio.Event()
        """Set whenever less waits than before."""
        self._next = start
        self._sound: deque[Audio] = deque()
        self._frames: deque[Frame] = deque()
        self._last = np.float32(0)
        self._whole = False
        self._tail = np.zeros(len(_FADE), np.float32)

    @property
    def waiting(self) -> int:
        """Samples of sound that were not sent yet."""
        return sum(map(len, self._sound))

    def add(self, clip: Clip) -> None:
        """Append a clip."""
        self._sound.append(clip.audio)
        self._frames.extend(clip.frames)

    def flush(self, position: int, epoch: int) -> None:
        """Drop what waits; `position` is sent next."""
        self.epoch, self.position, self._next = epoch, position, position
        self._sound.clear()
        self._frames.clear()
        self._whole = False
        self.moved.set()

    def skip(self, samples: int) -> None:
        """Let the transport's clock go on without sending anything."""
        self.sent += samples
        self._whole = False

    def take(self) -> tuple[NDArray[np.float32], list[Due]]:
        """The next packet, (960,) samples, and the pictures that begin within it."""
        sound = np.zeros(PACKET + len(_FADE), np.float32)
        sound[: len(_FADE)] = self._tail
        due: list[Due] = []
        filled = 0
        self.position = self._next
        while filled < PACKET and self._sound:
            piece = self._sound.popleft()
            part, rest = piece.slice(0, PACKET - filled), piece.slice(PACKET - filled, len(piece))
            if len(rest):
                self._sound.appendleft(rest)
            if len(part):
                self._join(sound, filled, part.samples[0], whole=True)
                sound[filled : filled + len(part)] += part.samples
                self._last = part.samples[-1]
            while self._frames and self._frames[0].start < part.end:
                frame = self._frames.popleft()
                due.append(Due(self.sent + filled + frame.start - part.start, frame))
            filled += len(part)
            self._next = part.end
        if filled < PACKET:
            self._join(sound, filled, np.float32(0), whole=False)
            self._last = np.float32(0)
        self.sent += PACKET
        self._tail = sound[PACKET:]
        self.moved.set()
        return sound[:PACKET], due

    def _join(self, sound: NDArray[np.float32], at: int, first: np.float32, *, whole: bool) -> None:
        """Smooth the step to `first` unless the sound before `at` goes on there."""
        if not (whole and self._whole):
            sound[at : at + len(_FADE)] += (self._last - first) * _FADE
        self._whole = whole


class PictureTrack(MediaStreamTrack):
    """Pictures as they become due; of those that the encoder has no time for, only the newest is kept."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self.dropped = 0
        """Pictures that were never encoded."""
        self.taken: Callable[[Due], None] = lambda due: None
        """Called with each picture that is sent."""
        self._due: Due | None = None
        self._latest: Due | None = None
        self._ready = asyncio.Event()

    def show(self, due: list[Due], now: int) -> None:
        """Take the pictures that are due in the packet of sound at `now`, or let the last one be seen again."""
        if not due and self._latest and now - self._latest.pts >= _REPEAT:
            due = [Due(now, self._latest.frame)]
        for item in due:
            if self._latest and item.pts <= self._latest.pts:
                continue  # time only goes forward
            self.dropped += self._due is not None
            self._due = self._latest = item
            self._ready.set()

    async def recv(self) -> av.VideoFrame:
        """The next picture, as soon as it is due."""
        while self._due is None:
            if self.readyState != "live":
                raise MediaStreamError
            self._ready.clear()
            await self._ready.wait()
        due, self._due = self._due, None
        self.taken(due)
        return wrapped(due.frame.pixels, due.pts * VIDEO_CLOCK_RATE // SESSION_RATE)


class SoundTrack(MediaStreamTrack):
    """The timeline's sound, a packet every 20 ms; it drives the pictures."""

    kind = "audio"

    def __init__(self, timeline: Timeline, pictures: PictureTrack) -> None:
        super().__init__()
        self._timeline = timeline
        self._pictures = pictures
        self._opus = Opus()
        self._origin: float | None = None

    async def recv(self) -> Packet[Any]:
        """The next packet, when its time has come. The first call starts the clock."""
        if self.readyState != "live":
            raise MediaStreamError
        loop = asyncio.get_running_loop()
        if self._origin is None:
            self._origin = loop.time()
        ahead = self._origin + self._timeline.sent / SESSION_RATE - loop.time()
        if ahead > 0:
            await asyncio.sleep(ahead)
        elif ahead < -_SUSPENDED:
            self._timeline.skip(int(-ahead * SESSION_RATE) // PACKET * PACKET)
        now = self._timeline.sent
        sound, due = self._timeline.take()
        self._pictures.show(due, now)
        return self._opus.encode(sound, now)  # at once: 0.4 ms, and a thread would come late where others compute


class Microphone:
    """Decoded packets of a page's sound as one continuous stream at 16 kHz."""

    def __init__(self) -> None:
        self._resampler = soxr.ResampleStream(SESSION_RATE, MICROPHONE_RATE, 1, dtype="float32")
        self._expected: int | None = None
        self._given = 0

    def take(self, frame: av.AudioFrame) -> Audio:
        """What a frame (Opus: 48 kHz, interleaved 16-bit) adds; lost ones before it are silence."""
        assert frame.pts is not None
        channels = len(frame.layout.channels)
        samples = frame.to_ndarray().reshape(-1, channels).mean(axis=1, dtype=np.float32) / 32768
        gap = 0 if self._expected is None else frame.pts - self._expected
        if 0 < gap <= _LONGEST_GAP:
            samples = np.concatenate([np.zeros(gap, np.float32), samples])
        self._expected = frame.pts + frame.samples
        heard = np.clip(self._resampler.resample_chunk(samples), -1.0, 1.0)
        audio = Audio(heard, MICROPHONE_RATE, self._given)
        self._given += len(heard)
        return audio
