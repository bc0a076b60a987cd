"""The product, whole: a question in, a video of a talking face out, on real engines, measured as a viewer sees it."""

from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

from tests.cli.conftest import Command, visavis
from visavis.assets import question_path
from visavis.evaluation import Report, evaluate
from visavis.playback.motion_file import read_motion

__all__ = ["visavis"]
pytestmark = pytest.mark.slow

ANSWER = (
    "My brother Ben bought a big brown piano from a museum. "
    "Please bring the maps, the bread and the apples before the bus leaves. "
    "Most people feel happy when they hear good music."
)
PORTRAITS = ("office_man.jpg", "painted_robot.jpg", "painting_moustache.png", "painting_woman.png", "photo_woman.png",
             "suit_man.jpg")  # fmt: skip


def _report(folder: Path) -> Report:
    return evaluate(folder / "answer.mp4", read_motion(folder / "m.json"))


def test_a_spoken_question_is_heard_and_answered(visavis: Command, tmp_path: Path) -> None:
    outcome = visavis("ask", question_path(), "--json")
    assert outcome.code == 0, outcome.err
    facts = json.loads(outcome.out)
    assert len(facts["heard"].split()) >= 3
    assert len(facts["answer"]) > 10
    with av.open(tmp_path / "answer.mp4") as video:
        pictures = video.streams.video[0]
        assert (pictures.codec_context.name, pictures.width, pictures.height) == ("h264", 512, 512)
        assert video.streams.audio[0].codec_context.name == "aac"
        assert "AI-generated" in " ".join(video.metadata.values())
    assert [path.name for path in tmp_path.iterdir()] == ["answer.mp4"]


@pytest.mark.parametrize("voice", ["slt", "en-us"])
def test_the_built_in_face_speaks_in_sync(
    visavis: Command, tmp_path: Path, voice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ANSWER", ANSWER)
    outcome = visavis("ask", "Say it", "--llm", "fake", "--voice", voice, "--motion", "m.json")
    assert outcome.code == 0, outcome.err
    report = _report(tmp_path)
    assert report.opening_r is not None
    assert report.opening_r >= 0.95
    assert report.opening_lag_frames == 0
    assert report.closures is not None
    assert report.closures >= 10
    assert report.closure_recall is not None
    assert report.closure_recall >= 0.95
    assert report.vowel_open is not None
    assert report.vowel_open >= 0.85
    assert report.silence_opening_std is None or report.silence_opening_std <= 0.01
    assert abs(report.sound_excess or 0.0) <= 0.04


@pytest.mark.reference
@pytest.mark.parametrize("portrait", PORTRAITS)
def test_every_reference_portrait_speaks_in_sync(
    visavis: Command, tmp_path: Path, reference: Path, portrait: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ANSWER", ANSWER)
    picture = reference / "portraits" / portrait
    outcome = visavis("ask", "Say it", "--llm", "fake", "-a", picture, "--motion", "m.json")
    assert outcome.code == 0, outcome.err
    report = _report(tmp_path)
    assert report.frames_without_face == 0
    assert report.opening_r is not None
    assert report.opening_r >= 0.9
    assert report.opening_lag_frames == 0
    assert report.closure_recall is not None
    assert report.closure_recall >= 0.9


@pytest.mark.reference
def test_a_recording_is_spoken_by_the_sound_alone(visavis: Command, tmp_path: Path, reference: Path) -> None:
    outcome = visavis("animate", reference / "speech" / "radio.wav", "--motion", "m.json", "--json")
    assert outcome.code == 0, outcome.err
    facts = json.loads(outcome.out)
    report = evaluate(tmp_path / "speech.mp4", read_motion(tmp_path / "m.json"))
    assert report.frames == facts["frames"]
    assert report.opening_r is not None
    assert report.opening_r >= 0.9
    assert report.envelope_r is not None
    assert report.envelope_r >= 0.2


@pytest.mark.reference
def test_a_stored_avatar_of_a_video_speaks(visavis: Command, tmp_path: Path, reference: Path) -> None:
    created = visavis("avatar", "create", reference / "video" / "woman.mp4", "--name", "spine-test", "--force")
    assert created.code == 0, created.err
    try:
        outcome = visavis("animate", reference / "speech" / "who_are_you.wav", "-a", "spine-test")
        assert outcome.code == 0, outcome.err
        assert (tmp_path / "speech.mp4").stat().st_size > 10_000
    finally:
        visavis("avatar", "remove", "spine-test")
