"""Engines are replaced while somebody talks: what has begun ends as it began, what comes next is the new ones'."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.conversation.stage import LONG, Stage, on_stage
from visavis.conversation import events
from visavis.engines.fake import FakeAsr, FakeLlm, FakeTts, FakeTurn
from visavis.engines.guests import Guests
from visavis.engines.protocols import Carry, Delta, Message, Recognition, Sampling, Transcript, Voice
from visavis.media.audio import Audio
from visavis.media.speech import Line, Speech
from visavis.streams.flow import Stream

pytestmark = pytest.mark.usefixtures("scripted")


class OtherMind(FakeLlm):
    async def complete(self, messages: Sequence[Message], options: Sampling) -> Stream[Delta]:
        yield Delta("I am another mind.")
        yield Delta(finish="stop")


class SlowMind(FakeLlm):
    """Half a second for each word."""

    async def complete(self, messages: Sequence[Message], options: Sampling) -> Stream[Delta]:
        async for delta in super().complete(messages, options):
            await asyncio.sleep(0.5)
            yield delta


class OtherVoice(FakeTts):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str | None]] = []

    def voices(self) -> Sequence[Voice]:
        return (Voice("alto", "en", "another"),)

    async def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        self.said.append((line.text, voice))
        async for speech in super().synthesize(line, voice):
            yield speech


class OtherEar(FakeAsr):
    """Refuses what another has begun."""

    async def recognize(
        self, chunk: Audio, carry: Carry | None, options: Recognition, final: bool
    ) -> tuple[Transcript, Carry]:
        assert carry is None or carry.value[0] == "other"
        heard = len(chunk) + (carry.value[1] if carry else 0)
        return Transcript("who are you now" if final else "", (), final), Carry("1", ("other", heard))


async def is_left(guests: Guests) -> bool:
    """Whether nobody is there who might use engines."""
    await asyncio.sleep(0)
    return len(guests) == 0


def test_an_answer_ends_with_the_mind_and_the_voice_it_began_with_and_the_next_has_the_others() -> None:
    other = OtherVoice()

    async def act(stage: Stage) -> None:
        session, before = stage.session, stage.session._engines
        session._engines = before = replace(before, llm=SlowMind())
        session.ask("What is the moon?")
        await stage.until(events.Saying)
        session.adopt(replace(before, llm=OtherMind(), tts=other))
        leaving = asyncio.create_task(before.guests.left())
        await stage.hush(0.5)
        assert not leaving.done(), "the answer still needs what was replaced"
        assert (await stage.until(events.Answered)).text == LONG
        assert leaving.done()
        assert not other.said
        session.ask("And who are you?")
        assert (await stage.until(events.Answered)).text == "I am another mind."
        assert other.said

    on_stage(act)


def test_a_voice_that_the_new_synthesizer_has_not_is_forgotten_and_one_that_it_has_stays() -> None:
    async def act(stage: Stage) -> None:
        session, other = stage.session, OtherVoice()
        session.manner = replace(session.manner, voice="hum")
        session.adopt(replace(session._engines, llm=OtherMind()))
        assert session.manner.voice == "hum"
        session.adopt(replace(session._engines, tts=other))
        assert session.manner.voice is None
        session.ask("Who are you?")
        await stage.until(events.Answered)
        assert [voice for _, voice in other.said] == [None]

    on_stage(act)


def test_an_utterance_is_understood_by_the_ear_that_it_began_with_and_the_next_by_the_other() -> None:
    async def act(stage: Stage) -> None:
        session, guests = stage.session, stage.session._engines.guests
        await stage.say(0.5)
        session.adopt(replace(session._engines, asr=OtherEar()))
        assert not await is_left(guests), "the open utterance needs its recogniser"
        await stage.say(0.5)
        await stage.until(events.Answered)
        assert [event.text for event in stage.of(events.Hearing) if event.final] == ["What is the moon?"]
        assert await is_left(guests)
        await stage.say(1.0)
        await stage.until(events.Answered)
        assert [event.text for event in stage.of(events.Hearing) if event.final][-1] == "Who are you now?"
        assert not stage.of(events.Failed)

    on_stage(act)


@pytest.mark.parametrize("typed", [True, False])
def test_an_utterance_that_is_given_up_lets_its_ear_go(typed: bool) -> None:
    async def act(stage: Stage) -> None:
        session, guests = stage.session, stage.session._engines.guests
        await stage.say(0.3)
        session.adopt(replace(session._engines, asr=OtherEar()))
        assert not await is_left(guests)
        if typed:
            session.ask("What is the moon?")
            await stage.until(events.Answered)
        else:
            session._obey(session._floor.forget())
        assert await is_left(guests)

    on_stage(act)


def test_nothing_is_waited_for_where_nobody_speaks() -> None:
    async def act(stage: Stage) -> None:
        guests = stage.session._engines.guests
        stage.session.adopt(replace(stage.session._engines, asr=OtherEar(), llm=OtherMind(), tts=OtherVoice()))
        assert await is_left(guests)

    on_stage(act)


def test_a_turn_detector_that_comes_is_asked_in_the_next_pause() -> None:
    asked: list[int] = []

    class Detector(FakeTurn):
        async def complete(self, audio: Audio) -> float:
            asked.append(len(audio))
            return 1.0

    async def act(stage: Stage) -> None:
        session = stage.session
        await stage.say(1.0)
        await stage.until(events.Answered)
        assert not asked
        session.adopt(replace(session._engines, turn=Detector()))
        await stage.say(1.0)
        await stage.until(events.Answered)
        assert len(asked) == 1
        session.adopt(replace(session._engines, turn=None))
        await stage.say(1.0)
        await stage.until(events.Answered)
        assert len(asked) == 1

    on_stage(act)


def test_a_conversation_that_ends_in_the_middle_of_an_utterance_keeps_nothing() -> None:
    kept: list[Any] = []

    async def act(stage: Stage) -> None:
        await stage.say(0.5)
        stage.session.adopt(replace(stage.session._engines, asr=OtherEar()))
        kept.append(stage.session._engines.guests)
        assert len(kept[0]) > 0

    on_stage(act)
    assert len(kept[0]) == 0


async def test_those_who_come_later_are_not_waited_for() -> None:
    guests = Guests()
    early = guests.enter()
    leaving = asyncio.create_task(guests.left())
    await asyncio.sleep(0)
    with guests.inside():
        early.leave()
        early.leave()
        await leaving
        assert len(guests) == 1
    await guests.left()
