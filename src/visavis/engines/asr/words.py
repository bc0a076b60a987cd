"""From a recogniser's raw words to what a person would have written: no noises, no variants, no foul words."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_VARIANT = re.compile(r"\(\d+\)$")
_ENDINGS = ("", "s", "es", "ed", "er", "ers", "ing", "in", "y")


def clean(word: str) -> str:
    """The word as written, '' for a noise, a silence or a foul word. 'the(2)' is another way to say 'the'."""
    if word.startswith(("<", "[", "+")):
        return ""
    word = _VARIANT.sub("", word)
    return "" if word.lower() in _foul() else word


@cache
def _foul() -> frozenset[str]:
    lines = files("visavis.engines.asr").joinpath("profanity.txt").read_text("utf-8").splitlines()
    stems = [line for line in lines if line and not line.startswith("#")]
    return frozenset(stem + ending for stem in stems for ending in _ENDINGS)
