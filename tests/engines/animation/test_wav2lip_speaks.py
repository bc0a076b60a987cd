"""A checkpoint is added, and then a face says what is heard, through the real network in every runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'wav2lip' is not installed")

from tests.engines.animation.loud_mouth import loud_mouth
from tests.engines.animation.test_wav2lip_engine import drawn, speech, windows
from visavis.avatars.avatar import Avatar
from visavis.avatars.video import encode_frame
from visavis.engines.animation.rig import Rig
from visavis.engines.animation.wav2lip import Wav2Lip
from visavis.engines.neural import forms
from visavis.engines.protocols import Rendering
from visavis.media.video import Frame
from visavis.settings import Settings
from visavis.weights.published import published

pytestmark = pytest.mark.slow
MOUTH = slice(330, 350), slice(243, 269)
"""Where the hand-made checkpoint's mouth is, on Vera's plate of 512 pixels."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, avatar: Avatar) -> Path:
    """A data folder in which the checkpoint that opens a loud mouth was added."""
    folder = tmp_path_factory.mktemp("added")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_DATA_DIR", str(folder))
        forms.install("wav2lip", loud_mouth(published()["wav2lip"].layout), "ab" * 32)
    return folder


@pytest.fixture(autouse=True)
def here(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(data))


def darkness(frames: Sequence[Frame]) -> np.ndarray:
    return np.array([255 - frame.pixels[MOUTH].mean() for frame in frames])


@pytest.mark.parametrize(
    ("runtime", "precision"), [("openvino", "int8"), ("openvino", "float32"), ("onnxruntime", "float32")]
)
async def test_the_mouth_is_open_where_it_is_loud_and_at_rest_in_silence(
    avatar: Avatar, runtime: str, precision: str
) -> None:
    settings = Settings.model_validate({"neural_runtime": runtime, "neural_precision": precision, "threads": 2})
    cut = windows(speech(2.0, 0.6, 1.2), moves=False)
    async with Wav2Lip(settings) as engine, Rig(settings) as rig:
        frames = await drawn(engine, avatar, cut, Rendering())
        still = [frame for each in cut for frame in (await rig.animate(avatar, each, Rendering(), None))[0]]
    dark, rest = darkness(frames), darkness(still)
    assert (dark[16:25] > rest[16:25] + 40).all()
    for number in [*range(8), *range(40, 50)]:
        assert (frames[number].pixels == still[number].pixels).all()
    upper = slice(0, 200)
    assert all((a.pixels[upper] == b.pixels[upper]).all() for a, b in zip(frames, still, strict=True))


async def test_a_videos_mouth_goes_with_its_face(avatar: Avatar) -> None:
    shifts = (0, 6, 12, 18)
    frames = tuple(encode_frame(np.roll(avatar.plate, shift, axis=1)) for shift in shifts)
    tracks = np.stack([avatar.landmarks + np.array([shift, 0, 0], np.float32) for shift in shifts])
    video = replace(avatar, kind="video", frames=frames, tracks=tracks, digest="drifting")
    async with Wav2Lip(Settings(threads=2)) as engine:
        shown = await drawn(engine, video, windows(speech(0.6), moves=False), Rendering())
    for frame, shift in zip(shown[5:11], (6, 0, 6, 12, 18, 12), strict=True):
        back = replace(frame, pixels=np.roll(frame.pixels, -shift, axis=1))
        assert darkness([back]) > darkness([Frame(avatar.plate, 0)]) + 30


async def test_sound_shorter_than_what_it_hears_at_once_is_spoken_too(avatar: Avatar) -> None:
    async with Wav2Lip(Settings(threads=2)) as engine:
        frames = await drawn(engine, avatar, windows(speech(0.08), moves=False), Rendering())
    assert len(frames) == 2
