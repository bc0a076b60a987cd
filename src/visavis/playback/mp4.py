"""Clips to a video file, frame-exact with their sound: complete in its place at the end, or not there at all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from visavis.errors import BadInput, EngineFailed
from visavis.media.clip import Clip
from visavis.media.video import Frame, frame_times
from visavis.playback.encoder import Codec, Encoder, Tracks, check_output
from visavis.streams.buffered import buffered
from visavis.streams.flow import Stream
from visavis.streams.worker import Worker

__all__ = ["Codec", "Written", "add_clip", "check_output", "first_picture", "write_mp4"]


@dataclass(frozen=True, slots=True)
class Written:
    """A video file that is in its place."""

    path: Path
    duration: float
    """Seconds of sound."""
    frames: int
    """Pictures; the last one is on screen when the last sample sounds."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    size: int
    """Bytes."""


async def write_mp4(
    clips: Stream[Clip],
    path: Path,
    *,
    fps: Fraction,
    codec: Codec = "h264",
    metadata: Mapping[str, str] | None = None,
    progress: Callable[[float], None] = lambda seconds: None,
) -> Written:
    """Write `clips` as a video whose first sample and first picture are at 0, telling `progress` the seconds done.

    H.264 and AAC, or VP9 and Opus, in an MP4 that starts to play before it is loaded whole; a path that ends in
    `.webm` makes a WebM. Picture k appears at k / `fps`; where the animator made none it is the one before, so the
    picture may hold but never slides against the sound. `metadata` are tags such as `title`; that the video is
    AI-generated is added to them.

    `clips` is closed however this ends. On failure and on cancellation nothing stays behind, and a file that was at
    `path` is untouched. Raises `OutputFailed` where the file cannot be written, `BadInput` for an unknown kind of file
    and for clips without any sound, `EngineFailed` for a clip without a picture.
    """
    worker = Worker("encode")
    encoder: Encoder | None = None
    held: Frame | None = None
    try:
        async with aclosing(clips):
            check_output(path, codec)
            async with aclosing(buffered(clips, ahead=1)) as made:  # one is drawn while another is encoded
                async for clip in made:
                    if not len(clip.audio):
                        continue
                    if encoder is None or held is None:
                        height, width = first_picture(clip).pixels.shape[:2]
                        encoder = Encoder(path, codec, (width, height), fps, clip.audio.rate, metadata or {})
                    held = await add_clip(clip, held, encoder, fps, worker)
                    progress(encoder.samples / clip.audio.rate)
        if encoder is None:
            raise BadInput("there is no sound to make a video of: ask for something that can be said aloud")
        await worker.run(encoder.finish)
        size = encoder.publish()
        return Written(path, encoder.samples / encoder.rate, encoder.frames, encoder.width, encoder.height, size)
    finally:
        worker.close()
        if encoder is not None:
            encoder.discard()


async def add_clip(clip: Clip, held: Frame | None, encoder: Tracks, fps: Fraction, worker: Worker) -> Frame:
    """Encode a clip, one step on the worker for its sound and one for each picture; returns the picture left on screen.

    A picture belongs to the time it is nearest to.
    """
    step = clip.audio.rate / fps
    if len(clip.audio) >= step:
        first_picture(clip)
    begin = encoder.samples
    await worker.run(encoder.add_sound, clip.audio)
    waiting = deque(clip.frames)
    for time in frame_times(begin, encoder.samples, clip.audio.rate, fps):
        while waiting and (held is None or waiting[0].start - clip.audio.start < time - begin + step / 2):
            held = waiting.popleft()
        assert held is not None  # the first clip has a picture
        await worker.run(encoder.add_picture, held.pixels)
    return held or first_picture(clip)


def first_picture(clip: Clip) -> Frame:
    """The first one that a clip has. Raises `EngineFailed` where it has none."""
    if not clip.frames:
        at = clip.audio.start / clip.audio.rate
        raise EngineFailed("animation", "in use", f"it made no picture for the sound at {at:.2f} s; try another engine")
    return clip.frames[0]
