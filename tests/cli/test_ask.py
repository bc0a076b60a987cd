"""An answer on the screen and in its video; what cannot work is said at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command
from tests.cli.test_bad_input import FAKE
from visavis.conversation.rests import AFTER, BEFORE
from visavis.media.codecs import read_audio
from visavis.media.motion_file import read_motion

ANSWER = "My name is Visavis. I am glad to meet you."


def test_the_answer_is_shown_and_the_video_begins_and_ends_at_rest(
    visavis: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ANSWER", ANSWER)
    outcome = visavis(*FAKE, "ask", "Who are you?", "--size", "128", "--motion", "m.json")
    assert outcome.code == 0
    assert f"\nanswer: {ANSWER}\nvideo:  answer.mp4" in outcome.out
    motion = read_motion(tmp_path / "m.json")
    assert motion.phones is not None
    assert motion.phones[0].label == ""
    assert motion.phones[0].end == BEFORE
    assert motion.words[0].start == BEFORE
    assert len(motion.frame_aperture) == len(motion.frame_times)
    assert motion.frame_aperture[0] == motion.frame_aperture[-1] == 0
    sound = np.concatenate([piece.samples for piece in read_audio(tmp_path / "answer.mp4", 48_000)])
    assert abs(len(sound) / 48_000 - motion.phones[-1].end) < 0.05
    loud = np.flatnonzero(np.abs(sound) > 0.02) / 48_000
    assert abs(loud[0] - BEFORE) < 0.03
    assert motion.phones[-1].end - loud[-1] > AFTER - 0.03


def test_a_program_reads_one_object(visavis: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_ANSWER", ANSWER)
    outcome = visavis(*FAKE, "ask", "Who are you?", "--size", "128", "--json")
    assert outcome.code == 0
    assert json.loads(outcome.out)["answer"] == ANSWER


def test_the_answer_is_on_the_screen_before_the_video_fails(
    visavis: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("FAKE_ANSWER", ANSWER)
    monkeypatch.setattr("visavis.playback.encoder.Encoder.finish", full)
    outcome = visavis(*FAKE, "ask", "Who are you?", "--size", "128")
    assert outcome.code != 0
    assert outcome.out.endswith(f"answer: {ANSWER}\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-a", "nobody.jpg"), "nobody.jpg"),
        (("--motion", "nowhere/m.json"), "nowhere"),
        (("--motion", "."), "folder"),
        (("--voice", "nobody"), "there is no voice 'nobody'"),
        (("-o", "x.webm", "--codec", "h264"), "'x.webm' cannot hold H.264"),
        (("--llm", "nobody"), "there is no llm engine 'nobody'"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_loaded(
    visavis: Command, arguments: tuple[str, ...], says: str
) -> None:
    outcome = visavis(*FAKE, "ask", "Hello there", *arguments)
    assert outcome.code == 2
    assert outcome.out == ""
    assert says in outcome.err


def test_a_recording_that_cannot_be_read_is_refused_before_anything_is_loaded(visavis: Command, tmp_path: Path) -> None:
    (tmp_path / "question.wav").write_text("I am not a recording")
    outcome = visavis(*FAKE, "ask", "question.wav")
    assert (outcome.code, outcome.out) == (2, "")
    assert "question.wav" in outcome.err


def test_a_webm_is_vp9_where_no_codec_was_asked_for(visavis: Command, tmp_path: Path) -> None:
    assert visavis(*FAKE, "ask", "Hello there", "--size", "128", "-o", "x.webm").code == 0
    assert b"V_VP9" in (tmp_path / "x.webm").read_bytes()


@pytest.mark.parametrize("question", ["-5 + 3?", "-5", "--what is it?"])
def test_a_question_that_begins_with_a_dash_is_told_how_to_be_asked(visavis: Command, question: str) -> None:
    outcome = visavis(*FAKE, "ask", question)
    assert outcome.code == 2
    assert "visavis ask -- " in outcome.message
    assert visavis(*FAKE, "ask", "--size", "128", "--", question).code == 0


def test_a_mistyped_option_is_no_question(visavis: Command) -> None:
    outcome = visavis(*FAKE, "ask", "--voise", "slt", "Hello there")
    assert outcome.code == 2
    assert "--voice" in outcome.message
