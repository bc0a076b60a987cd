"""The engines one conversation uses, loaded together and freed together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

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


class _NotLoaded:
    def __init__(self, slot: str) -> None:
        self._slot = slot

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"the {self._slot} engine was not loaded")


@asynccontextmanager
async def load_engines(settings: Settings, slots: Collection[Slot] = SLOTS) -> AsyncGenerator[Engines, None]:
    """Choose and load the engines of `slots`, all at once; they are freed when the block ends.

    A slot of `OPTIONAL` stays empty where nothing fills it.
    Raises `BadConfiguration` or `EngineUnavailable`; those already loaded are freed then, too.
    """
    chosen = {slot: create(slot, settings) for slot in slots if slot not in OPTIONAL}
    optional = {slot: create_optional(slot, settings) for slot in slots if slot in OPTIONAL}
    chosen |= {slot: engine for slot, engine in optional.items() if engine is not None}
    loads = {slot: asyncio.ensure_future(engine.__aenter__()) for slot, engine in chosen.items()}
    try:
        if loads:
            await asyncio.wait(loads.values())
        entered: dict[str, Any] = {slot: load.result() for slot, load in loads.items()}
        turn = entered.pop("turn", None)
        yield Engines(**{slot: entered.get(slot, _NotLoaded(slot)) for slot in SLOTS}, turn=turn)
    finally:
        await asyncio.gather(*(_leave(chosen[slot], load) for slot, load in loads.items()))


def usable_voices(settings: Settings) -> list[Voice]:
    """The voices of every synthesizer that can run here and that the settings allow."""
    known: list[Voice] = []
    for candidate in candidates("tts"):
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


async def _leave(engine: Engine, load: asyncio.Future[Any]) -> None:
    """Free an engine, once it is loaded; one that never got there has nothing to free."""
    await asyncio.wait([load])
    if load.exception() is None:
        await engine.__aexit__(None, None, None)
