"""What is used, and what one command would improve, in a line: said when a server starts, while it would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from visavis.engines.protocols import EngineInfo, Slot
    from visavis.settings import Settings

_DOES: dict[Slot, str] = {"asr": "hearing", "tts": "speaking", "llm": "thinking"}


def tell_better(chosen: Mapping[Slot, EngineInfo], settings: Settings) -> None:
    """Say it on standard error. Nothing is said offline, nor of what the settings name: that is somebody's choice."""
    if line := better(chosen, settings):
        typer.echo(line, err=True)


def better(chosen: Mapping[Slot, EngineInfo], settings: Settings) -> str:
    """The line; '' where nothing recommended is missing, or it is not to be fetched."""
    from visavis.weights.hub import is_offline
    from visavis.weights.models import installed
    from visavis.weights.recommended import recommended

    if is_offline():
        return ""
    # a mind that somebody named by its file is a choice, too
    open_ = {slot for slot in (*_DOES, "turn") if getattr(settings, slot) == "auto"}
    open_ -= {slot for slot, info in chosen.items() if info.name == "openai"}
    open_ -= {"llm"} if settings.llm_file is not None else set()
    models = recommended(settings.language, commercial_only=settings.commercial_only)
    lacking = [model for model in models if model.slot in open_ and installed(model.name) is None]
    slots = {model.slot for model in lacking}
    if slots <= {"turn"}:  # a sense for turns alone is no reason to speak up
        return ""
    used = [
        f"{does} {_name(chosen[slot], settings)}" for slot, does in _DOES.items() if slot in slots and slot in chosen
    ]
    size = sum(model.bytes for model in lacking)
    much = f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
    options = "" if settings.language == "en" else f" --language {settings.language}"
    options += " --commercial-only" if settings.commercial_only else ""
    now = f"{', '.join(used)}: " if used else ""
    return f"note: {now}`visavis models pull recommended{options}` fetches better engines ({much})"


def _name(info: EngineInfo, settings: Settings) -> str:
    """What a person calls it: of a mind its model."""
    if info.name != "llamacpp":
        return info.name
    from visavis.engines.llm.chosen import chosen

    return chosen(settings).title
