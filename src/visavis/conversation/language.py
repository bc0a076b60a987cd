"""Whether a voice can read a text at all: the script it is written in."""

from __future__ import annotations

import unicodedata
from collections import Counter

from visavis.errors import BadInput

_SCRIPTS = {
    "ar": "ARABIC", "fa": "ARABIC", "ur": "ARABIC", "ru": "CYRILLIC", "uk": "CYRILLIC", "bg": "CYRILLIC",
    "sr": "CYRILLIC", "mk": "CYRILLIC", "kk": "CYRILLIC", "el": "GREEK", "he": "HEBREW", "hi": "DEVANAGARI",
    "mr": "DEVANAGARI", "ne": "DEVANAGARI", "bn": "BENGALI", "ta": "TAMIL", "te": "TELUGU", "th": "THAI",
    "ka": "GEORGIAN", "hy": "ARMENIAN", "ko": "HANGUL", "zh": "CJK", "yue": "CJK", "cmn": "CJK", "ja": "CJK",
}  # fmt: skip
"""Base language → the script's word in Unicode's character names; any other language is written in LATIN."""
_NAMES = {"CJK": "Chinese or Japanese", "HANGUL": "Korean"}
_LANGUAGE = {script: language for language, script in reversed(_SCRIPTS.items())} | {"CJK": "zh", "LATIN": "en"}


def check_script(text: str, language: str) -> None:
    """Raise `BadInput` if most letters of the text are of a script that the language does not use."""
    letters = Counter(_script(c) for c in text if c.isalpha())
    if not letters:
        return
    expected = _SCRIPTS.get(language.split("-")[0].lower(), "LATIN")
    script, count = letters.most_common(1)[0]
    if script == expected or count * 2 <= letters.total():
        return
    name = _NAMES.get(script, script.capitalize())
    hint = f", as in --language {_LANGUAGE[script]}" if script in _LANGUAGE else ""
    raise BadInput(f"this text is in {name} letters, which the voice for '{language}' cannot read: choose one{hint}")


def _script(letter: str) -> str:
    first = unicodedata.name(letter, "UNKNOWN").split()[0]
    return "CJK" if first in ("HIRAGANA", "KATAKANA") else first
