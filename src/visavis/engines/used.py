"""Who made an answer, and under which licences that may be used: told with everything that is made."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass

from visavis.engines.loading import Engines
from visavis.engines.protocols import Engine, OfModel, Slot
from visavis.engines.registry import about

_DOES: dict[Slot, str] = {
    "asr": "heard",
    "llm": "thought",
    "tts": "spoken",
    "articulation": "moved",
    "animation": "drawn",
}
"""The slots that leave something in an answer, each with what it did to it."""


@dataclass(frozen=True, slots=True)
class Used:
    """An engine that had a part in something."""

    slot: Slot
    name: str
    model: str | None
    """Of those that have one by name."""
    about: str
    licence: str
    """SPDX expression, or a few words: of the engine with its weights."""
    commercial: bool
    """Whether what it makes may be used commercially, as far as that licence tells."""


def used(engines: Engines, slots: Collection[Slot]) -> list[Used]:
    """The engines of `slots`, in their order; one that is not there is left out."""
    found: dict[Slot, Engine | None] = {slot: getattr(engines, slot) for slot in slots}
    return [_told(slot, engine) for slot, engine in found.items() if engine is not None]


def records(some: Iterable[Used]) -> list[dict[str, object]]:
    """As JSON has them."""
    return [asdict(each) for each in some]


def credits(some: Iterable[Used]) -> str:
    """In words, for a file's tag: "spoken by flite (LicenseRef-CMU-flite), drawn by rig (Apache-2.0)"."""
    told = ((_DOES.get(each.slot), each) for each in some)
    return ", ".join(f"{does} by {each.model or each.name} ({each.licence})" for does, each in told if does)


def _told(slot: Slot, engine: Engine) -> Used:
    info = about(engine)
    model = engine.model_name if isinstance(engine, OfModel) else None
    return Used(slot, info.name, model, info.summary, info.licence, info.commercial)
