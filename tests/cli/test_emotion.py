"""What a face shows can be asked for, and a face that is silent can be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command
from tests.cli.test_bad_input import FAKE
from visavis.media.codecs import read_audio
from visavis.media.face import INDEX
from visavis.media.motion_file import MotionFile, read_motion

FACE = ("--set", "articulation=acoustic", "--size", "128")


def smile(file: MotionFile) -> float:
    return float(file.motion.curves[:, INDEX["mouthSmileLeft"]].mean())


def test_an_answer_can_be_happy_and_its_lips_say_the_same(
    visavis: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ANSWER", "Maybe Pam should bring a pumpkin pie.")
    said: dict[str, MotionFile] = {}
    for emotion in ("", "neutral", "friendly:0.5", "happy:0.7"):
        asked = ("--emotion", emotion) if emotion else ()
        outcome = visavis(*FAKE, "ask", "Hello there", *FACE, *asked, "--motion", "m.json")
        assert outcome.code == 0, outcome.err
        said[emotion] = read_motion(tmp_path / "m.json")
    assert smile(said["neutral"]) == 0
    assert 0.1 < smile(said["friendly:0.5"]) < smile(said["happy:0.7"])
    assert smile(said[""]) == smile(said["friendly:0.5"])
    for file in said.values():
        assert np.allclose(file.frame_aperture, said["neutral"].frame_aperture, atol=1e-3)


@pytest.mark.parametrize("emotion", ["hapy", "happy:1.5", "happy:", "happy 0.7"])
def test_an_emotion_that_does_not_exist_is_answered_with_those_that_do(visavis: Command, emotion: str) -> None:
    outcome = visavis(*FAKE, "ask", "Hello there", "--emotion", emotion)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.count("\n") == 1
    assert f"'{emotion}', given with --emotion" in outcome.err
    assert "neutral, friendly, happy, sad, surprised or concerned" in outcome.err


def test_a_silent_face_is_filmed_for_as_long_as_is_asked(visavis: Command, tmp_path: Path) -> None:
    arguments = ("--set", "animation=fake", "animate", *FACE, "--idle", "1.5", "-o", "idle.mp4", "--motion", "m.json")
    looks = {}
    for state in ("listening", "thinking"):
        assert visavis(*arguments, "--state", state).code == 0
        motion = read_motion(tmp_path / "m.json")
        assert len(motion.frame_times) == 38  # every picture that begins in 1.5 s
        assert not motion.frame_aperture.any()
        looks[state] = motion.motion.curves[50:, INDEX["eyeLookUpLeft"]].max()
    assert looks["thinking"] > 0.3 > looks["listening"]
    sound = np.concatenate([piece.samples for piece in read_audio(tmp_path / "idle.mp4", 48_000)])
    assert abs(len(sound) / 48_000 - 1.5) < 0.05
    assert np.abs(sound).max() < 1e-3


@pytest.mark.parametrize("arguments", [(), ("speech.wav", "--idle", "3"), ("--idle", "0"), ("--state", "asleep")])
def test_a_face_either_speaks_or_is_silent_for_a_while(visavis: Command, arguments: tuple[str, ...]) -> None:
    outcome = visavis(*FAKE, "animate", *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert "idle" in outcome.message
