"""Which models make a good ear, voice and mind on this machine, in a language; and how long they take to come."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from itertools import product

from visavis import machine, settings
from visavis.weights import models as hub_models
from visavis.weights.models import Model, Speed

SLOTS = ("asr", "llm", "tts", "turn")
"""Where a pulled model does better than what is embedded, the most missed first."""
SHOWN = ("asr", "tts", "llm", "turn")
"""The same in the order of a conversation."""
MEGABITS = 20
"""Of a second, of the connection that times are told for before anything is fetched."""

_PACKAGES = {"kokoro": "kokoro_onnx", "moonshine": "moonshine_voice", "piper": "piper", "whisper": "faster_whisper"}
"""What an extra brings that its engine imports, where it is not called as the extra."""
_CORES: dict[Speed, int] = {"fast": 1, "medium": 2, "slow": 4}
"""With so many a model keeps up; a mind wants twice as many, since voice and face run beside it."""


def recommended(
    language: str,
    *,
    memory: int | None = None,
    commercial_only: bool = False,
    cores: int | None = None,
    usable: Callable[[Model], bool] | None = None,
) -> tuple[Model, ...]:
    """The models to pull for a language: at most one for each of hearing, speaking, thinking and taking turns.

    Of the catalogue's recommended models that speak the language, and whose engine's library is installed (or that are
    `usable`, if that is given), those are taken that fit together into half of `memory` (bytes; this machine's). Where
    not all slots can be filled so, hearing goes first, then thinking, speaking and turns: without an ear, most
    languages cannot be talked in at all, and of what is embedded the mind is the weakest. Then every slot, in the same
    order, takes its best: one that is free to use before one that is not for commercial use, which `commercial_only`
    leaves out; one that keeps up on so many `cores` before one that does not; and then the one of the highest order.
    """
    budget = (machine.memory() if memory is None else memory) / 2
    here = settings.cores() if cores is None else cores
    able = has_library if usable is None else usable
    known = [
        model
        for model in hub_models.models().values()
        if model.recommended
        and speaks(model, language)
        and not (commercial_only and model.non_commercial)
        and model.memory <= budget
        and able(model)
    ]

    def quality(model: Model | None) -> tuple[bool, bool, int]:
        if model is None:
            return False, False, -1
        wants = _CORES[model.speed] * (2 if model.slot == "llm" else 1)
        return not model.non_commercial, here >= wants, model.order

    choices: list[list[Model | None]] = [[None, *(model for model in known if model.slot == slot)] for slot in SLOTS]
    fitting = (each for each in product(*choices) if sum(model.memory for model in each if model) <= budget)
    best = max(fitting, key=lambda each: ([model is not None for model in each], [quality(model) for model in each]))
    return tuple(sorted((model for model in best if model), key=lambda model: SHOWN.index(model.slot)))


def missing_extras(
    language: str, *, memory: int | None = None, commercial_only: bool = False, cores: int | None = None
) -> tuple[str, ...]:
    """Extras of visavis with which better models would be recommended; `install` has them as what is typed."""
    best = recommended(language, memory=memory, commercial_only=commercial_only, cores=cores, usable=lambda model: True)
    return lacking(best)


def lacking(wanted: Iterable[Model]) -> tuple[str, ...]:
    """The extras that these models' engines need, and that are not installed."""
    return tuple(sorted({model.extra for model in wanted if not has_library(model)}))


def install(extras: Iterable[str]) -> str:
    """What is typed to add extras."""
    return f"pip install 'visavis[{','.join(extras)}]'"


def has_library(model: Model) -> bool:
    """Whether the library of a model's engine is installed. Nothing is imported."""
    return not model.extra or importlib.util.find_spec(_PACKAGES.get(model.extra, model.extra)) is not None


def speaks(model: Model, language: str) -> bool:
    """Whether a model knows a language: the base language decides, and a model without any knows all."""
    base = language.split("-")[0].lower()
    return not model.languages or base in {tag.split("-")[0].lower() for tag in model.languages}


def duration(size: int) -> str:
    """How long so many bytes take, in words: of a connection that nobody has measured, at a speed that is named."""
    minutes = size * 8 / (MEGABITS * 1e6) / 60
    told = "less than a minute" if minutes < 1 else "about a minute" if minutes < 1.5 else f"about {minutes:.0f} min"
    return f"{told} at {MEGABITS} Mbit/s"
