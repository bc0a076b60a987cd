"""When the words of a voice are said that does not tell it: estimated from their length."""

from __future__ import annotations

from visavis.media.audio import Audio
from visavis.media.speech import Line, Speech, Word

_PACE = 14.0
"""Characters a second, with the space after each word: read English at an easy pace."""


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
        begin, end = self._done / audio.rate, (self._done + len(audio)) / audio.rate
        pace = _PACE * self._line.speed
        if final and self._left:
            pace = sum(len(word) + 1 for word in self._left) / max(end - self._begin, 1e-3)
        words: list[Word] = []
        while self._left and (final or self._begin < end):
            word = self._left.pop(0)
            after = self._begin + (len(word) + 1) / pace
            first, last = (round((time - begin) * audio.rate) for time in (self._begin, after))
            words.append(Word(word, min(max(first, 0), len(audio)), min(max(last, 0), len(audio))))
            self._begin = after
        self._done += len(audio)
        return Speech(audio, self._line, tuple(words), None, final)
