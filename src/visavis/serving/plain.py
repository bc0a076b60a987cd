"""Text as OPEA's Whisper writes it: in lower case and without punctuation, in any language."""

from __future__ import annotations

import unicodedata

_APOSTROPHES = "'’ʼ"
_KEPT = "%&@#"
"""Punctuation to Unicode, and read as words."""


def plain(text: str) -> str:
    """The words of a text. Apostrophes in words stay, and what stands between two digits, as in 3.5 and 10:30."""
    letters = unicodedata.normalize("NFC", text).lower()
    around = f" {letters} "
    made = [_plain(letter, around[k], around[k + 2]) for k, letter in enumerate(letters)]
    return " ".join("".join(made).split())


def _plain(letter: str, before: str, after: str) -> str:
    if letter in _APOSTROPHES:
        return "'" if before.isalnum() or after.isalnum() else " "
    if not unicodedata.category(letter).startswith("P") or letter in _KEPT:
        return letter
    return letter if before.isdigit() and after.isdigit() else " "
