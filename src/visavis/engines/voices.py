"""A voice by the name a person typed: spelled as it is, or in other capitals where that can mean only one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


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
