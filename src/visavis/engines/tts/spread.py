"""When the words of a voice are said that does not tell it: estimated from their letters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from visavis.media.audio import Audio
from visavis.media.speech import Line, Speech, Word

_PACE = 13.0
"""Letters a second, one more for each word: read English at an easy pace."""


def laid(words: Sequence[str], begin: int, end: int) -> tuple[Word, ...]:
    """The words one after the other between two samples, each as long as its letters are many."""
    ends = list(accumulate((_weight(word) for word in words), initial=0.0))
    edges = [begin + round(each / max(ends[-1], 1.0) * (end - begin)) for each in ends]
    return tuple(Word(word, *edge) for word, edge in zip(words, pairwise(edges), strict=True))


class Spread:
    """Of one line, whose sound comes in pieces. Each word is told with the piece in which it begins.

    Before the end is known a word takes the time that it usually does; with the last piece the words that are left
    share what is left. Phones are not told: lips follow the sound.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._left = line.text.split()
        self._begin = 0.0
        """Seconds since the line's first sample, of the first word that is left."""
        self._done = 0
        """Samples of the pieces before."""

    def piece(self, audio: Audio, *, final: bool) -> Speech:
        """The next sound with its words."""
        start, end = self._done / audio.rate, (self._done + len(audio)) / audio.rate
        words: list[Word] = []
        while not final and self._left and self._begin < end:
            word = self._left.pop(0)
            after = self._begin + _weight(word) / (_PACE * self._line.speed)
            edges = (round((time - start) * audio.rate) for time in (self._begin, after))
            words.append(Word(word, *(min(max(edge, 0), len(audio)) for edge in edges)))
            self._begin = after
        if final:
            words += laid(self._left, min(max(round((self._begin - start) * audio.rate), 0), len(audio)), len(audio))
        self._done += len(audio)
        return Speech(audio, self._line, tuple(words), None, final)


def _weight(word: str) -> float:
    return 1.0 + sum(c.isalnum() for c in word)
