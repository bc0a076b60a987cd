"""Which engines there are and which one is used: entry points, imported only when they are looked at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from visavis import weights
from visavis.engines.protocols import OPTIONAL, SLOTS, Availability, Engine, EngineInfo, Slot
from visavis.engines.voices import named
from visavis.errors import BadConfiguration, EngineUnavailable
from visavis.machine import return_large
from visavis.settings import OPEA, Settings, load_settings, origin


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engine that is installed, and whether it can run here."""

    info: EngineInfo
    availability: Availability
    engine: type[Any]


_SERVER = "openai"
"""In every slot, the engine that asks a server."""
_FORBIDDEN = "its weights are not for commercial use, and --commercial-only (VISAVIS_COMMERCIAL_ONLY) is set"


@cache
def _points(slot: Slot) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"visavis.{slot}")}


def candidates(slot: Slot, settings: Settings | None = None) -> list[Candidate]:
    """Every installed engine of a slot, the best first. A plug-in that cannot be imported is listed with its error.

    With the setting `commercial_only`, those whose weights are not for commercial use cannot run.
    """
    only = (settings or load_settings()).commercial_only
    found: list[Candidate] = []
    for name, point in _points(slot).items():
        try:
            engine = point.load()
            availability = engine.availability()
            info = availability.info or engine.info
            if only and not info.commercial:
                availability = Availability(False, _FORBIDDEN, "leave that out to use it", info)
            found.append(Candidate(info, availability, engine))
        except Exception as error:  # a broken plug-in must not take the others with it
            info = EngineInfo(name, slot, "plug-in that does not load", "unknown", rank=-1)
            found.append(Candidate(info, Availability(False, f"{type(error).__name__}: {error}"), object))
    return sorted(found, key=lambda c: -c.info.rank)


def usable(slot: Slot, settings: Settings | None = None) -> list[Candidate]:
    """Those that can run here and may be chosen without being asked for by name, the best first."""
    return [each for each in candidates(slot, settings) if each.availability.ready and each.info.rank >= 0]


def choose(slot: Slot, settings: Settings) -> Candidate:
    """The engine named in the settings, or the best one that can run here and speaks the language asked for.

    Raises `BadConfiguration` for a name that does not exist, `EngineUnavailable` with the remedy if it cannot run.
    """
    found = candidates(slot, settings)
    if (named := check_named(slot, settings)) is not None:
        if not named.availability.ready:
            raise EngineUnavailable(_why(slot, named, settings))
        return named
    ready = usable(slot, settings)
    if not ready:
        lacking = [_why(slot, c, settings) for c in found if not c.availability.ready]
        raise EngineUnavailable("; ".join(lacking) or f"no {slot} engine is installed")
    if slot == "tts" and settings.voice is not None:
        ready = [c for c in ready if _has_voice(c, settings)] or ready
    elif speaking := [c for c in ready if speaks(c.info, settings.language)]:
        ready = speaking
    elif slot in ("asr", "tts", "turn"):  # ears and voices must know the language; a mind may try
        names = ", ".join(f"{c.info.name} ({spoken(c.info)})" for c in ready)
        raise EngineUnavailable(f"no {slot} engine here knows the language '{settings.language}': there is {names}")
    return ready[0]


def check_named(slot: Slot, settings: Settings) -> Candidate | None:
    """The engine that the settings name, whether it can run or not. Raises `BadConfiguration` if there is none."""
    if (name := getattr(settings, slot)) == "auto":
        return None
    found = candidates(slot, settings)
    for candidate in found:
        if candidate.info.name == name:
            return candidate
    known = ", ".join(c.info.name for c in found)
    raise BadConfiguration(f"there is no {slot} engine '{name}'; choose one of: auto, {known}")


def speaks(info: EngineInfo, language: str) -> bool:
    """Whether an engine knows a language: the base language decides, an empty list is any."""
    base = language.split("-")[0].lower()
    return not info.languages or base in {tag.split("-")[0].lower() for tag in info.languages}


def about(engine: Engine) -> EngineInfo:
    """What an engine is on this machine: one with models of its own knows the languages of those that are here."""
    return engine.availability().info or engine.info


def spoken(info: EngineInfo) -> str:
    """The languages that an engine knows, in words: all of a few, else how many."""
    return ", ".join(info.languages) if len(info.languages) < 9 else f"{len(info.languages)} languages"


def wanted_weights(slots: Collection[Slot], settings: Settings) -> list[str]:
    """The data files to fetch before `slots` can be chosen from: of the engines that lack nothing else, the best.

    Files that belong to no engine (the face mesh) are always wanted.
    """
    # also those that an engine does without here, since it has a model that was pulled
    infos = [info for slot in SLOTS for c in candidates(slot) for info in (c.info, getattr(c.engine, "info", c.info))]
    of_engines = {name for info in infos for name in info.weights}
    wanted = [name for name in weights.missing() if name not in of_engines]
    for slot in slots:
        name = getattr(settings, slot)
        for candidate in candidates(slot):
            if candidate.info.name != name and (name != "auto" or candidate.info.rank < 0):
                continue
            if lacking := [each for each in candidate.info.weights if not weights.present(each)]:
                wanted += lacking
                break
            if candidate.availability.ready:
                break
    return wanted


def create(slot: Slot, settings: Settings) -> Engine:
    """The chosen engine of a slot, not yet entered; with the setting `fallback`, one here stands behind a server."""
    chosen = choose(slot, settings)
    return_large()  # before any engine loads, or the first ones' memory is kept
    engine: Engine = chosen.engine(settings)
    if not settings.fallback or chosen.info.name != _SERVER:
        return engine
    from visavis.engines.fallback import with_fallback

    here = [c for c in usable(slot, settings) if c.info.name != _SERVER]
    here.sort(key=lambda c: not speaks(c.info, settings.language))
    if not here:
        raise EngineUnavailable(f"no {slot} engine here can take over for a server: leave out the setting 'fallback'")
    return with_fallback(slot, engine, here[0].engine(settings))


def create_optional(slot: Slot, settings: Settings) -> Engine | None:
    """The engine of a slot that may stay empty: None where the settings say so, or leave it open and there is none.

    Raises as `create` does for one that is named.
    """
    if (name := getattr(settings, slot)) == "none":
        return None
    try:
        return create(slot, settings)
    except EngineUnavailable:
        if name != "auto":
            raise
        return None


def all_candidates() -> dict[Slot, list[Candidate]]:
    """Every installed engine of every slot."""
    return {slot: candidates(slot) for slot in (*SLOTS, *OPTIONAL)}


def _why(slot: Slot, candidate: Candidate, settings: Settings) -> str:
    a = candidate.availability
    # of OPEA's variables this is the one that names an engine; whoever set it may not know that it does
    asked = ", which INFERENCE_MODE asks for," if getattr(settings, slot) != "auto" and origin(slot) == OPEA else ""
    return f"{slot} engine '{candidate.info.name}'{asked} cannot run here: {a.reason}" + (
        f" ({a.remedy})" if a.remedy else ""
    )


def _has_voice(candidate: Candidate, settings: Settings) -> bool:
    voices = candidate.engine(settings).voices()
    return settings.voice is not None and named(settings.voice, (voice.name for voice in voices)) is not None
