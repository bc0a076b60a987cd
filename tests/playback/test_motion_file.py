"""The motion file: what a face was meant to do, told once, on the video's clock, in little memory."""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from visavis.errors import BadInput, OutputFailed
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip
from visavis.media.face import ARKIT, INDEX
from visavis.media.motion import Motion
from visavis.media.motion_file import Span, read_motion
from visavis.media.speech import Phone, Word
from visavis.playback.motion_file import MotionWriter

FPS = Fraction(25)
ORIGIN = 5 * SESSION_RATE


def motion(begin: int, rows: int) -> Motion:
    """Rows k/50 s from `begin` samples on, whose jaw follows a curve of the media clock."""
    first = begin / SESSION_RATE
    times = first + np.arange(rows) / 50
    curves = np.zeros((rows, 52), np.float32)
    curves[:, INDEX["jawOpen"]] = 0.5 + 0.4 * np.sin(7 * times)
    head = np.tile(times[:, None], (1, 6)).astype(np.float32)
    return Motion(curves, head, 50, first, {"breath": np.full(rows, 0.25, np.float32)})


def clips(count: int) -> Iterator[Clip]:
    for k in range(count):
        start = ORIGIN + k * 9_600
        yield Clip(Audio.silence(9_600, SESSION_RATE, start), motion(start, 10), (), sentence=k // 3)


def written(path: Path, items: Iterator[Clip] | list[Clip]) -> Path:
    with MotionWriter(path, FPS) as writer:
        for clip in items:
            writer.add(clip)
    return path


def test_what_is_written_is_read_back_from_the_videos_start(tmp_path: Path) -> None:
    whole = motion(ORIGIN, 60)
    found = read_motion(written(tmp_path / "m.json", clips(6)))
    assert found.fps == FPS
    assert found.motion.rate == 50
    assert found.motion.start == 0
    assert np.abs(found.motion.curves - whole.curves).max() < 1e-4
    assert np.abs(found.motion.head - whole.head).max() < 1e-4
    assert np.abs(found.motion.extra["breath"] - 0.25).max() < 1e-4
    assert found.frame_times == pytest.approx(np.arange(30) / 25)
    assert found.frame_aperture == pytest.approx(whole.curves[::2, INDEX["jawOpen"]], abs=1e-4)
    assert found.phones is None


def test_a_phone_that_two_clips_tell_is_told_once(tmp_path: Path) -> None:
    first, second = clips(2)
    first = replace(first, phones=(Phone("", 0, 4_800), Phone("m", 4_800, 12_000)), words=(Word("me", 4_800, 14_400),))
    second = replace(second, phones=(Phone("m", -4_800, 2_400), Phone("i", 2_400, 9_600)))
    found = read_motion(written(tmp_path / "m.json", [first, second]))
    assert found.phones == (Span("", 0.0, 0.1), Span("m", 0.1, 0.25), Span("i", 0.25, 0.4))
    assert found.words == (Span("me", 0.1, 0.3),)


def test_a_clip_too_short_for_a_row_leaves_every_picture_its_place(tmp_path: Path) -> None:
    first, second = clips(2)
    short = Clip(Audio.silence(240, SESSION_RATE, second.audio.start), motion(second.audio.start, 0), ())
    found = read_motion(written(tmp_path / "m.json", [short, first, short, second]))
    assert len(found.motion) == 20
    assert len(found.frame_aperture) == len(found.frame_width) == len(found.frame_times) == 12


def test_a_closure_between_two_pictures_is_in_the_first_of_them(tmp_path: Path) -> None:
    (clip,) = clips(1)
    assert clip.motion is not None
    clip.motion.curves[3, INDEX["jawOpen"]] = 0  # 60 ms: between the pictures at 40 and 80 ms
    found = read_motion(written(tmp_path / "m.json", [clip]))
    assert found.frame_aperture[1] == 0
    assert found.frame_aperture[2] > 0.1


def test_the_file_holds_what_its_page_says(tmp_path: Path) -> None:
    (clip,) = clips(1)
    record = json.loads(written(tmp_path / "m.json", [replace(clip, text="Hëllo.")]).read_text("utf-8"))
    assert record["names"] == list(ARKIT)
    assert len(record["curves"]) == len(record["head"]) == len(record["aperture"]) == 10
    assert record["sentences"] == [{"start": 0.0, "text": "Hëllo."}]
    assert record["clips"] == [{"start": 0.0, "duration": 0.2, "sentence": 0, "frames": 5}]
    page = (Path(__file__).parents[2] / "docs" / "motion-file.md").read_text("utf-8")
    for key in record:
        assert f"`{key}`" in page


def test_an_animator_without_motion_leaves_the_curves_empty(tmp_path: Path) -> None:
    found = read_motion(written(tmp_path / "m.json", [replace(clip, motion=None) for clip in clips(2)]))
    assert len(found.motion) == 0
    assert len(found.frame_times) == 10
    assert len(found.frame_aperture) == 0


def test_without_a_path_nothing_is_written(tmp_path: Path) -> None:
    with MotionWriter(None, FPS) as writer:
        for clip in clips(1):
            writer.add(clip)


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "m.json"

    def interrupted() -> Iterator[Clip]:
        yield from clips(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(path, interrupted())
    assert os.listdir(tmp_path) == []


def test_a_place_that_cannot_be_written_is_refused_on_entering(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match="no folder"), MotionWriter(tmp_path / "nowhere" / "m.json", FPS):
        pass
    with pytest.raises(OutputFailed, match="folder"), MotionWriter(tmp_path, FPS):
        pass


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"version": 1}', "no json", '{"version": 2}', "\x00\xff"])
def test_what_is_no_motion_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "m.json"
    path.write_text(text, "latin-1")
    with pytest.raises(BadInput, match="motion") as refusal:
        read_motion(path)
    assert "\n" not in str(refusal.value)
    with pytest.raises(BadInput, match="no file"):
        read_motion(tmp_path / "nothing.json")


def test_a_long_answer_needs_little_memory(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        tracemalloc.start()
        written(tmp_path / "m.json", clips(count))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    short, long = peak(100), peak(250)
    assert long - short < 250_000  # half a minute more, whose curves alone are half a megabyte of text
