"""A turn detector decides where a question ends: by how it sounds, in a session on a virtual clock."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest

from tests.conversation.stage import STEP, Stage, on_stage
from tests.conversation.test_turn_taking import pause, silence_until, speak
from tests.engines.turn.tiny_smart_turn import make
from tests.weights.pulled import keep
from visavis.conversation import events
from visavis.conversation.turn import FRAME, Floor, Laws, Move
from visavis.engines.protocols import Availability, EngineInfo
from visavis.engines.turn.smart_turn import SmartTurn
from visavis.errors import EngineFailed
from visavis.media.audio import Audio
from visavis.settings import Settings

pytestmark = pytest.mark.usefixtures("scripted")
LAWS = Laws()
HIGH, LOW = 5000.0, 200.0
"""Hertz of what the tiny network takes for complete, and for incomplete."""


class Scripted:
    """Says after so many seconds what it is told to."""

    info: ClassVar[EngineInfo] = EngineInfo("scripted", "turn", "says what it is told", "Apache-2.0", rank=-1)

    def __init__(self, *verdicts: float | Exception, seconds: float = 0.08) -> None:
        self.verdicts, self.seconds = list(verdicts), seconds
        self.heard: list[Audio] = []

    @classmethod
    def availability(cls) -> Availability:
        return Availability(True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        pass

    async def complete(self, audio: Audio) -> float:
        self.heard.append(audio)
        verdict = self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
        await asyncio.sleep(self.seconds)
        if isinstance(verdict, Exception):
            raise verdict
        return verdict


async def hum(stage: Stage, hertz: float, seconds: float) -> None:
    """A voice of one pitch."""
    times = np.arange(round(STEP * 16_000)) / 16_000
    for step in range(round(seconds / STEP)):
        sound = 0.3 * np.sin(2 * np.pi * hertz * (times + step * STEP))
        stage.session.hear(Audio(sound.astype(np.float32), 16_000))
        await asyncio.sleep(STEP)


async def closed(stage: Stage) -> float:
    """Seconds of silence until the question is taken for asked."""
    begun = stage.session._now()
    while not any(event.final for event in stage.of(events.Hearing)):
        assert stage.session._now() < begun + 10
        await stage.hush(STEP)
    return stage.session._now() - begun


def finals(stage: Stage) -> list[str]:
    return [event.text for event in stage.of(events.Hearing) if event.final]


def silence(turn: Any, hertz: float = LOW) -> float:
    """Seconds until a question is taken for asked."""
    taken: list[float] = []

    async def act(stage: Stage) -> None:
        await hum(stage, hertz, 1.0)
        taken.append(await closed(stage))
        await stage.until(events.Answered)

    on_stage(act, turn=turn)
    return taken[0]


def with_smart_turn(act: Callable[[Stage], Awaitable[None]], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On stage, with a network of the real one's form."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(folder))
    keep("smart-turn", make(folder / "made"))
    engine = SmartTurn(Settings(data_dir=folder))

    async def entered(stage: Stage) -> None:
        async with engine:
            await act(stage)

    on_stage(entered, turn=engine)


needs_onnx = pytest.mark.skipif(importlib.util.find_spec("onnx") is None, reason="the extra 'wav2lip' is not installed")


@needs_onnx
def test_a_pause_in_mid_sentence_does_not_cut_it_where_the_tone_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(stage: Stage) -> None:
        await hum(stage, LOW, 1.0)
        await stage.hush(1.2)
        assert not finals(stage)
        await hum(stage, HIGH, 1.0)
        assert await closed(stage) < LAWS.complete
        await stage.until(events.Answered)
        assert finals(stage) == ["What is the moon?"]

    with_smart_turn(act, tmp_path, monkeypatch)


@needs_onnx
def test_a_question_that_sounds_complete_is_answered_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "the moon")
    before = silence(None, HIGH)
    assert before == pytest.approx(LAWS.plain, abs=2 * FRAME)
    taken: list[float] = []

    async def act(stage: Stage) -> None:
        await hum(stage, HIGH, 1.0)
        taken.append(await closed(stage))
        await stage.until(events.Answered)

    with_smart_turn(act, tmp_path, monkeypatch)
    assert taken[0] < before / 2


def test_one_that_sounds_incomplete_is_answered_after_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert silence(Scripted(0.1)) == pytest.approx(LAWS.unfinished, abs=2 * FRAME)


def test_after_a_word_that_wants_another_the_tone_alone_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "tell me about the")
    assert silence(None) == pytest.approx(LAWS.dangling, abs=2 * FRAME)
    assert silence(Scripted(0.9)) == pytest.approx(LAWS.plain, abs=2 * FRAME)


def test_it_is_asked_once_in_each_pause_about_the_utterance_so_far() -> None:
    turn = Scripted(0.1)

    async def act(stage: Stage) -> None:
        await stage.hush(1.0)
        for _ in range(2):
            await hum(stage, LOW, 1.0)
            await stage.hush(1.0)
        await stage.until(events.Answered)
        await hum(stage, LOW, 10.0)
        await stage.hush(0.5)

    on_stage(act, turn=turn)
    lengths = [len(sound) / 16_000 for sound in turn.heard]
    # the breath before the first word belongs to it
    breath = LAWS.preroll * FRAME
    assert lengths == pytest.approx([1.2 + breath, 3.2 + breath, 8.0], abs=3 * FRAME)


def test_its_verdict_is_waited_for_but_not_for_long() -> None:
    assert silence(Scripted(0.1, seconds=0.3)) == pytest.approx(LAWS.unfinished, abs=2 * FRAME)
    assert silence(Scripted(0.1, seconds=5.0)) == pytest.approx(LAWS.patience, abs=2 * FRAME)


def test_what_it_says_of_a_pause_that_is_over_does_not_count() -> None:
    turn = Scripted(0.9, 0.1, seconds=0.35)

    async def act(stage: Stage) -> None:
        await hum(stage, LOW, 1.0)
        await stage.hush(0.3)
        await hum(stage, LOW, 0.2)
        assert await closed(stage) == pytest.approx(LAWS.unfinished, abs=2 * FRAME)
        await stage.until(events.Answered)

    on_stage(act, turn=turn)
    assert len(turn.heard) == 2


def test_where_it_fails_words_decide_and_the_session_lives() -> None:
    async def act(stage: Stage) -> None:
        await hum(stage, LOW, 1.0)
        assert await closed(stage) == pytest.approx(LAWS.complete, abs=2 * FRAME)
        await stage.until(events.Answered)
        assert [event.slot for event in stage.of(events.Failed)] == ["turn"]

    on_stage(act, turn=Scripted(EngineFailed("turn", "scripted", "out of order")))


def test_it_is_not_asked_about_a_language_that_it_does_not_know() -> None:
    class German(Scripted):
        info: ClassVar[EngineInfo] = EngineInfo("german", "turn", "", "Apache-2.0", languages=("de",))

    turn = German(0.1)
    assert silence(turn) == pytest.approx(LAWS.complete, abs=2 * FRAME)
    assert not turn.heard


def test_without_a_detector_the_floor_never_asks() -> None:
    floor = Floor()
    speak(floor, 1.0, "tell me about the")
    assert Move.ASK not in pause(floor, 3.0)


def test_a_verdict_counts_for_its_own_pause_only() -> None:
    floor = Floor(asks=True)
    speak(floor, 1.0, "what is the moon")
    assert silence_until(floor, Move.ASK) == pytest.approx(LAWS.ask, abs=FRAME)
    floor.judged(True)
    assert Move.RETRACT in speak(floor, 0.2)
    floor.judged(True)
    assert silence_until(floor, Move.ASK) == pytest.approx(LAWS.ask, abs=FRAME)
    floor.judged(False)
    assert silence_until(floor, Move.CLOSE) == pytest.approx(LAWS.unfinished - LAWS.ask, abs=2 * FRAME)
    floor.judged(True)
    assert not floor.listening
