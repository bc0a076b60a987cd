"""The whole report, on speech that the product itself renders: what it did is found again in the finished video."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from visavis.avatars.build import build_avatar
from visavis.conversation.animate import animate
from visavis.conversation.speak import speak
from visavis.engines.loading import load_engines
from visavis.engines.protocols import Rendering
from visavis.errors import BadInput
from visavis.evaluation import Report, evaluate
from visavis.evaluation.faces import FaceTrack, track_face
from visavis.evaluation.report import measure
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip
from visavis.media.motion_file import MotionFile, read_motion
from visavis.media.speech import Line
from visavis.playback.motion_file import MotionWriter
from visavis.playback.mp4 import write_mp4
from visavis.settings import load_settings
from visavis.streams.flow import Stream

FPS = Fraction(25)


@dataclass(frozen=True)
class Rendered:
    clips: tuple[Clip, ...]
    video: Path
    target: MotionFile
    face: FaceTrack
    report: Report


async def stream(clips: tuple[Clip, ...]) -> AsyncGenerator[Clip, None]:
    for clip in clips:
        yield clip


async def lines() -> AsyncGenerator[Line, None]:
    yield Line("My name is Bob, and I am happy to meet you.")
    yield Line("People often buy maps, bread and apples.")


@pytest.fixture(scope="module")
def rendered(reference: Path, tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    return asyncio.run(render(reference, tmp_path_factory.mktemp("rendered")))


async def render(reference: Path, folder: Path) -> Rendered:
    avatar = build_avatar(reference / "portraits" / "suit_man.jpg", "man")
    clips: list[Clip] = []
    async with load_engines(load_settings(tts="espeak"), ["tts", "articulation", "animation"]) as engines:
        speech = speak(lines(), engines.tts, None)
        made: Stream[Clip] = animate(speech, avatar, engines.articulation, engines.animation, Rendering(512, FPS))
        with MotionWriter(folder / "motion.json", FPS) as motion:
            async for clip in made:
                motion.add(clip)
                clips.append(clip)
    await write_mp4(stream(tuple(clips)), folder / "video.mp4", fps=FPS)
    target = read_motion(folder / "motion.json")
    face = track_face(folder / "video.mp4", lambda seconds: None)
    return Rendered(tuple(clips), folder / "video.mp4", target, face, measure(face, folder / "video.mp4", target))


@pytest.mark.reference
@pytest.mark.slow
def test_lips_do_what_they_were_told(rendered: Rendered) -> None:
    report = rendered.report
    assert report.frames == sum(len(clip.frames) for clip in rendered.clips)
    assert report.frames_without_face == 0
    assert report.opening_r is not None
    assert report.opening_r > 0.9
    assert report.opening_lag_frames == 0
    assert report.closures is not None
    assert report.closures >= 9
    assert report.vowels is not None
    assert report.vowels >= 15
    assert report.silence_opening_std is not None
    assert report.silence_opening_std < 0.02
    assert abs(report.sound_excess or 0) <= 0.04


@pytest.mark.reference
@pytest.mark.slow
def test_the_report_is_plain_numbers(rendered: Rendered) -> None:
    assert json.loads(json.dumps(dataclasses.asdict(rendered.report)))["fps"] == 25


@pytest.mark.reference
@pytest.mark.slow
def test_a_target_moved_by_three_pictures_is_found_three_pictures_off(rendered: Rendered) -> None:
    moved = replace(rendered.target, frame_aperture=np.roll(rendered.target.frame_aperture, -3))
    report = measure(rendered.face, rendered.video, moved)
    assert report.opening_lag_frames == 3
    assert report.opening_best_r is not None
    assert report.opening_r is not None
    assert report.opening_best_r > report.opening_r


@pytest.mark.reference
@pytest.mark.slow
def test_a_frozen_face_fails_every_measure_of_movement(rendered: Rendered, tmp_path: Path) -> None:
    ajar = max(
        (frame for clip in rendered.clips for frame in clip.frames),
        key=lambda frame: rendered.target.frame_aperture[round(frame.start * FPS / 48_000)],
    )
    frozen = tuple(
        replace(clip, frames=tuple(replace(ajar, start=frame.start) for frame in clip.frames))
        for clip in rendered.clips
    )
    asyncio.run(write_mp4(stream(frozen), tmp_path / "frozen.mp4", fps=FPS))
    report = evaluate(tmp_path / "frozen.mp4", rendered.target)
    assert (report.opening_r or 0) < 0.3
    assert report.closure_recall == 0
    assert report.closed_reading == 0.05


@pytest.mark.reference
@pytest.mark.slow
def test_sound_that_is_early_shows_as_lips_that_lag(rendered: Rendered, tmp_path: Path) -> None:
    clips = rendered.clips
    early = round(0.12 * SESSION_RATE)
    whole = Audio.join([clip.audio for clip in clips])
    cut = Audio(np.concatenate([whole.samples[early:], np.zeros(early, np.float32)]), whole.rate, whole.start)
    moved = tuple(
        replace(clip, audio=cut.slice(clip.audio.start - cut.start, clip.audio.end - cut.start)) for clip in clips
    )
    asyncio.run(write_mp4(stream(moved), tmp_path / "early.mp4", fps=FPS))
    found = measure(rendered.face, tmp_path / "early.mp4", None).envelope_lag_ms
    in_sync = rendered.report.envelope_lag_ms
    assert found is not None
    assert in_sync is not None
    assert found - in_sync == pytest.approx(120, abs=15)


class TestRefusals:
    def test_what_is_no_video(self, tmp_path: Path) -> None:
        (tmp_path / "text.mp4").write_text("no video")
        for name, why in (("nothing.mp4", "no file"), ("text.mp4", "corrupt or mislabelled")):
            with pytest.raises(BadInput, match=why):
                evaluate(tmp_path / name, None)

    def test_a_video_without_a_face(self, tmp_path: Path) -> None:
        with av.open(str(tmp_path / "grey.mp4"), "w") as container:
            video = container.add_stream("libx264", rate=25, width=128, height=128, pix_fmt="yuv420p")
            for _ in range(5):
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.full((128, 128, 3), 128, np.uint8))))
            container.mux(video.encode(None))
        with pytest.raises(BadInput, match="no face"):
            evaluate(tmp_path / "grey.mp4", None)
