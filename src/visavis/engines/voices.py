"""A voice by the name a person typed, spelled as it is or in other capitals where that can mean only one; or by a
language."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from visavis.engines.protocols import Voice
from visavis.errors import BadInput


def named(name: str, known: Iterable[str]) -> str | None:
    """The one of the `known` names that is meant; None if there is none, or several that differ only in capitals."""
    known = set(known)
    if name in known:
        return name
    alike = [each for each in known if each.casefold() == name.casefold()]
    return alike[0] if len(alike) == 1 else None


def near(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The `known` names that are most like this one, capitals aside; the first of all where none is like it."""
    every = list(dict.fromkeys(known))
    folded = [each.casefold() for each in every]
    alike = difflib.get_close_matches(name.casefold(), dict.fromkeys(folded), n=count, cutoff=0.6)
    return [each for match in alike for each, fold in zip(every, folded, strict=True) if fold == match] or every[:6]


def chosen(engine: str, voices: Sequence[Voice], language: str, voice: str | None) -> Voice:
    """The `voice` named, or the first of an engine's that speaks `language` (BCP 47), its region if it can be had.

    Raises `BadInput` where there is none, or it speaks another language.
    """
    base = language.split("-")[0].lower()
    speaking = [each for each in voices if each.language.split("-")[0].lower() == base]
    if voice is None:
        exact = (each for each in speaking if each.language.lower() == language.lower())
        if not speaking:
            there = ", ".join(dict.fromkeys(each.language for each in voices))
            raise BadInput(f"{engine} does not speak '{language}'; it has: {there}")
        return next(exact, speaking[0])
    known = {each.name: each for each in voices}
    if (name := named(voice, known)) is None:
        raise BadInput(f"{engine} has no voice '{voice}'; choose one of: {', '.join(near(voice, known))}")
    if known[name] not in speaking:
        raise BadInput(f"{engine}'s voice '{name}' speaks '{known[name].language}', not '{language}'")
    return known[name]
