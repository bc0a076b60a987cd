"""A conversation on a virtual clock: answers flow, nobody waits for what can be done before, no failure ends it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from tests.conversation.stage import LONG, Stage, on_stage
from visavis.conversation import events
from visavis.engines.fake import FakeAsr, FakeLlm
from visavis.engines.protocols import Delta, Sampling
from visavis.errors import EngineFailed
from visavis.media.audio import SESSION_RATE, Audio
from visavis.streams.flow import Stream

pytestmark = pytest.mark.usefixtures("scripted")


def test_a_spoken_question_is_answered_and_remembered() -> None:
    async def act(stage: Stage) -> None:
        await stage.say(1.0)
        answered = await stage.until(events.Answered)
        assert answered == events.Answered(1, LONG, False)
        assert [m.content for m in stage.session.history.messages[1:]] == ["What is the moon?", LONG]
        assert [event.doing for event in stage.of(events.Now)] == ["listening", "thinking", "speaking", "idle"]
        heard = stage.of(events.Hearing)
        assert heard[-1].final
        assert heard[-1].text == "What is the moon?"
        assert abs(heard[-1].ended - 16_000) <= 1024, "the end of the voice"

    on_stage(act)


def test_the_media_clock_has_neither_gaps_nor_jumps_through_question_and_answer() -> None:
    async def act(stage: Stage) -> None:
        await stage.say(1.0)
        await stage.until(events.Answered)
        await stage.hush(1.0)
        clips = stage.sink.sent
        assert [clip.audio.start for clip in clips[1:]] == [clip.audio.end for clip in clips[:-1]]
        assert [len(clip.frames) for clip in clips] == [1] * len(clips)

    on_stage(act)


def test_where_time_is_short_a_silent_face_is_drawn_half_as_often_and_a_speaking_one_as_ever() -> None:
    async def act(stage: Stage) -> None:
        stage.sink.strained = True
        await stage.hush(1.0)
        before = stage.sink.sent[10:]
        assert abs(sum(len(clip.frames) for clip in before) - len(before) / 2) <= 1
        stage.session.ask("What is the moon?")
        await stage.until(events.Saying)
        count = len(stage.sink.sent)
        await stage.hush(2.0)
        assert all(len(clip.frames) == 1 for clip in stage.sink.sent[count:])

    on_stage(act)


def test_a_small_machine_is_spared_pictures_only_while_an_answer_is_awaited() -> None:
    class Slow(FakeLlm):
        async def complete(self, messages: Any, options: Sampling) -> Stream[Delta]:
            await asyncio.sleep(1.0)
            async for delta in FakeLlm.complete(self, messages, options):
                yield delta

    async def act(stage: Stage) -> None:
        stage.session._spare = True
        stage.session._engines = replace(stage.session._engines, llm=Slow())
        await stage.hush(1.0)
        assert all(len(clip.frames) == 1 for clip in stage.sink.sent)
        stage.session.ask("What is the moon?")
        begun = len(stage.sink.sent)
        await stage.until(events.Saying)
        awaited = stage.sink.sent[begun:-2]
        assert abs(sum(len(clip.frames) for clip in awaited) - len(awaited) / 2) <= 1
        spoken = len(stage.sink.sent)
        await stage.until(events.Answered)
        await stage.hush(1.0)
        assert all(len(clip.frames) == 1 for clip in stage.sink.sent[spoken:])

    on_stage(act)


def test_words_are_told_just_before_they_are_heard_and_once() -> None:
    async def act(stage: Stage) -> None:
        stage.session.ask("What is the moon?")
        await stage.until(events.Answered)
        saying = stage.of(events.Saying)
        assert [word.text for event in saying for word in event.words] == LONG.split()
        indices = [event.index + i for event in saying for i in range(len(event.words))]
        assert indices == list(range(len(LONG.split())))
        assert "".join(event.text for event in saying if event.text).replace(" ", "") == LONG.replace(" ", "")

    on_stage(act)


def test_an_answer_begins_at_once_and_not_after_the_silence_that_was_on_its_way() -> None:
    async def act(stage: Stage) -> None:
        stage.sink.lead = 0.5
        await stage.hush(1.0)
        asked = stage.sink.position()
        stage.session.ask("What is the moon?")
        await stage.until(events.Saying)
        assert stage.of(events.Saying)[0].start - asked <= 0.1 * SESSION_RATE

    on_stage(act)


def test_an_answer_is_prepared_in_silence_and_not_made_twice() -> None:
    asked: list[tuple[float, str]] = []

    class Counting(FakeLlm):
        async def complete(self, messages: Any, options: Sampling) -> Stream[Delta]:
            asked.append((asyncio.get_running_loop().time(), messages[-1].content))
            async for delta in FakeLlm.complete(self, messages, options):
                yield delta

    async def act(stage: Stage) -> None:
        stage.session._engines = replace(stage.session._engines, llm=Counting())
        await stage.say(1.0)
        await stage.until(events.Answered)
        timed = stage.of(events.Timed)[-1]
        assert [text for _, text in asked] == ["What is the moon?"]
        assert timed.word is not None
        assert timed.endpoint is not None
        assert timed.word < timed.endpoint, "the first word was there before the question was over for certain"

    on_stage(act)


def test_at_the_endpoint_nobody_waits_for_a_slow_recogniser() -> None:
    class Slow(FakeAsr):
        async def recognize(self, chunk: Audio, carry: Any, options: Any, final: bool) -> Any:
            await asyncio.sleep(0.1)
            return await FakeAsr.recognize(self, chunk, carry, options, final)

    async def act(stage: Stage) -> None:
        stage.session._ear._asr = Slow()
        await stage.say(1.0)
        await stage.until(events.Answered)
        timed = stage.of(events.Timed)[-1]
        assert timed.transcript == pytest.approx(timed.endpoint)

    on_stage(act)


def test_the_language_model_reads_a_question_while_it_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "what is the moon that we see over there in the middle of the night")
    read: list[str] = []

    class Reading(FakeLlm):
        async def prime(self, messages: Any, session: str) -> None:
            read.append(messages[-1].content)
            await asyncio.sleep(5.0)
            read.append("to the end")

    async def act(stage: Stage) -> None:
        stage.session._engines = replace(stage.session._engines, llm=Reading())
        await stage.say(3.2)
        await stage.until(events.Answered)
        asked = stage.session.history.messages[1].content
        assert asked == "What is the moon that we see over there in the middle of the night?"
        assert read == ["What is the moon that we see over", LONG], "it stops when it is asked"

    on_stage(act)


def test_a_pause_within_a_question_does_not_cut_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "the moon and a very large and bright planet")

    async def act(stage: Stage) -> None:
        await stage.say(0.4)
        await stage.hush(0.3)
        await stage.say(0.5)
        await stage.until(events.Answered)
        finals = [event for event in stage.of(events.Hearing) if event.final]
        assert len(finals) == 1

    on_stage(act)


def test_a_model_that_fails_is_excused_aloud_and_the_next_question_is_answered() -> None:
    class Broken(FakeLlm):
        async def complete(self, messages: Any, options: Sampling) -> Stream[Delta]:
            raise EngineFailed("llm", "fake", "out of order")
            yield

    async def act(stage: Stage) -> None:
        whole = stage.session._engines
        stage.session._engines = replace(whole, llm=Broken())
        stage.session.ask("What is the moon?")
        assert "Sorry" in (await stage.until(events.Answered)).text
        assert stage.of(events.Failed)[0].slot == "llm"
        stage.session._engines = whole
        stage.session.ask("What is the moon?")
        assert (await stage.until(events.Answered)).text == LONG

    on_stage(act)


@pytest.mark.parametrize("slot", ["tts", "animation", "articulation", "asr", "vad"])
def test_any_engine_may_raise_and_the_session_lives(slot: str) -> None:
    class Broken:
        def __init__(self, inner: Any) -> None:
            self.inner, self.broken = inner, True

        def __getattr__(self, name: str) -> Any:
            if self.broken and name in ("synthesize", "animate", "articulate", "recognize", "detect"):
                raise RuntimeError("broken")
            return getattr(self.inner, name)

    async def act(stage: Stage) -> None:
        broken: Any = Broken(getattr(stage.session._engines, slot))
        stage.session._engines = replace(stage.session._engines, **{slot: broken})
        stage.session._ear._asr = stage.session._engines.asr
        stage.session._heard._vad = stage.session._engines.vad
        stage.session._shown.presence._articulation = stage.session._engines.articulation
        stage.session._shown.presence.animation = stage.session._engines.animation
        stage.session.ask("What is the moon?")
        await stage.say(1.0)
        await stage.hush(2.0)
        assert stage.of(events.Failed)
        broken.broken = False
        await stage.hush(2.0)
        stage.session.ask("What is the moon?")
        assert (await stage.until(events.Answered)).text

    on_stage(act)


def test_a_model_that_hangs_is_given_up() -> None:
    class Hung(FakeLlm):
        async def complete(self, messages: Any, options: Sampling) -> Stream[Delta]:
            await asyncio.sleep(3600)
            yield Delta("never")

    async def act(stage: Stage) -> None:
        stage.session._engines = replace(stage.session._engines, llm=Hung())
        stage.session.ask("What is the moon?")
        assert "Sorry" in (await stage.until(events.Answered)).text

    on_stage(act)


def test_push_to_talk_needs_no_silence_and_hears_nothing_else() -> None:
    async def act(stage: Stage) -> None:
        stage.session.push_to_talk = True
        await stage.say(1.0)
        assert not stage.of(events.Hearing)
        stage.session.talk(True)
        await stage.say(0.8)
        await stage.hush(2.0)
        stage.session.talk(False)
        final = (await stage.until(events.Now)).doing
        assert final == "speaking"
        timed = stage.of(events.Timed)[0]
        assert timed.endpoint == pytest.approx(0.0, abs=0.001), "the key says when the question was over"
        assert (await stage.until(events.Answered)).text == LONG

    on_stage(act)
