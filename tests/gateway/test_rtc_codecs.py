"""Encoders that follow the line: the bitrate changes, the picture and its colours stay."""

from __future__ import annotations

import av
import numpy as np
import pytest
from aiortc.codecs.h264 import h264_depayload
from aiortc.codecs.vpx import vp8_depayload

from tests.gateway.rtc_page import FPS, portrait
from visavis.gateway.rtc_codecs import H264, MAX_BITRATE, MIN_BITRATE, PictureEncoder, Vp8, wrapped


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Vp8, H264])
def test_the_bitrate_changes_without_a_new_encoder_or_keyframe(kind: type[PictureEncoder]) -> None:
    encoder = kind(FPS)
    name = "vp8" if kind is Vp8 else "h264"
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    sizes, keys, contexts = [], [], set()
    for k in range(150):
        encoder.target_bitrate = 1_600_000 if k < 75 else 400_000
        payloads, pts = encoder.encode(wrapped(portrait(k), 3_600 * k))
        assert pts == 3_600 * k
        sizes.append(sum(map(len, payloads)))
        contexts.add(id(encoder._context))
        data = b"".join(_depayloaded(name, part) for part in payloads)
        keys += [k for frame in decoder.decode(av.Packet(data)) if frame.key_frame]
    assert len(contexts) == 1
    assert keys == [0]
    assert sum(sizes[50:75]) * 8 == pytest.approx(1_600_000, rel=0.35)
    assert sum(sizes[125:]) * 8 == pytest.approx(400_000, rel=0.35)


def _depayloaded(name: str, part: bytes) -> bytes:
    return vp8_depayload(part) if name == "vp8" else h264_depayload(part)


def test_what_a_page_estimates_is_kept_within_sense() -> None:
    encoder = Vp8(FPS)
    encoder.target_bitrate = 1
    assert encoder.target_bitrate == MIN_BITRATE
    encoder.target_bitrate = 10**9
    assert encoder.target_bitrate == MAX_BITRATE


@pytest.mark.parametrize("kind", [Vp8, H264])
def test_colours_arrive_as_they_were(kind: type[PictureEncoder]) -> None:
    colour = np.zeros((64, 66, 4), np.uint8)
    colour[:] = (200, 120, 90, 255)
    payloads, _ = kind(FPS).encode(wrapped(colour[:, :65], 0))
    name = "vp8" if kind is Vp8 else "h264"
    decoder = av.CodecContext.create(name, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    data = b"".join(_depayloaded(name, part) for part in payloads)
    frame = [*decoder.decode(av.Packet(data)), *decoder.decode(None)][0]
    assert (frame.width, frame.height) == (64, 64)
    got = frame.to_ndarray(format="rgb24", src_colorspace="ITU601")[32, 32].astype(int)
    assert np.abs(got - (200, 120, 90)).max() <= 4
