"""One engine, measured: how long it loads, how soon and how fast it works, what memory it takes, what it gets right."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from visavis.engines.protocols import Engine, OfModel
from visavis.machine import release, resident

RATE = 16_000
"""Hertz, of what is heard."""
Told = Callable[[int], None]
"""Is told how many of the things to do are done."""
EngineT = TypeVar("EngineT", bound=Engine)


@dataclass(frozen=True, slots=True)
class Recording:
    """Something that was said."""

    source: str
    """By whom: a synthesizer's name, or where the recordings come from."""
    path: str
    text: str
    snr_db: float | None = None
    """How much louder than the noise that is added to it; None: nothing is added."""
    ended: bool = True
    """Whether whoever spoke had finished."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something to be answered."""

    ask: str
    right: str
    """What a right answer has in it: a regular expression, capitals aside."""


@dataclass(slots=True)
class Trial:
    """What was measured. None: not of this kind of engine, or not told by this system."""

    model: str
    """Of those that the engine has; its own name where there is one only."""
    load_s: float = 0.0
    """Seconds to load and warm."""
    memory_bytes: int | None = None
    """What it takes while it is loaded, with its child processes."""
    first_s: float | None = None
    """Median seconds to the first sound, or to the first word of an answer; of a recogniser, from the end of the sound
    to the final text; of a turn detector, to its verdict."""
    partial_s: float | None = None
    """Median seconds from the beginning of speech to the first words that are shown."""
    real_time_factor: float | None = None
    """Time to make or to understand speech over the time it plays."""
    times: str | None = None
    """What a synthesizer tells the exact times of."""
    pieces_per_s: float | None = None
    """Pieces of an answer, about a token each."""
    word_error_rate: dict[str, float] = field(default_factory=dict)
    """By source: words to insert, delete or replace, over the words that were said."""
    right: int | None = None
    """Questions that were answered right, or phrases whose end, or none, was told."""
    asked: int | None = None


@asynccontextmanager
async def entered(engine: EngineT) -> AsyncGenerator[tuple[EngineT, Trial], None]:
    """The engine loaded; how long that took, and what it holds when its work is done, is noted."""
    trial = Trial(engine.model_name if isinstance(engine, OfModel) else engine.info.name)
    release()
    before, start = resident(), time.perf_counter()
    async with engine:
        trial.load_s = time.perf_counter() - start
        yield engine, trial
        if before is not None and (now := resident()) is not None:
            trial.memory_bytes = max(0, now - before)
