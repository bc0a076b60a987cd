"""What stands ready in each slot now: the engine that would be chosen, and which of its models are here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from visavis.engines.protocols import Slot
from visavis.engines.registry import choose
from visavis.errors import VisavisError
from visavis.settings import Settings
from visavis.weights.models import Model, installed, models_of


@dataclass(frozen=True, slots=True)
class Ready:
    """Of one slot. Two that are equal would load the same."""

    engine: str
    """Its name; empty where none can be chosen."""
    models: tuple[Model, ...]


Standing = dict[Slot, Ready]


def standing(settings: Settings, slots: Iterable[Slot]) -> Standing:
    """Of each of the `slots`. Takes some milliseconds: every engine is asked, and files are looked at."""
    return {slot: _ready(settings, slot) for slot in slots}


def _ready(settings: Settings, slot: Slot) -> Ready:
    try:
        engine = choose(slot, settings).info.name if getattr(settings, slot) != "none" else ""
    except VisavisError:
        return Ready("", ())
    return Ready(engine, tuple(model for model in models_of(slot, engine) if installed(model.name)))
