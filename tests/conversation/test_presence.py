"""One face, always there: with the real articulator it neither jumps nor forgets, whatever is taken back."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.avatars.avatar import Avatar
from visavis.conversation.presence import PICTURES, Presence
from visavis.conversation.script import Script
from visavis.conversation.speak import speak
from visavis.engines.articulation.acoustic import Acoustic
from visavis.engines.fake import FakeAnimator
from visavis.engines.protocols import Rendering
from visavis.engines.tts.espeak import Espeak
from visavis.media.audio import SESSION_RATE
from visavis.media.face import ARKIT, lip_gap
from visavis.media.mood import Mood
from visavis.media.motion import Motion
from visavis.media.speech import Line
from visavis.settings import Settings
from visavis.streams.flow import Stream, flow

PLATE = np.full((64, 64, 3), 128, np.uint8)
GREY = Avatar("grey", "picture", PLATE, np.zeros((468, 3), np.float32), np.zeros((2, 5, 2), np.float32), {}, "0")
FRIENDLY = Mood.of("friendly:0.5")
MOUTH = [ARKIT.index(name) for name in ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower")]


@pytest.fixture
async def articulation() -> AsyncGenerator[Acoustic, None]:
    async with Acoustic(Settings()) as engine:
        yield engine


@pytest.fixture
async def script() -> Script:
    """'Papa bakes a big apple pie for my mom.' spoken: many closures."""

    @flow
    async def line() -> Stream[Line]:
        yield Line("Papa bakes a big apple pie for my mom.")

    made = Script()
    async with Espeak(Settings()) as tts:
        async for piece in speak(line(), tts, None):
            made.write(piece)
    made.ended = True
    return made


class Stage:
    def __init__(self, articulation: Acoustic) -> None:
        self.presence = Presence(GREY, articulation, FakeAnimator(), Rendering(64), "someone")
        self.shown: list[Motion] = []

    async def idle(self, pictures: int, doing: str = "idle") -> None:
        while pictures > 0:
            await self.presence.begin(self.presence.silence(FRIENDLY.doing(doing)))  # type: ignore[arg-type]
            pictures -= await self._show(pictures)

    async def say(self, script: Script, begin: int, pictures: int) -> int:
        step = self.presence.step
        while pictures > 0:
            count = min(pictures, PICTURES)
            await self.presence.begin(script.read(begin, count * step, self.presence.media, FRIENDLY))
            done = await self._show(count)
            begin, pictures = begin + done * step, pictures - done
        return begin

    async def _show(self, most: int) -> int:
        count = 0
        while count < most and (clip := await self.presence.picture(0)) is not None:
            assert clip.motion is not None
            assert len(clip.motion) == 2
            self.presence.kept(clip)
            self.shown.append(clip.motion)
            count += 1
        return count

    def curves(self) -> NDArray[np.float32]:
        return Motion.join(self.shown).curves

    def back(self, pictures: int) -> None:
        """Take back the last pictures."""
        media = self.presence.rewind(self.presence.media - pictures * self.presence.step)
        assert media == self.presence.media
        del self.shown[-pictures:]


async def test_a_face_at_rest_is_the_same_whatever_was_taken_back(articulation: Acoustic) -> None:
    plain, again = Stage(articulation), Stage(articulation)
    await plain.idle(60)
    await again.idle(22)
    again.back(3)
    await again.idle(13)
    again.back(8)
    await again.idle(36)
    np.testing.assert_allclose(again.curves(), plain.curves(), atol=1e-5)


async def test_a_speaking_face_is_the_same_whatever_was_taken_back(articulation: Acoustic, script: Script) -> None:
    plain, again = Stage(articulation), Stage(articulation)
    await plain.idle(10)
    await plain.say(script, 0, 40)
    await again.idle(10)
    at = await again.say(script, 0, 18)
    again.back(4)
    await again.say(script, at - 4 * again.presence.step, 26)
    np.testing.assert_allclose(again.curves()[:, MOUTH], plain.curves()[:, MOUTH], atol=0.02)


@pytest.mark.parametrize("before", [3, 5, 7, 10])
async def test_nothing_jumps_between_an_idle_and_a_speaking_picture(
    articulation: Acoustic, script: Script, before: int
) -> None:
    stage = Stage(articulation)
    await stage.idle(before)
    await stage.say(script, 0, 40)
    await stage.idle(10)
    steps = np.abs(np.diff(stage.curves()[:, MOUTH], axis=0)).max(axis=1)
    seams = steps[[2 * before - 1, 2 * (before + 40) - 1]]
    assert seams.max() <= np.percentile(steps, 95), "a seam moves no faster than speech does"


@pytest.mark.parametrize("cut", [11, 17, 23, 29])
async def test_a_face_that_is_stopped_in_mid_word_closes_its_mouth_from_where_it_was(
    articulation: Acoustic, script: Script, cut: int
) -> None:
    stage = Stage(articulation)
    await stage.idle(5)
    await stage.say(script, 0, cut)
    stage.back(3)
    stopped = len(stage.curves())
    await stage.idle(10, "listening")
    gaps = lip_gap(stage.curves())
    assert abs(gaps[stopped] - gaps[stopped - 1]) < 0.2
    assert gaps[stopped + round(0.12 * 50) :].max() < 0.02, "shut within 120 ms"


async def test_no_more_can_be_taken_back_than_is_remembered(articulation: Acoustic) -> None:
    stage = Stage(articulation)
    await stage.idle(400)
    assert stage.presence.rewind(0) > 0
    await stage.idle(5)
    assert stage.presence.media > SESSION_RATE
