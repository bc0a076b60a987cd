"""The rig as an engine keeps the laws of engines, and frames stand where the clock wants them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from visavis.avatars.avatar import Avatar
from visavis.avatars.video import encode_frame
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.renderer import Renderer
from visavis.engines.animation.rig import Rig
from visavis.engines.contract import check_animation
from visavis.engines.protocols import Rendering
from visavis.errors import EngineFailed
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Window
from visavis.media.face import Controls, to_curves
from visavis.media.motion import Motion
from visavis.media.video import Frame
from visavis.settings import Settings


def window(start: float, seconds: float) -> Window:
    """Speech-like motion at 50 rows a second over silent sound."""
    audio = Audio.silence(round(seconds * SESSION_RATE), SESSION_RATE, round(start * SESSION_RATE))
    t = start + np.arange(round(seconds * 50)) / 50
    opening = np.abs(np.sin(7 * t))
    zero = np.zeros_like(t)
    controls = np.stack([opening, 0.8 * opening, zero, zero, zero, zero, zero], axis=1).astype(np.float32)
    head = np.zeros((len(t), 6), np.float32)
    head[:, 1] = 0.05 * np.sin(t)
    motion = Motion(to_curves(Controls.from_matrix(controls)), head, 50, start)
    return Window(audio, Audio.silence(0, SESSION_RATE), None, motion=motion)


async def test_the_rig_keeps_the_laws_of_animators(avatar: Avatar) -> None:
    windows = [window(0.0, 0.2), window(0.2, 0.2), window(0.4, 0.2)]
    await check_animation(Rig(Settings()), avatar, windows, Rendering(size=256, fps=Fraction(25)))


async def test_a_frame_shows_the_motion_at_its_own_time_however_speech_is_cut(avatar: Avatar) -> None:
    async with Rig(Settings()) as rig:
        whole, _ = await rig.animate(avatar, window(0.0, 0.4), Rendering(), None)
        carry = None
        parts: list[Frame] = []
        for start in (0.0, 0.2):
            frames, carry = await rig.animate(avatar, window(start, 0.2), Rendering(), carry)
            parts += frames
    assert [frame.start for frame in whole] == [frame.start for frame in parts]
    # the last frame of a part cannot look past the part's motion
    different = [np.abs(a.pixels.astype(int) - b.pixels).max() for a, b in zip(whole, parts, strict=True)]
    assert max(different) <= 2


async def test_a_closure_between_two_frames_is_shown(avatar: Avatar, renderer: Renderer) -> None:
    talk = window(0.0, 0.4)
    assert talk.motion is not None
    curves = np.array(talk.motion.curves)
    row = np.zeros((1, 7), np.float32)
    row[0, 5] = 1.0
    curves[9] = to_curves(Controls.from_matrix(row))[0]  # at 0.18 s, between the frames at 0.16 and 0.20
    talk = replace(talk, motion=replace(talk.motion, curves=curves, head=np.zeros_like(talk.motion.head)))
    async with Rig(Settings()) as rig:
        frames, _ = await rig.animate(avatar, talk, Rendering(), None)
    assert np.array_equal(frames[4].pixels, renderer.draw(Pose(press=1.0)))


async def test_using_it_wrongly_says_how_to_use_it(avatar: Avatar) -> None:
    with pytest.raises(EngineFailed, match="async with"):
        await Rig(Settings()).animate(avatar, window(0.0, 0.2), Rendering(), None)
    async with Rig(Settings()) as rig:
        with pytest.raises(EngineFailed, match="no motion"):
            await rig.animate(avatar, replace(window(0.0, 0.2), motion=None), Rendering(), None)


@pytest.fixture
def video(avatar: Avatar) -> Avatar:
    """The built-in face drifting to the right, ten pixels in eleven frames."""
    shifts = range(11)
    frames = tuple(encode_frame(np.roll(avatar.plate, shift, axis=1)) for shift in shifts)
    tracks = np.stack([avatar.landmarks + np.array([shift, 0, 0], np.float32) for shift in shifts])
    return replace(avatar, kind="video", frames=frames, tracks=tracks, digest="drifting")


def test_a_video_plays_forward_and_back_without_a_jump(video: Avatar) -> None:
    renderer = Renderer(video)
    columns = [float(np.abs(renderer.draw(Pose(), k / 25).astype(int) - video.plate).mean()) for k in range(21)]
    assert columns[0] < 2.0  # JPEG
    assert np.allclose(columns[:11], columns[20:9:-1], atol=0.2)
    assert max(abs(np.diff(columns))) < 0.5 * max(columns)


def test_a_video_takes_the_mouth_along_and_nothing_else(video: Avatar, renderer: Renderer) -> None:
    pose = Pose(aperture=0.7, jaw=0.7)
    drawn = Renderer(video).draw(pose, 8 / 25).astype(int)
    still = np.roll(renderer.draw(pose), 8, axis=1)
    x0, y0, x1, y1 = renderer.mouth_box
    away = np.ones(drawn.shape[:2], bool)
    away[y0:y1, x0 : x1 + 10] = False
    rolled = np.roll(video.plate, 8, axis=1)
    assert np.abs(drawn - rolled)[away].mean() < 2.0  # JPEG
    box = (slice(y0 + 10, y1 - 10), slice(x0 + 30, x1 - 20))
    assert np.abs(drawn - still)[box].mean() < 3.0


def test_a_video_ignores_the_head_s_motion(video: Avatar) -> None:
    renderer = Renderer(video)
    assert np.array_equal(renderer.draw(Pose(), 0.2), renderer.draw(Pose(head=(0.1, 0.1, 0, 0, 0, 0)), 0.2))
