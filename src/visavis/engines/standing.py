"""What stands ready in each slot now: the engine that would be chosen, and which models it would load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from visavis.engines.protocols import OfModel, Slot
from visavis.engines.registry import choose
from visavis.errors import VisavisError
from visavis.settings import Settings
from visavis.weights.models import Model, installed, models, models_of


@dataclass(frozen=True, slots=True)
class Ready:
    """Of one slot. Two that are equal would load the same."""

    engine: str = ""
    """Its name; empty where none can be chosen."""
    model: str = ""
    """Of an engine that has one by name."""
    models: tuple[Model, ...] = ()
    """Of the catalogue: those that it would use."""


Standing = dict[Slot, Ready]


def standing(settings: Settings, slots: Iterable[Slot]) -> Standing:
    """Of each of the `slots`. Takes some milliseconds: every engine is asked, and files are looked at."""
    return {slot: _ready(settings, slot) for slot in slots}


def _ready(settings: Settings, slot: Slot) -> Ready:
    try:
        chosen = choose(slot, settings) if getattr(settings, slot) != "none" else None
    except VisavisError:
        chosen = None
    if chosen is None:
        return Ready()
    here = [model for model in models_of(slot, chosen.info.name) if installed(model.name)]
    if not isinstance(engine := chosen.engine(settings), OfModel):
        return Ready(chosen.info.name, "", tuple(here))
    entry = models().get(engine.model_name)
    return Ready(chosen.info.name, engine.model_name, (entry,) if entry in here else ())
