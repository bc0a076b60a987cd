"""From the symbols that a network spoke, each with its time, to phones: modifiers, marks and spaces have none."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.engines.tts.owners import is_letter
from visavis.media.speech import Phone

_STRESS = "ˈˌ"
_NO_LETTERS = "^$_"
"""Piper's beginning, end and padding."""
_SHARED = 0.05
"""Seconds that a sound may last into a space or a mark after it, where that is no silence."""
_QUIET = 0.1
"""Of the speech's own level: a softer space or mark is silence."""
_IPA = {
    "A": "eɪ", "I": "aɪ", "O": "oʊ", "Q": "əʊ", "W": "aʊ", "Y": "ɔɪ", "S": "s", "T": "ɾ", "ʤ": "dʒ", "ʧ": "tʃ",
    "ʣ": "dz", "ʦ": "ts", "ʥ": "dʑ", "ʨ": "tɕ", "ᵊ": "ə", "ᵻ": "ɨ", "g": "ɡ", "ε": "ɛ",
}  # fmt: skip
"""Symbols of Kokoro's and of old Piper voices' own."""
_ONE_SOUND = frozenset(["aɪ", "aʊ", "eɪ", "oʊ", "əʊ", "ɔɪ", "tʃ", "dʒ", "ts", "dz"])
"""Where Piper has two symbols."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """One symbol that was spoken."""

    symbol: str
    start: int
    """Samples since the sound's first."""
    end: int
    word: int
    """The index of its word."""


def phones_of(tokens: Sequence[Spoken], sound: NDArray[np.float32], rate: int) -> tuple[list[Phone], list[int]]:
    """The phones of a sound (n,), one after the other from its first sample on, and the index of each one's word.

    A stress mark's time is its vowel's, a length mark's that of the sound before it. A space or a mark is silence where
    it is quiet; else its neighbours last into it.
    """
    phones: list[Phone] = []
    owners: list[int] = []
    begin = pending = 0
    stressed = False
    level = _level(sound, [(t.start, t.end) for t in tokens if is_letter(t.symbol)])
    for token in tokens:
        end = min(token.end, len(sound))
        symbol = _IPA.get(token.symbol, token.symbol)
        if symbol in _STRESS:
            stressed = True
        elif is_letter(symbol):
            if begin > pending:
                _fill(phones, owners, (pending, begin), sound, rate, level)
            start = phones[-1].end if phones else pending
            joined = phones[-1].symbol + symbol if phones else ""
            if joined in _ONE_SOUND and not stressed and owners[-1] == token.word and phones[-1].end == start:
                phones[-1] = Phone(joined, phones[-1].start, end)
            else:
                phones.append(Phone(symbol, start, end))
                owners.append(token.word)
            begin = pending = end
            stressed = False
        elif _is_gap(symbol):
            begin = end
        elif phones and pending == begin:
            changed = unicodedata.normalize("NFC", phones[-1].symbol + symbol)
            phones[-1] = Phone(changed if changed == "ç" else phones[-1].symbol, phones[-1].start, end)
            begin = pending = end
    kept = [(p, o) for p, o in zip(phones, owners, strict=True) if p.end > p.start]
    return [p for p, _ in kept], [o for _, o in kept]


def _fill(
    phones: list[Phone],
    owners: list[int],
    gap: tuple[int, int],
    sound: NDArray[np.float32],
    rate: int,
    level: float,
) -> None:
    """A silence in the gap before the next phone; between phones, where it is none, the one before lasts into it."""
    begin, end = gap
    if phones and _level(sound, [gap]) > _QUIET * level:
        begin += min(end - begin, round(_SHARED * rate))
        phones[-1] = Phone(phones[-1].symbol, phones[-1].start, begin)
    if end > begin:
        phones.append(Phone("", begin, end))
        owners.append(owners[-1] if owners else 0)


def _is_gap(symbol: str) -> bool:
    return symbol.isspace() or symbol in _NO_LETTERS or unicodedata.category(symbol[0]).startswith("P")


def _level(sound: NDArray[np.float32], spans: Sequence[tuple[int, int]]) -> float:
    pieces = [sound[begin:end] for begin, end in spans if end > begin]
    samples = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0
