"""Which written word a sound belongs to: a phonemizer writes some words as one, and one word as several."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence


def is_letter(symbol: str) -> bool:
    """Whether a phonemizer's symbol is a sound, and not a mark, a pause or a modifier of its neighbours."""
    return bool(symbol) and unicodedata.category(symbol[0]) in ("Ll", "Lo", "Lu")


def owners(symbols: Sequence[str], words: int, alone: Callable[[], Sequence[Sequence[str]]]) -> list[int]:
    """The index of each symbol's word, of so many `words`; a space among the symbols parts two.

    Where the spaces part another number of words, `alone` says what each word is by itself, and the symbols are
    aligned with those by the smallest number of changes. A mark belongs to the word before it.
    """
    groups: list[int] = []
    group, sounded = 0, False
    for symbol in symbols:
        if symbol.isspace():
            group, sounded = group + sounded, False
        sounded = sounded or is_letter(symbol)
        groups.append(group)
    if group + sounded == words:
        return [min(each, words - 1) for each in groups]
    return _aligned(symbols, alone())


def _aligned(symbols: Sequence[str], alone: Sequence[Sequence[str]]) -> list[int]:
    there = [(symbol, word) for word, each in enumerate(alone) for symbol in each if is_letter(symbol)]
    here = [symbol for symbol in symbols if is_letter(symbol)]
    if not there or not here:
        return [0] * len(symbols)
    # costs[i][j]: the fewest changes that make the first j of `there` of the first i of `here`
    costs = [list(range(len(there) + 1))]
    for i, symbol in enumerate(here, 1):
        row = [i]
        for j, (other, _) in enumerate(there, 1):
            row.append(min(costs[-1][j - 1] + (symbol != other), costs[-1][j] + 1, row[-1] + 1))
        costs.append(row)
    found = [0] * len(here)
    i, j = len(here), len(there)
    while i:
        found[i - 1] = there[max(j - 1, 0)][1]
        if j and costs[i][j] == costs[i][j - 1] + 1:
            j -= 1
        elif j and costs[i][j] == costs[i - 1][j - 1] + (here[i - 1] != there[j - 1][0]):
            i, j = i - 1, j - 1
        else:
            i -= 1
    owned: list[int] = []
    letters = iter(found)
    for symbol in symbols:
        owned.append(next(letters) if is_letter(symbol) else owned[-1] if owned else 0)
    return owned
