"""A session with somebody before it, on a virtual clock and over scripted engines."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from tests.virtual import VirtualSink, virtually
from visavis.avatars.avatar import Avatar
from visavis.conversation import events
from visavis.conversation.history import History
from visavis.conversation.reply import Manner
from visavis.conversation.session import Session
from visavis.engines.loading import Engines, load_engines
from visavis.engines.protocols import Rendering, TurnDetector
from visavis.media.audio import SESSION_RATE, Audio
from visavis.settings import Settings

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


def on_stage(
    act: Callable[[Stage], Awaitable[None]], settings: Settings = FAKES, turn: TurnDetector | None = None
) -> None:
    async def play() -> None:
        async with load_engines(settings) as engines:
            stage = Stage(replace(engines, turn=turn))
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
