"""A video file as an even run of upright RGB frames: at most 1080p, 25 a second whatever its own rate was."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.stream import Disposition
from av.video.reformatter import Colorspace, Interpolation
from numpy.typing import NDArray

from visavis.avatars.pictures import FORMATS, MAX_PIXELS, looks_like, open_file
from visavis.errors import BadInput

FPS = 25
_LONG, _SHORT = 1920, 1080
# Containers that hold video and nothing but: FFmpeg's other readers take text files for terminal art and follow
# the addresses in playlists.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,ogg,asf,h264,hevc,wmv"
_OPTIONS = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
_UNSPECIFIED = 2  # colour space


@dataclass(frozen=True, slots=True)
class Footage:
    """A video that can be read, several times over, from its start."""

    path: Path
    duration: float | None
    """Seconds, where the file tells."""

    def frames(self) -> Generator[NDArray[np.uint8], None, None]:
        """(h, w, 3) RGB, frame k showing what is on the screen k/25 s after the first one.

        A damaged file ends where it breaks. Raises `BadInput` if not even one frame can be decoded.
        """
        count = 0
        try:
            with av.open(str(self.path), options=_OPTIONS) as container:
                stream = _moving(container)[0]
                stream.thread_type = "AUTO"
                for frame in _evenly(container.decode(stream), stream):
                    count += 1
                    yield frame
        except (av.error.FFmpegError, OSError):
            pass
        if not count:
            raise BadInput(f"{self.path} is damaged: none of its video can be decoded; copy or save it again")


def open_footage(path: Path) -> Footage:
    """The video in a file. Raises `BadInput` if it is missing, or holds no video that can be read."""
    with open_file(path) as file:
        remark = looks_like(file)
    try:
        with av.open(str(path), options=_OPTIONS) as container:
            moving = _moving(container)
            if not moving:
                raise BadInput(f"{path} has sound but no picture in it: give a picture or a video of a face")
            context = moving[0].codec_context
            if context.width * context.height > MAX_PIXELS:
                size = f"{context.width} x {context.height} pixels"
                raise BadInput(f"{path} is too large, {size}: give a video of at most 4K")
            duration = None if container.duration is None else container.duration / av.time_base
    except (av.error.FFmpegError, OSError):
        raise BadInput(
            f"{path} is neither a picture nor a video{remark}, or is damaged: give a {FORMATS} or an MP4 or WebM"
        ) from None
    return Footage(path, duration)


def _moving(container: av.container.InputContainer) -> list[av.VideoStream]:
    """The streams that move: not the cover of a song."""
    return [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]


def _evenly(frames: Iterator[av.VideoFrame], stream: av.VideoStream) -> Iterator[NDArray[np.uint8]]:
    """At each k / FPS the frame nearest in time: even for variable rates, halved for 50, repeated for 12.5."""
    step = 1 / float(stream.average_rate or FPS)
    aspect = float(stream.sample_aspect_ratio or 1)  # of a pixel
    first: float | None = None
    held: av.VideoFrame | None = None
    held_time, count = 0.0, 0
    for index, frame in enumerate(frames):
        time = frame.time if frame.time is not None else index * step
        first = time if first is None else first
        time -= first
        if held is not None:
            if time <= held_time:
                continue  # time must advance
            pixels = None
            while count / FPS < (held_time + time) / 2:
                pixels = _pixels(held, aspect) if pixels is None else pixels
                yield pixels
                count += 1
        held, held_time = frame, time
    if held is not None:
        pixels = _pixels(held, aspect)
        while count / FPS < held_time + step or not count:
            yield pixels
            count += 1


def _pixels(frame: av.VideoFrame, aspect: float) -> NDArray[np.uint8]:
    width, height = round(frame.width * aspect), frame.height
    shrink = min(1.0, _LONG / max(width, height), _SHORT / min(width, height))
    # what does not say how its colours are coded follows the custom: BT.709 from 720 lines on, BT.601 below
    untold_hd = frame.colorspace == _UNSPECIFIED and frame.height >= 720
    rgb = frame.reformat(
        width=max(2, round(width * shrink)),
        height=max(2, round(height * shrink)),
        format="rgb24",
        src_colorspace=Colorspace.ITU709 if untold_hd else None,
        interpolation=Interpolation.AREA if shrink < 1 else Interpolation.BILINEAR,
    ).to_ndarray()
    turns = round(frame.rotation / 90) % 4  # counter-clockwise, from the file's display matrix
    return np.ascontiguousarray(np.rot90(rgb, turns))
