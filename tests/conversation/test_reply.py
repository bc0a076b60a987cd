"""The whole line on scripted engines: what is asked is answered in clips that are in sync and end cleanly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from visavis.avatars.avatar import Avatar
from visavis.conversation.history import History
from visavis.conversation.question import heard
from visavis.conversation.reply import Manner, own_voice, reply
from visavis.conversation.rests import BEFORE
from visavis.engines.loading import Engines, load_engines
from visavis.engines.protocols import Rendering, Voice
from visavis.errors import EngineFailed
from visavis.media.audio import SESSION_RATE, Audio
from visavis.settings import Settings
from visavis.streams.flow import Stream

FAKES = Settings(vad="fake", asr="fake", llm="fake", tts="fake", articulation="fake", animation="fake")


@pytest.fixture
async def engines() -> AsyncGenerator[Engines, None]:
    async with load_engines(FAKES) as loaded:
        yield loaded


@pytest.fixture
def avatar() -> Avatar:
    plate = np.full((64, 64, 3), 128, np.uint8)
    return Avatar("grey", "picture", plate, np.zeros((468, 3), np.float32), np.zeros((2, 5, 2), np.float32), {}, "0")


async def test_an_answer_is_clips_on_one_clock(
    engines: Engines, avatar: Avatar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ANSWER", "My name is Visavis. I am glad to meet you, really.")
    history = History.begin().asked("Who are you?")
    clips = [clip async for clip in reply(history, engines, avatar, Manner(rendering=Rendering(64)))]
    assert [clip.audio.start for clip in clips[1:]] == [clip.audio.end for clip in clips[:-1]]
    assert clips[0].audio.start == 0
    assert [clip.final for clip in clips] == [False] * (len(clips) - 1) + [True]
    assert " ".join(clip.text for clip in clips if clip.text) == "My name is Visavis. I am glad to meet you, really."
    assert " ".join(word.text for clip in clips for word in clip.words).startswith("My name is Visavis.")
    frames = [frame.start for clip in clips for frame in clip.frames]
    assert frames == [round(k * SESSION_RATE / 25) for k in range(len(frames))]
    assert frames[-1] < clips[-1].audio.end <= frames[-1] + SESSION_RATE // 25


@pytest.mark.parametrize("fps", [10, 24, 25, 30, 60])
async def test_every_frame_rate_covers_the_sound(engines: Engines, avatar: Avatar, fps: int) -> None:
    manner = Manner(rendering=Rendering(64, Fraction(fps)))
    clips = [clip async for clip in reply(History.begin().asked("Hi"), engines, avatar, manner)]
    count = sum(len(clip.frames) for clip in clips)
    assert count == -(-clips[-1].audio.end * fps // SESSION_RATE)
    for clip in clips:
        assert all(clip.audio.start <= frame.start < clip.audio.end for frame in clip.frames)


async def test_closing_an_answer_leaves_nothing_running(engines: Engines, avatar: Avatar) -> None:
    clips = reply(History.begin().asked("Tell me a long story, please. " * 50), engines, avatar, Manner())
    await anext(clips)
    await clips.aclose()
    assert {task for task in asyncio.all_tasks() if not task.done()} == {asyncio.current_task()}


async def test_a_model_that_says_nothing_is_an_error(
    engines: Engines, avatar: Avatar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ANSWER", "")
    with pytest.raises(EngineFailed, match="answered nothing"):
        _ = [clip async for clip in reply(History.begin().asked("Hi"), engines, avatar, Manner())]


async def test_a_model_that_goes_in_circles_is_stopped(
    engines: Engines, avatar: Avatar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ANSWER", "Well, bees are good " + "at what they do " * 60)
    clips = [clip async for clip in reply(History.begin().asked("Bees?"), engines, avatar, Manner())]
    said = " ".join(clip.text for clip in clips if clip.text)
    assert said.startswith("Well, bees are good at what they do")
    assert said.count("at what they do") <= 5


async def test_circles_after_a_whole_sentence_are_not_spoken(
    engines: Engines, avatar: Avatar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_ANSWER", "Bees make honey. They are good " + "at what they do " * 60)
    clips = [clip async for clip in reply(History.begin().asked("Bees?"), engines, avatar, Manner())]
    assert [clip.text for clip in clips if clip.text] == ["Bees make honey."]


@pytest.mark.parametrize(("rests", "first"), [(False, 0), (True, round(BEFORE * SESSION_RATE))])
async def test_only_a_video_waits_before_its_first_word(
    engines: Engines, avatar: Avatar, rests: bool, first: int
) -> None:
    manner = Manner(rendering=Rendering(64), rests=rests)
    clips = [clip async for clip in reply(History.begin().asked("Hi"), engines, avatar, manner)]
    assert next(clip.audio.start + word.start for clip in clips for word in clip.words) == first


async def test_a_history_is_only_appended_to() -> None:
    before = History.begin().asked("One?")
    after = before.answered("One.").asked("Two?")
    assert after.messages[: len(before.messages)] == before.messages
    assert after.session == before.session


async def _loud(*stretches: tuple[float, float]) -> Stream[Audio]:
    clock = 0
    for seconds, level in stretches:
        for _ in range(round(seconds * 10)):
            yield Audio(np.full(1600, level, np.float32), 16_000, clock)
            clock += 1600


async def test_each_utterance_is_heard_once(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "what time is it")
    sound = _loud((0.5, 0.0), (1.0, 0.5), (1.5, 0.0), (1.0, 0.5))
    assert await heard(sound, engines, "en") == "what time is it what time is it"


async def test_silence_is_no_utterance(engines: Engines) -> None:
    assert await heard(_loud((3.0, 0.0)), engines, "en") == ""


def test_a_built_in_avatar_has_a_fitting_voice_of_every_synthesizer_until_somebody_chooses(avatar: Avatar) -> None:
    amos = replace(avatar, name="amos", voice="rms")
    kokoro = [Voice("af_heart", "en-US"), Voice("am_michael", "en-US")]
    assert own_voice(amos, kokoro, "en") == "am_michael"
    assert own_voice(amos, [*kokoro, Voice("rms", "en-US")], "en") == "rms"
    assert own_voice(amos, kokoro, "de") is None
    assert own_voice(replace(amos, voice="de"), kokoro, "en") is None
    assert own_voice(replace(amos, name="somebody"), kokoro, "en") is None


def test_an_avatar_speaks_with_its_own_voice_where_the_synthesizer_has_it(engines: Engines, avatar: Avatar) -> None:
    mine = replace(avatar, voice="hum")
    assert own_voice(mine, engines.tts.voices(), "en-GB") == "hum"
    assert own_voice(mine, engines.tts.voices(), "de") is None
    assert own_voice(replace(avatar, voice="rms"), engines.tts.voices(), "en") is None
    assert own_voice(avatar, engines.tts.voices(), "en") is None
