"""How much of what was said was understood: the word error rate."""

from __future__ import annotations

import re
import unicodedata

_SPACELESS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f"
"""Kana, Han and Thai, which are written without spaces: there, each character counts as a word."""
_WORD = re.compile(rf"[{_SPACELESS}]|[^\W{_SPACELESS}_]+(?:['’][^\W{_SPACELESS}_]+)*")


def words_of(text: str) -> list[str]:
    """The words of a text, without capitals and punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return _WORD.findall(folded)


def word_errors(said: list[str], heard: list[str]) -> int:
    """Words to insert, delete or replace (Levenshtein, 1966)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]
