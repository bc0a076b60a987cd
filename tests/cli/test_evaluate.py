"""`visavis evaluate` explains its numbers, keeps its JSON, and refuses the motion of another video."""

from __future__ import annotations

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import visavis.avatars
from tests.cli.conftest import Command
from visavis.evaluation import Report
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip
from visavis.media.face import ARKIT
from visavis.media.motion import Motion
from visavis.playback.motion_file import MotionWriter

FRAMES = 15
PORTRAIT = Path(visavis.avatars.__path__[0]) / "builtin" / "vera.png"


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Six tenths of a second of a face that does nothing, without sound."""
    plate = cv2.imread(str(PORTRAIT))
    assert plate is not None
    pixels = cv2.cvtColor(cv2.resize(plate, (256, 256)), cv2.COLOR_BGR2RGB)
    with av.open(str(tmp_path / "still.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, width=256, height=256, pix_fmt="yuv420p")
        for _ in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(pixels, np.uint8), "rgb24")))
        container.mux(stream.encode(None))
    return tmp_path / "still.mp4"


def _motion(path: Path, seconds: float) -> Path:
    """A motion file of a face that does nothing for so long."""
    rows = round(seconds * 50)
    silence = Audio(np.zeros(round(seconds * SESSION_RATE), np.float32), SESSION_RATE)
    still = Motion(np.zeros((rows, len(ARKIT)), np.float32), np.zeros((rows, 6), np.float32), 50, 0.0, {})
    with MotionWriter(path, Fraction(25)) as motion:
        motion.add(Clip(silence, still, ()))
    return path


def test_the_numbers_are_explained_and_judged(visavis: Command, video: Path) -> None:
    outcome = visavis("evaluate", video)
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert lines[0] == "the pictures:"
    assert lines[1].split()[:3] == ["length", "0.6", "s"]
    assert lines[-1].startswith("verdict: ")


def test_the_json_has_every_measure_under_the_name_it_always_had(visavis: Command, video: Path, tmp_path: Path) -> None:
    motion = _motion(tmp_path / "motion.json", FRAMES / 25)
    outcome = visavis("evaluate", video, "--motion", motion, "--json")
    facts = json.loads(outcome.out)
    assert list(facts) == [field.name for field in dataclasses.fields(Report)]
    assert (facts["frames"], facts["fps"]) == (FRAMES, 25)


@pytest.mark.parametrize("seconds", [0.04, 1.2])
def test_the_motion_of_another_video_is_refused(visavis: Command, video: Path, tmp_path: Path, seconds: float) -> None:
    outcome = visavis("evaluate", video, "--motion", _motion(tmp_path / "motion.json", seconds), "--json")
    assert outcome.code == 2
    assert outcome.out == ""
    assert f"belongs to another video: it lasts {seconds:.1f} s, and '{video}' 0.6 s" in outcome.message
