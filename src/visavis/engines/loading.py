"""The engines one conversation uses, loaded together and freed together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from visavis.engines.guests import Guests
from visavis.engines.protocols import (
    OPTIONAL,
    SLOTS,
    Animator,
    Articulator,
    Engine,
    LanguageModel,
    Slot,
    SpeechRecognizer,
    SpeechSynthesizer,
    TurnDetector,
    Voice,
    VoiceActivityDetector,
)
from visavis.engines.registry import candidates, create, create_optional
from visavis.engines.voices import named, near
from visavis.errors import BadInput
from visavis.settings import Settings

_VOICES = "`visavis models voices` lists all"


@dataclass(frozen=True, slots=True)
class Engines:
    """Entered engines. A slot that was not asked for is missing: touching it is a mistake of the program."""

    vad: VoiceActivityDetector
    asr: SpeechRecognizer
    llm: LanguageModel
    tts: SpeechSynthesizer
    articulation: Articulator
    animation: Animator
    turn: TurnDetector | None = None
    """Where there is one, and it was asked for."""
    guests: Guests = field(default_factory=Guests, compare=False)
    """Who uses them, for whoever replaces one (`Pool.renew`)."""


class _NotLoaded:
    def __init__(self, slot: str) -> None:
        self._slot = slot

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"the {self._slot} engine was not loaded")


class Load:
    """An engine that is being loaded, or is loaded; whoever began it leaves it once."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._entering = engine, asyncio.ensure_future(engine.__aenter__())

    async def entered(self) -> Any:
        """The engine. Raises what its loading raises; whoever asks may leave, others wait for it, too."""
        return await asyncio.shield(self._entering)

    async def leave(self) -> None:
        """Free it, once it is loaded; one that never got there has nothing to free."""
        await asyncio.wait([self._entering])
        if self._entering.exception() is None:
            await self._engine.__aexit__(None, None, None)


def begin(settings: Settings, slots: Collection[Slot]) -> dict[Slot, Load]:
    """Choose the engines of `slots` and begin to load them all; a slot of `OPTIONAL` is missing where nothing fills it.

    Raises `BadConfiguration` or `EngineUnavailable`, and has begun nothing then.
    """
    found = {slot: create_optional(slot, settings) if slot in OPTIONAL else create(slot, settings) for slot in slots}
    return {slot: Load(engine) for slot, engine in found.items() if engine is not None}


async def entered(loads: Mapping[Slot, Load]) -> dict[str, Any]:
    """The engines, when all have been tried. Raises the first error of their loading."""
    found = await asyncio.gather(*(load.entered() for load in loads.values()), return_exceptions=True)
    if (failed := next((each for each in found if isinstance(each, BaseException)), None)) is not None:
        raise failed
    return dict(zip(loads, found, strict=True))


async def leave(loads: Iterable[Load]) -> None:
    """Free them all."""
    await asyncio.gather(*(load.leave() for load in loads))


def together(entered: Mapping[str, Any]) -> Engines:
    """Entered engines, as one."""
    some = {slot: entered.get(slot, _NotLoaded(slot)) for slot in SLOTS}
    return Engines(**some, turn=entered.get("turn"))


@asynccontextmanager
async def load_engines(settings: Settings, slots: Collection[Slot] = SLOTS) -> AsyncGenerator[Engines, None]:
    """Choose and load the engines of `slots`, all at once; they are freed when the block ends.

    A slot of `OPTIONAL` stays empty where nothing fills it.
    Raises `BadConfiguration` or `EngineUnavailable`; those already loaded are freed then, too.
    """
    loads = begin(settings, slots)
    try:
        yield together(await entered(loads))
    finally:
        await leave(loads.values())


def usable_voices(settings: Settings) -> list[Voice]:
    """The voices of every synthesizer that can run here and that the settings allow."""
    known: list[Voice] = []
    for candidate in candidates("tts", settings):
        usable = candidate.availability.ready and (candidate.info.rank >= 0 or candidate.info.name == settings.tts)
        if usable and settings.tts in ("auto", candidate.info.name):
            known += candidate.engine(settings).voices()
    return known


def check_voice(voice: str, settings: Settings) -> str:
    """The voice's name as its synthesizer spells it. Raises `BadInput`, with near names, if no usable one has it."""
    known = [each.name for each in usable_voices(settings)]
    if (found := named(voice, known)) is None:
        raise BadInput(f"there is no voice '{voice}' here; there is {', '.join(near(voice, known))}, … ({_VOICES})")
    return found
