"""From a voice's raw sound to speech: which written word a sound belongs to, and where its silence is cut.

Voices begin and end with as much silence as they like; a conversation wants an answer at once and a natural pause
after it. Phones keep covering exactly the sound that remains.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.media.audio import Audio
from visavis.media.speech import Line, Phone, Speech, Word

LEAD = 0.04
"""Seconds of silence at most before a line."""
PAUSE, FULL_STOP = 0.15, 0.3
"""Seconds of silence after a clause and after a sentence."""
LEVEL = 0.13
"""How loud every voice is: the root mean square of its speech, pauses left out."""
_KNEE, _CEILING = 0.8, 0.98
"""Amplitudes: peaks above the first are rounded off below the second."""
_FRAME = 0.01
"""Seconds over which loudness is measured."""
_SILENT_FRAME = 0.03
"""Of the loudest frame: what is softer, before and after a piece, is cut."""
_GAINS = 0.25, 4.0
"""How much softer and louder a piece is made at most."""
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
_CLAUSE_END = re.compile(r"[,;:.!?…—–、。，；：！？][\"'”’»)\]]*$")
_SILENT = re.compile(r"[^,;:.!?…]")
_BEFORE = frozenset(
    [
        "and",
        "but",
        "or",
        "because",
        "which",
        "that",
        "when",
        "while",
        "where",
        "who",
        "if",
        "so",
        "than",
        "with",
        "until",
    ]
)
"""A long clause without any punctuation is best cut before one of these."""


@dataclass(frozen=True, slots=True)
class Token:
    """A written word of a line, and how it is spelled to the voice."""

    text: str
    spelled: str


@dataclass(frozen=True, slots=True)
class Script:
    """What a voice is given to read, and which written word each place of it belongs to."""

    text: str
    words: tuple[str, ...]
    starts: tuple[int, ...]
    """Where the words begin in `text`, ascending."""

    def word_before(self, position: int) -> int:
        """The index of the word that begins last before `position` (exclusive), counted in characters."""
        return max(bisect_left(self.starts, position) - 1, 0)


def script(tokens: Sequence[Token]) -> Script:
    """The tokens as one text. One that has no sound (a dash, a stray quote) is shown with the word before it."""
    text = ""
    words: list[str] = []
    starts: list[int] = []
    for token in tokens:
        if any(c.isalnum() for c in token.spelled):
            words.append(token.text)
            starts.append(len(text))
            text += token.spelled + " "
        elif words:
            words[-1] += " " + token.text
            text = text.rstrip() + _SILENT.sub("", token.spelled) + " "
    return Script(text.rstrip(), tuple(words), tuple(starts))


def clauses(tokens: Sequence[Token], longest: int) -> Iterable[Sequence[Token]]:
    """The tokens in runs of at most `longest` characters, cut where a speaker would breathe.

    Joined again they are the same tokens. A run is cut after punctuation if its second half has any, else before a
    word that opens a phrase, else anywhere between two words.
    """
    begin = 0
    while begin < len(tokens):
        size, end = len(tokens[begin].spelled), begin + 1
        while end < len(tokens) and size + 1 + len(tokens[end].spelled) <= longest:
            size += 1 + len(tokens[end].spelled)
            end += 1
        if end < len(tokens):
            middle = (begin + end) // 2 + 1
            after_mark = (i for i in range(end, middle - 1, -1) if _CLAUSE_END.search(tokens[i - 1].spelled))
            before_phrase = (i for i in range(end, middle - 1, -1) if tokens[i].spelled.lower() in _BEFORE)
            end = next(after_mark, None) or next(before_phrase, end)
        yield tokens[begin:end]
        begin = end


def runs(tokens: Sequence[Token], first: int, longest: int) -> Iterable[Sequence[Token]]:
    """As `clauses`, the first run of at most `first` characters: something is heard soon of a voice that makes the
    sound of a run as a whole."""
    short = next(iter(clauses(tokens, first)), ())
    yield short
    yield from clauses(tokens[len(short) :], longest)


def ended(text: str, mark: str) -> str:
    """The text with a mark at its end: without one, a network does not know how to say it, or where to stop."""
    return text if tail(text) else text + mark


def tail(text: str) -> float:
    """Seconds of silence that belong after `text`: none in the middle of a clause."""
    text = text.rstrip()
    return FULL_STOP if _SENTENCE_END.search(text) else PAUSE if _CLAUSE_END.search(text) else 0.0


def keep(phones: Sequence[Phone], rate: int, tail: float) -> tuple[int, int]:
    """The samples to keep of a sound with these phones: its speech, `LEAD` before it and `tail` seconds after it.

    The end may lie beyond the sound: what is missing is silence.
    """
    sounding = [phone for phone in phones if phone.symbol]
    if not sounding:
        return 0, round(tail * rate)
    return max(sounding[0].start - round(LEAD * rate), 0), sounding[-1].end + round(tail * rate)


def timed_words(script: Script, phones: Sequence[Phone], owners: Sequence[int]) -> list[Word]:
    """The written words, each from its first sound to its last; `owners` says to which word each phone belongs."""
    found: dict[int, Word] = {}
    for phone, owner in zip(phones, owners, strict=True):
        if phone.symbol:
            first = found[owner].start if owner in found else phone.start
            found[owner] = Word(script.words[owner], first, phone.end)
    return [found[owner] for owner in sorted(found)]


def heard(sound: NDArray[np.float32], rate: int) -> tuple[int, int, float]:
    """Where a sound (n,) begins and ends to be heard, in samples, and the gain that makes it as loud as every voice.

    Of one in which nothing is heard, all of it, as loud as it is.
    """
    frame = round(_FRAME * rate)
    whole = len(sound) // frame
    levels = np.sqrt(np.mean(np.square(sound[: whole * frame].reshape(whole, frame)), axis=1)) if whole else np.zeros(1)
    loud = np.flatnonzero(levels > max(_SILENT_FRAME * float(levels.max()), 1e-4))
    if not len(loud):
        return 0, whole * frame, 1.0
    gain = LEVEL / float(np.sqrt(np.mean(np.square(levels[loud]))))
    return int(loud[0]) * frame, (int(loud[-1]) + 1) * frame, min(max(gain, _GAINS[0]), _GAINS[1])


def louder(sound: NDArray[np.float32], gain: float) -> NDArray[np.float32]:
    """(n,) the sound times `gain`, its peaks rounded off so that nothing clips; each sample for itself."""
    made = sound * np.float32(gain)
    peaks = np.abs(made) > _KNEE
    room = _CEILING - _KNEE
    rounded = _KNEE + room * np.tanh((np.abs(made[peaks]) - _KNEE) / room)
    made[peaks] = np.sign(made[peaks]) * rounded
    return made


def piece(
    line: Line,
    sound: NDArray[np.float32],
    rate: int,
    phones: Sequence[Phone],
    words: Sequence[Word],
    span: tuple[int, int],
    final: bool,
    gain: float = 1.0,
) -> Speech:
    """The samples of `span` as speech, `gain` times as loud, with the phones and words in it.

    `sound` (n,) lies on the same clock as `span`; where it ends early, silence follows. A word that begins in the
    span is told in full, a phone is cut to it.
    """
    begin, end = span
    samples = np.zeros(end - begin, np.float32)
    inside = sound[begin:end]
    samples[: len(inside)] = louder(inside, gain)
    kept: list[Phone] = []
    for phone in phones:
        first, last = max(phone.start, begin) - begin, min(phone.end, end) - begin
        if last > first:
            kept.append(Phone(phone.symbol, first, last))
    if not kept or kept[-1].end < end - begin:
        kept.append(Phone("", kept[-1].end if kept else 0, end - begin))
    inside_words = tuple(Word(w.text, w.start - begin, w.end - begin) for w in words if begin <= w.start < end)
    return Speech(Audio(samples, rate), line, inside_words, tuple(kept), final)
