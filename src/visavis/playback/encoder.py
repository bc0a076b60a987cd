"""One video file in the making: sound and pictures go in, in time order, and a finished file or nothing comes out."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

from visavis.errors import BadInput
from visavis.media.audio import Audio
from visavis.playback.parts import check_place, part_of, writing
from visavis.playback.pictures import to_i420
from visavis.playback.provenance import marked, xmp_box

Codec: TypeAlias = Literal["h264", "vp9"]
_SUFFIXES = (".mp4", ".m4v", ".webm")
_KEYFRAME_SECONDS = 4
"""Between two points a player can jump to."""
_VIDEO = {
    # for 512x512 of a filmed face at 41 dB: superfast 4 ms a picture and 540 kbit/s, veryfast 7 ms and 230
    "h264": ("libx264", {"preset": "superfast", "crf": "20", "profile": "high"}),
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "28", "b": "0"}),
}
_PROMPT = {"h264": {"tune": "zerolatency"}, "vp9": {"lag-in-frames": "0"}}
# the coder "fast" takes 8 ms for a second of speech at 38 dB, the default 26 ms
_AUDIO = {"h264": ("aac", "fltp", 96_000, {"aac_coder": "fast"}), "vp9": ("libopus", "flt", 64_000, {})}
_BT709 = 1
"""The number of BT.709 as primaries, transfer and matrix alike (ITU-T H.273)."""
_LIMITED_RANGE = 1


def check_output(path: Path, codec: Codec = "h264") -> None:
    """See that a video can be written at `path`, before any work is done for it.

    Raises `BadInput` for a kind of file that is not known or cannot hold the codec, `OutputFailed` for a folder that
    is missing or cannot be written to, and for a path that is itself a folder.
    """
    check_place(path, f"name a file in it, as in '{path / 'answer.mp4'}'")
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise BadInput(f"'{path.name}' is not a kind of video that can be written: end its name in .mp4 or .webm")
    if suffix == ".m4v" and codec == "vp9":
        raise BadInput(f"'{path.name}' cannot hold VP9: end its name in .mp4 or .webm")


class Tracks:
    """The two tracks of a video in the making, in a container that is open for writing.

    Blocking; to be called on one thread at a time. Pictures and sound both start at 0, and a picture is shown for one
    frame's time. `prompt` gives a picture's bytes at once, where a better coder would wait for the next ones.
    """

    def __init__(
        self,
        container: av.container.OutputContainer,
        codec: Codec,
        size: tuple[int, int],
        fps: Fraction,
        rate: int,
        *,
        prompt: bool = False,
    ) -> None:
        self.rate = rate
        """Hertz of the sound."""
        self.samples = 0
        """Of sound, taken so far."""
        self.frames = 0
        """Pictures taken so far."""
        self.width, self.height = (side & ~1 for side in size)  # 4:2:0 has no odd sides
        self.container = container
        self._video = self._add_video(codec, fps, prompt)
        self._audio = self._add_audio(codec, rate)

    def _add_video(self, codec: Codec, fps: Fraction, prompt: bool) -> av.VideoStream:
        name, options = _VIDEO[codec]
        stream = self.container.add_stream(name, rate=fps, options={**options, **(_PROMPT[codec] if prompt else {})})
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
        stream.color_primaries = stream.color_trc = stream.colorspace = _BT709
        stream.color_range = _LIMITED_RANGE
        stream.codec_context.gop_size = round(fps * _KEYFRAME_SECONDS)
        stream.codec_context.thread_count = 1  # the other core renders
        stream.codec_context.time_base = 1 / fps
        return stream

    def _add_audio(self, codec: Codec, rate: int) -> av.AudioStream:
        name, format, bits, options = _AUDIO[codec]
        stream = self.container.add_stream(name, rate=rate, options=dict(options), layout="mono", format=format)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.bit_rate = bits
        return stream

    def add_sound(self, audio: Audio) -> None:
        """Append a piece of sound."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio.samples[None]), "flt", "mono")
        frame.sample_rate, frame.pts, frame.time_base = audio.rate, self.samples, Fraction(1, audio.rate)
        self.samples += len(audio)
        self.mux(self._audio, frame)

    def add_picture(self, pixels: NDArray[np.uint8]) -> None:
        """Append an RGB(A) picture, (h, w, 3 or 4)."""
        frame = av.VideoFrame.from_ndarray(to_i420(pixels), "yuv420p")
        frame.pts, frame.time_base = self.frames, self._video.codec_context.time_base
        self.frames += 1
        self.mux(self._video, frame)

    def drain(self) -> None:
        """Write what the encoders still hold."""
        self.mux(self._video, None)
        self.mux(self._audio, None)

    def mux(self, stream: av.VideoStream | av.AudioStream, frame: av.VideoFrame | av.AudioFrame | None) -> None:
        """Encode a frame of a track, or with None its end, and write what comes of it."""
        self.container.mux(stream.encode(frame))  # type: ignore[arg-type]  # each gets frames of its own kind


class Encoder(Tracks):
    """A video file written beside its final place under a hidden name, until `publish` puts it there.

    A `.webm` is VP9 and Opus whichever codec was asked for. Every method but `discard` raises `OutputFailed` where the
    disk does not take what is written.
    """

    def __init__(
        self, path: Path, codec: Codec, size: tuple[int, int], fps: Fraction, rate: int, metadata: Mapping[str, str]
    ) -> None:
        self._path = path
        self._part = part_of(path)
        self._webm = path.suffix.lower() == ".webm"
        container = av.open(
            f"file:{self._part}",
            "w",
            format="webm" if self._webm else "mp4",
            options={} if self._webm else {"movflags": "+faststart"},
        )
        container.metadata.update(marked(metadata, self._webm))
        super().__init__(container, "vp9" if self._webm else codec, size, fps, rate)

    def finish(self) -> None:
        """Write what the encoders still hold, the index and the tags: the file is complete, not yet in its place."""
        self.drain()
        with writing(self._path):
            self.container.close()
            if not self._webm:
                with self._part.open("ab") as file:
                    file.write(xmp_box())

    def publish(self) -> int:
        """Put the finished file in its place, in one step; returns its bytes."""
        with writing(self._path):
            os.replace(self._part, self._path)
            return self._path.stat().st_size

    def discard(self) -> None:
        """Remove whatever there is of an unpublished file."""
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)  # before closing, which would put a long file in order for nothing
        with contextlib.suppress(OSError, av.error.FFmpegError):
            self.container.close()
        with contextlib.suppress(OSError):  # on Windows an open file cannot be removed
            self._part.unlink(missing_ok=True)

    def mux(self, stream: av.VideoStream | av.AudioStream, frame: av.VideoFrame | av.AudioFrame | None) -> None:
        """Encode a frame of a track, or with None its end, and write what comes of it."""
        with writing(self._path):
            super().mux(stream, frame)
