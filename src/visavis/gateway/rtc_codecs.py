"""Encoders for WebRTC that follow a changing bitrate without starting anew: a new start costs a whole picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
from aiortc.codecs.base import Encoder
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder
from aiortc.mediastreams import VIDEO_CLOCK_RATE, VIDEO_TIME_BASE, convert_timebase
from av.frame import Frame
from av.packet import Packet
from av.video.frame import PictureType
from numpy.typing import NDArray

from visavis.media.audio import SESSION_RATE

START_BITRATE = 1_000_000
"""Bits per second of the picture, until the page has estimated what arrives."""
MIN_BITRATE, MAX_BITRATE = 150_000, 2_000_000
_BEHIND = 255
"""Grey level shown where a picture is transparent."""
_KEYFRAME_FRAMES = 3_000
"""At most between two keyframes; the page asks for those that it needs."""
_BT601, _LIMITED_RANGE = 6, 1
"""Numbers of the colour space (ITU-T H.273) and range. VP8 has no other space (RFC 6386, 9.2), so H.264 has it too."""


class PictureEncoder(Encoder, ABC):
    """Pictures as RTP payloads at `target_bitrate`; encodes on any thread, one call at a time.

    aiortc calls it: `encode` with every picture, `target_bitrate` whenever the page has estimated what arrives.
    """

    def __init__(self, fps: Fraction) -> None:
        self._fps = fps
        self._target = START_BITRATE
        self._context: av.VideoCodecContext | None = None

    @property
    def target_bitrate(self) -> int:
        """Bits per second."""
        return self._target

    @target_bitrate.setter
    def target_bitrate(self, bitrate: int) -> None:
        self._target = min(max(bitrate, MIN_BITRATE), MAX_BITRATE)

    def encode(self, frame: Frame, force_keyframe: bool = False) -> tuple[list[bytes], int]:
        """The payloads of a `wrapped` picture, and its time at 90 kHz."""
        assert isinstance(frame, av.VideoFrame)
        assert frame.pts is not None
        planes = _planes(frame)
        size = (planes.width, planes.height)
        if self._context is None or (self._context.width, self._context.height) != size:
            self._context = self._created(*size)
        planes.pts, planes.time_base = frame.pts, VIDEO_TIME_BASE
        if force_keyframe:
            planes.pict_type = PictureType.I
        self._set_rate(self._context, planes)
        data = b"".join(bytes(packet) for packet in self._context.encode(planes))
        return self._payloads(data), frame.pts

    def pack(self, packet: Packet[Any]) -> tuple[list[bytes], int]:
        """The payloads of a picture that was encoded elsewhere."""
        assert packet.pts is not None
        return self._payloads(bytes(packet)), convert_timebase(packet.pts, packet.time_base, VIDEO_TIME_BASE)

    @abstractmethod
    def _created(self, width: int, height: int) -> av.VideoCodecContext:
        """The encoder of pictures of a size."""

    @abstractmethod
    def _set_rate(self, context: av.VideoCodecContext, planes: av.VideoFrame) -> None:
        """Have the next picture, `planes`, encoded at `target_bitrate`."""

    @abstractmethod
    def _payloads(self, data: bytes) -> list[bytes]:
        """A picture's data in pieces that fit a packet each."""


class Vp8(PictureEncoder):
    """VP8, which every browser has."""

    def __init__(self, fps: Fraction) -> None:
        super().__init__(fps)
        self._time = 0
        self._number = 0

    def _created(self, width: int, height: int) -> av.VideoCodecContext:
        context = _context("libvpx", width, height, self._fps)
        context.bit_rate = START_BITRATE
        context.qmin, context.qmax = 10, 56
        context.options = {
            "minrate": str(START_BITRATE),  # equal rates: constant
            "maxrate": str(START_BITRATE),
            "bufsize": str(START_BITRATE // 2),
            "max-intra-rate": "450",  # a keyframe is at most this % of a mean picture, or it would block the line
            "overshoot-pct": "15",
            "undershoot-pct": "100",
            "deadline": "realtime",
            "cpu-used": "-12",
            "static-thresh": "1000",  # blocks that hardly change are not searched; with -12, 2.7 instead of 5.3 ms
            "lag-in-frames": "0",
        }
        return context

    def _set_rate(self, context: av.VideoCodecContext, planes: av.VideoFrame) -> None:
        # libvpx can change its rate, FFmpeg's door to it cannot. But the rate is bits in a second, and what a second
        # is we say: pictures that claim to last half as long get half the bits.
        planes.duration = round(VIDEO_CLOCK_RATE / self._fps * self._target / START_BITRATE)
        planes.pts, self._time = self._time, self._time + planes.duration

    def _payloads(self, data: bytes) -> list[bytes]:
        self._number = (self._number + 1) % (1 << 15)
        return Vp8Encoder._packetize(data, self._number)


class H264(PictureEncoder):
    """H.264 with a real-time preset."""

    def _created(self, width: int, height: int) -> av.VideoCodecContext:
        context = _context("libx264", width, height, self._fps)
        context.bit_rate = MAX_BITRATE  # x264 follows changes at once only below a rate that began as its limit
        context.colorspace = context.color_primaries = context.color_trc = _BT601
        context.color_range = _LIMITED_RANGE
        context.options = {
            "maxrate": str(MAX_BITRATE),
            "bufsize": str(MAX_BITRATE // 10),
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
        }
        return context

    def _set_rate(self, context: av.VideoCodecContext, planes: av.VideoFrame) -> None:
        if context.is_open:
            context.bit_rate = self._target  # FFmpeg hands it on to x264

    def _payloads(self, data: bytes) -> list[bytes]:
        return H264Encoder._packetize(H264Encoder._split_bitstream(data))


class Opus:
    """Speech as Opus packets of 20 ms that carry what a lost one before them held."""

    def __init__(self) -> None:
        self._context = av.CodecContext.create("libopus", "w")
        self._context.sample_rate = SESSION_RATE
        self._context.layout, self._context.format = "mono", "s16"
        self._context.bit_rate = 48_000
        self._context.time_base = Fraction(1, SESSION_RATE)
        self._context.options = {"application": "voip", "fec": "1", "packet_loss": "5", "compression_level": "1"}

    def encode(self, samples: NDArray[np.float32], pts: int) -> Packet[Any]:
        """The packet of (960,) samples at 48 kHz; `pts` is the time of the first."""
        whole = np.asarray(np.clip(np.rint(samples * 32767.0), -32768, 32767), np.int16)
        frame = av.AudioFrame.from_ndarray(whole[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = SESSION_RATE, pts, Fraction(1, SESSION_RATE)
        packet: Packet[Any] = Packet(b"".join(bytes(part) for part in self._context.encode(frame)))
        packet.pts, packet.time_base = pts, Fraction(1, SESSION_RATE)  # the encoder's are early by its own delay
        return packet


def encoder_for(codec: str, fps: Fraction) -> PictureEncoder:
    """The encoder of pictures for a codec's name in SDP: VP8 or H264."""
    return Vp8(fps) if codec.upper() == "VP8" else H264(fps)


def wrapped(pixels: NDArray[np.uint8], pts: int) -> av.VideoFrame:
    """(h, w, 3 or 4) RGB(A) as a frame for `encode`, not copied where its sides are even; `pts` is at 90 kHz."""
    height, width = (side & ~1 for side in pixels.shape[:2])  # 4:2:0 has no odd sides
    pixels = np.ascontiguousarray(pixels[:height, :width])
    frame = av.VideoFrame.from_numpy_buffer(pixels, "rgba" if pixels.shape[2] == 4 else "rgb24")
    frame.pts, frame.time_base = pts, VIDEO_TIME_BASE
    return frame


def _planes(frame: av.VideoFrame) -> av.VideoFrame:
    """A wrapped picture as planes Y, U, V in BT.601, limited range."""
    pixels = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(frame.height, frame.width, -1)
    if pixels.shape[2] == 4:
        opacity = pixels[..., 3:].astype(np.uint16)
        pixels = ((pixels[..., :3] * opacity + _BEHIND * (255 - opacity) + 127) // 255).astype(np.uint8)
    planes = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420), np.uint8)
    return av.VideoFrame.from_ndarray(planes, "yuv420p")


def _context(name: str, width: int, height: int, fps: Fraction) -> av.VideoCodecContext:
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base, context.framerate = VIDEO_TIME_BASE, fps
    context.gop_size = _KEYFRAME_FRAMES
    context.thread_count = 1  # the other core renders
    return context
