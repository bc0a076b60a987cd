"""A face that the project made, its pictures and videos."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import visavis.avatars
from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.avatars.landmarks import FaceMesh
from visavis.avatars.pictures import load_picture

Pixels = NDArray[np.uint8]
MakeVideo = Callable[..., Path]


@pytest.fixture(scope="session")
def portrait() -> Path:
    """The built-in avatar's picture."""
    return Path(visavis.avatars.__path__[0]) / "builtin" / "vera.png"


@pytest.fixture(scope="session")
def face(portrait: Path) -> Pixels:
    """The same, (512, 512, 3) RGB. Not to be written to."""
    pixels = np.asarray(cv2.resize(load_picture(portrait).pixels, (512, 512), interpolation=cv2.INTER_AREA), np.uint8)
    pixels.flags.writeable = False
    return pixels


@pytest.fixture(scope="session")
def mesher() -> FaceMesh:
    return FaceMesh()


@pytest.fixture(scope="session")
def avatar(portrait: Path) -> Avatar:
    return build_avatar(portrait, "vera-again", size=256, voice="slt", note="made for tests")


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Write RGB frames as an H.264 MP4; `times` are seconds, at 25 a second where they are not given."""

    def make(frames: Iterable[Pixels], times: Iterable[float] | None = None, name: str = "video.mp4") -> Path:
        path = tmp_path / name
        frames = list(frames)
        times = list(times) if times is not None else [i / 25 for i in range(len(frames))]
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=1000, options={"preset": "ultrafast", "crf": "12"})
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = Fraction(1, 1000)
            for pixels, time in zip(frames, times, strict=True):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
                frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return make


def shifted(face: Pixels, x: float, y: float, width: int = 512, height: int = 512, scale: float = 1.0) -> Pixels:
    """The face moved and scaled on a grey ground."""
    matrix = np.array([[scale, 0, x], [0, scale, y]], np.float64)
    ground = (118, 120, 124)
    return np.asarray(cv2.warpAffine(face, matrix, (width, height), borderValue=ground), np.uint8)
