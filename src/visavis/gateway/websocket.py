"""Media as binary messages: JPEG pictures, or motion for a page that draws, beside PCM. The page plays by its own
clock and says where it is; that is the clock here, too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.gateway.events import MOTION, PICTURE, SOUND, Played, media_header
from visavis.gateway.outbox import Outbox
from visavis.media.audio import SESSION_RATE
from visavis.media.clip import Clip
from visavis.media.motion import Motion
from visavis.playback.pictures import opaque
from visavis.streams.worker import Worker

QUALITY = 82
"""Of JPEG: 512 x 512 of a face takes some 25 kB, and nobody sees a difference in motion."""
LEAD, MORE = 0.14, 0.06
"""Seconds that are sent ahead of what is heard, and how much is added each time that was not enough."""
VOICE = 0.3
"""The same of an answer: a gap in silence is not heard, one in a word is. What is ahead is taken back at no cost."""
MOST = 0.5
STEADY = 40
"""Reports (20 s) without such a time after which it is tried with less again."""
RELIEF = 10.0
"""Seconds after which a page that keeps up is taken to have time again."""
SETTLING = 3.0
"""Seconds in which a page that begins may be late: that says nothing of how it will do."""
SILENT = 2.0
"""Seconds after which a page that says nothing of its position is thought to have stopped."""
_BEHIND = 238
"""Grey level behind a transparent picture."""


class WebSocketSink:
    """Shows clips on a page over its WebSocket."""

    def __init__(
        self,
        outbox: Outbox,
        encoder: Worker,
        start: int,
        epoch: int,
        media: Literal["pictures", "motion"] = "pictures",
        sent: Callable[[int], None] = lambda pictures: None,
    ) -> None:
        self.lead = LEAD
        """Seconds."""
        self._outbox, self._encoder, self._media, self._count = outbox, encoder, media, sent
        self._epoch, self._end = epoch, start
        self._known, self._since = float(start), asyncio.get_running_loop().time()
        self._pictures = 0
        self._voiced = start - SESSION_RATE
        self._stalled = self._dropped = self._steady = 0
        self._late, self._settled = float("-inf"), asyncio.get_running_loop().time() + SETTLING
        self._moved = asyncio.Event()

    async def play(self, clip: Clip, epoch: int) -> None:
        """Encode and send; returns when no more than the lead is unheard."""
        drawn = clip.motion if self._media == "motion" else None
        # beside the event loop, all of it in one step
        payloads, sound = await self._encoder.run(_encoded, clip, drawn)
        if epoch != self._epoch:
            return  # flushed while it was encoded
        if drawn is not None:
            headers = [media_header(MOTION, epoch, len(drawn), drawn.start * SESSION_RATE)]
        else:
            numbered = enumerate(clip.frames, self._pictures)
            headers = [media_header(PICTURE, epoch, number, frame.start) for number, frame in numbered]
        self._pictures += len(headers)
        self._count(len(headers))
        # pictures first: they take time to decode, and must not be later than their sound
        for header, payload in zip(headers, payloads, strict=True):
            self._outbox.media(header + payload, epoch)
        self._outbox.media(media_header(SOUND, epoch, len(clip.audio), clip.audio.start) + sound, epoch)
        self._end = clip.audio.end
        if clip.audio.samples.any():
            self._voiced = self._end
        speaking = self._end - self._voiced < SESSION_RATE  # pauses in an answer are part of it
        lead = max(self.lead, VOICE) if speaking else self.lead
        while epoch == self._epoch and (wait := self._end / SESSION_RATE - lead - self._now()) > 0:
            self._moved.clear()
            try:
                async with asyncio.timeout(wait if self._alive() else None):
                    await self._moved.wait()
            except TimeoutError:
                continue

    @property
    def strained(self) -> bool:
        """Whether the page had to wait, or to leave pictures out, in the last seconds."""
        return asyncio.get_running_loop().time() - self._late < RELIEF

    def position(self) -> int:
        """From what the page said last, and the time since then."""
        return round(self._now() * SESSION_RATE)

    def flush(self, position: int, epoch: int) -> None:
        """Nothing that waits here is sent any more."""
        at = self.position()
        self._epoch, self._end = epoch, position
        self._known, self._since = min(at, position), asyncio.get_running_loop().time()
        self._outbox.flush(epoch)
        self._moved.set()

    def played(self, report: Played) -> None:
        """The page says where it is."""
        if report.epoch != self._epoch:
            return  # from before a flush that it has not seen yet
        self._known, self._since = min(report.position, self._end), asyncio.get_running_loop().time()
        now = asyncio.get_running_loop().time()
        if now > self._settled and (report.stalled > self._stalled or report.dropped > self._dropped):
            self._late = now
        self._dropped = report.dropped
        if report.stalled > self._stalled:
            self.lead, self._steady = min(self.lead + MORE, MOST), 0
        else:
            self._steady += 1
            if self._steady % STEADY == 0:
                self.lead = max(self.lead - MORE / 2, LEAD)
        self._stalled = report.stalled
        self._moved.set()

    def _now(self) -> float:
        """Seconds of the media clock."""
        passed = min(asyncio.get_running_loop().time() - self._since, SILENT)
        return min(self._known / SESSION_RATE + passed, self._end / SESSION_RATE)

    def _alive(self) -> bool:
        return asyncio.get_running_loop().time() - self._since < SILENT


def _encoded(clip: Clip, motion: Motion | None) -> tuple[list[bytes], bytes]:
    """The pictures as JPEG, or the motion instead, and the sound as s16le."""
    samples = clip.audio.samples
    sound = np.asarray(clip.audio.to_int16(), "<i2").tobytes() if samples.any() else bytes(2 * len(samples))
    return [_rows(motion)] if motion is not None else [jpeg(frame.pixels) for frame in clip.frames], sound


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """(h, w, 3 or 4) RGB(A) as JPEG, on a light grey where it is transparent."""
    bgr = cv2.cvtColor(opaque(pixels, _BEHIND), cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1])


def _rows(motion: Motion) -> bytes:
    """Float32 rows of curves, head, tongue and breath, little-endian."""
    nothing = np.zeros(len(motion), np.float32)
    extra = [motion.extra.get(name, nothing)[:, None] for name in ("tongue_raise", "breath")]
    return np.asarray(np.concatenate([motion.curves, motion.head, *extra], axis=1), "<f4").tobytes()
