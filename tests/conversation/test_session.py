"""A conversation on a virtual clock: answers flow, voices interrupt, and the history holds what was heard."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.virtual import VirtualSink, virtually
from visavis.avatars.avatar import Avatar
from visavis.conversation import events
from visavis.conversation.history import History
from visavis.conversation.reply import Manner
from visavis.conversation.session import Session
from visavis.engines.fake import FakeAsr, FakeLlm
from visavis.engines.loading import Engines, load_engines
from visavis.engines.protocols import Delta, Rendering, Sampling
from visavis.errors import EngineFailed
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.face import lip_gap
from visavis.settings import Settings
from visavis.streams.flow import Stream

FAKES = Settings(vad="fake", asr="fake", llm="fake", tts="fake", articulation="fake", animation="fake")
LONG = "The moon is a ball of grey rock that goes around the earth once a month and always shows the same side."
PLATE = np.full((64, 64, 3), 128, np.uint8)
GREY = Avatar("grey", "picture", PLATE, np.zeros((468, 3), np.float32), np.zeros((2, 5, 2), np.float32), {}, "0")
STEP = 0.02


class Stage:
    """A session with somebody before it."""

    def __init__(self, engines: Engines) -> None:
        self.told: list[events.Event] = []
        self.session = Session(engines, GREY, Manner(rendering=Rendering(64)), History.begin("Be brief."), self.tell)
        self.sink = VirtualSink()
        self.session.attach(self.sink)
        self.answered = asyncio.Event()

    def tell(self, event: events.Event) -> None:
        self.told.append(event)
        if isinstance(event, events.Answered):
            self.answered.set()

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    async def say(self, seconds: float, level: float = 0.2) -> None:
        """Sound in the microphone, in real time."""
        rng = np.random.default_rng(0)
        for _ in range(round(seconds / STEP)):
            self.session.hear(Audio((rng.standard_normal(320) * level).astype(np.float32), 16_000))
            await asyncio.sleep(STEP)

    async def hush(self, seconds: float) -> None:
        await self.say(seconds, 0.0)

    async def played(self, seconds: float) -> None:
        """Silence until that media time."""
        while self.sink.position() < seconds * SESSION_RATE:
            await self.hush(STEP)

    async def until(self, kind: type[Any], silent: bool = True) -> Any:
        """The next event of a kind; meanwhile nobody speaks."""
        count = len(self.of(kind))
        for _ in range(3000):
            if len(self.of(kind)) > count:
                return self.of(kind)[count]
            await (self.hush(STEP) if silent else asyncio.sleep(STEP))
        raise AssertionError(f"no {kind.__name__} in a minute: {self.told[-5:]}")


def on_stage(act: Callable[[Stage], Awaitable[None]]) -> None:
    async def play() -> None:
        async with load_engines(FAKES) as engines:
            stage = Stage(engines)
            running = asyncio.create_task(stage.session.run())
            await asyncio.sleep(0.2)
            await act(stage)
            assert not running.done(), "the session died"
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, "tasks were left behind"

    virtually(play())


@pytest.fixture(autouse=True)
def _script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "what is the moon")
    monkeypatch.setenv("FAKE_ANSWER", LONG)


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
        stage.session._engines = _with(stage.session._engines, llm=Slow())
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


def _gap(stage: Stage, seconds: float) -> float:
    """How far the lips are open at a media time."""
    clip = next(c for c in stage.sink.sent if c.audio.start <= seconds * SESSION_RATE < c.audio.end)
    assert clip.motion is not None
    return float(lip_gap(clip.motion.curves).max())


async def _interrupted(stage: Stage, voice: float) -> float:
    """A question, half a second of its answer, and a voice over it; the media time at which it began."""
    stage.session.ask("What is the moon?")
    await stage.played(1.2)
    began = stage.sink.position() / SESSION_RATE
    await stage.say(voice)
    return began


def test_a_voice_holds_the_answer_within_100_ms_and_closes_the_mouth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "")

    async def act(stage: Stage) -> None:
        began = await _interrupted(stage, 0.2)
        assert stage.of(events.Interrupted) == [events.Interrupted("hold")]
        flushed = stage.of(events.Flushed)[-1]
        assert flushed.position / SESSION_RATE - began <= 0.18
        assert _gap(stage, flushed.position / SESSION_RATE + 0.04) < 0.02
        assert not np.any(stage.sink.sent[-1].audio.samples)

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


def test_a_cough_does_not_end_the_answer_which_goes_on_from_the_word_it_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "")

    async def act(stage: Stage) -> None:
        await _interrupted(stage, 0.25)
        answered = await stage.until(events.Answered)
        assert answered == events.Answered(1, LONG, False)
        assert [event.kind for event in stage.of(events.Interrupted)] == ["hold", "resume"]
        words = [(event.index + i, word) for event in stage.of(events.Saying) for i, word in enumerate(event.words)]
        numbers = [number for number, _ in words]
        again = [b for a, b in itertools.pairwise(numbers) if b <= a]
        assert len(again) == 1, "one word, or the few that were on their way, is said again, and none is left out"
        assert set(numbers) == set(range(len(LONG.split())))
        assert len(stage.session.history.messages) == 3

    on_stage(act)


def test_a_backchannel_does_not_end_the_answer_however_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "yeah okay mhm")

    async def act(stage: Stage) -> None:
        await _interrupted(stage, 0.66)
        assert (await stage.until(events.Answered)).text == LONG

    on_stage(act)


def test_two_words_interrupt_and_the_history_holds_only_what_was_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "but why is that")

    async def act(stage: Stage) -> None:
        stage.session.ask("What is the moon?")
        await stage.played(2.0)
        monkeypatch.setenv("FAKE_ANSWER", "Because it turns.")
        await stage.say(1.0)
        first = stage.of(events.Answered)[0]
        assert first.interrupted
        assert LONG.startswith(first.text)
        assert 2 <= len(first.text.split()) < 12
        position = stage.of(events.Flushed)[-1].position
        for event in stage.of(events.Saying):
            for word in event.words:
                if word.end <= position - 0.05 * SESSION_RATE:
                    assert word.text in first.text
        second = await stage.until(events.Answered)
        assert second.text == "Because it turns."
        said = [message.content for message in stage.session.history.messages[1:]]
        assert said == ["What is the moon?", first.text, "But why is that?", "Because it turns."]

    on_stage(act)


def test_after_an_interruption_no_old_picture_or_sound_comes() -> None:
    async def act(stage: Stage) -> None:
        await _interrupted(stage, 0.7)
        position, epoch = stage.sink.flushes[-1]
        after = [clip for clip in stage.sink.sent if clip.audio.start >= position]
        assert after
        assert not any(np.any(clip.audio.samples) for clip in after)
        assert epoch == stage.session.epoch

    on_stage(act)


def test_speaking_on_before_anything_was_heard_makes_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Slow(FakeLlm):
        async def complete(self, messages: Any, options: Sampling) -> Stream[Delta]:
            asked.append(messages[-1].content)
            await asyncio.sleep(1.5)
            async for delta in FakeLlm.complete(self, messages, options):
                yield delta

    async def act(stage: Stage) -> None:
        stage.session._engines = _with(stage.session._engines, llm=Slow())
        await stage.say(1.0)
        await stage.hush(1.0)
        monkeypatch.setenv("FAKE_HEARD", "and the sun over there")
        await stage.say(1.2)
        await stage.until(events.Answered)
        assert [event.interrupted for event in stage.of(events.Answered)] == [True, False]
        assert asked[-1] == "What is the moon? And the sun over there."
        assert [m.role for m in stage.session.history.messages] == ["system", "user", "assistant"]

    on_stage(act)


def _with(engines: Engines, **changed: Any) -> Engines:
    return replace(engines, **changed)


def test_an_answer_is_prepared_in_silence_and_not_made_twice() -> None:
    asked: list[tuple[float, str]] = []

    class Counting(FakeLlm):
        async def complete(self, messages: Any, options: Sampling) -> Stream[Delta]:
            asked.append((asyncio.get_running_loop().time(), messages[-1].content))
            async for delta in FakeLlm.complete(self, messages, options):
                yield delta

    async def act(stage: Stage) -> None:
        stage.session._engines = _with(stage.session._engines, llm=Counting())
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
        stage.session._engines = _with(stage.session._engines, llm=Reading())
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
        stage.session._engines = _with(whole, llm=Broken())
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
        broken = Broken(getattr(stage.session._engines, slot))
        stage.session._engines = _with(stage.session._engines, **{slot: broken})
        stage.session._ear._asr = stage.session._engines.asr
        stage.session._heard._vad = stage.session._engines.vad
        stage.session._shown.presence._articulation = stage.session._engines.articulation
        stage.session._shown.presence._animation = stage.session._engines.animation
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
        stage.session._engines = _with(stage.session._engines, llm=Hung())
        stage.session.ask("What is the moon?")
        assert "Sorry" in (await stage.until(events.Answered)).text

    on_stage(act)


async def _overheard(stage: Stage, gain: float) -> None:
    """An answer that comes back through the room."""
    stage.session.ask("What is the moon?")
    while not stage.answered.is_set():
        at = stage.sink.position() - round(0.18 * SESSION_RATE)
        clip = next((c for c in stage.sink.sent if c.audio.start <= at < c.audio.end), None)
        # a scripted voice hums below what rooms give back: overdriven, it has overtones
        echo = np.clip(8 * clip.audio.samples[::3], -gain, gain) if clip else np.zeros(640, np.float32)
        stage.session.hear(Audio(np.asarray(echo, np.float32), 16_000))
        await asyncio.sleep(0.04)


def test_its_own_voice_out_of_a_loudspeaker_does_not_interrupt_it() -> None:
    async def act(stage: Stage) -> None:
        await _overheard(stage, 0.03)
        assert stage.of(events.Answered) == [events.Answered(1, LONG, False)]
        assert not stage.of(events.Interrupted)

    on_stage(act)


def test_an_echo_louder_than_any_should_be_holds_it_once_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "")

    async def act(stage: Stage) -> None:
        await _overheard(stage, 0.4)
        assert stage.of(events.Answered) == [events.Answered(1, LONG, False)]
        assert [event.kind for event in stage.of(events.Interrupted)] == ["hold", "resume"]

    on_stage(act)


def test_half_duplex_does_not_listen_while_it_speaks() -> None:
    async def act(stage: Stage) -> None:
        stage.session.half_duplex = True
        await _interrupted(stage, 1.0)
        assert (await stage.until(events.Answered)).text == LONG
        assert not stage.of(events.Interrupted)

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


def test_a_lost_connection_stops_the_answer_and_it_goes_on_with_the_next() -> None:
    async def act(stage: Stage) -> None:
        stage.session.ask("What is the moon?")
        await stage.played(1.2)
        stage.session.detach()
        sent = len(stage.sink.sent)
        await asyncio.sleep(10)
        assert len(stage.sink.sent) == sent, "nobody looks: nothing is drawn"
        stage.sink = VirtualSink(stage.session.media)
        stage.session.attach(stage.sink)
        assert (await stage.until(events.Answered)).text == LONG

    on_stage(act)


def test_a_button_stops_the_answer_at_once() -> None:
    async def act(stage: Stage) -> None:
        await _interrupted(stage, 0.0)
        stage.session.interrupt()
        assert stage.of(events.Answered)[0].interrupted
        await asyncio.sleep(0.01)
        assert not stage.session._tasks, "its making was cancelled"

    on_stage(act)
