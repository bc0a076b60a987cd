"""What an answer says, as far as it is made: sound, phones and words on the answer's own clock, to be read anywhere.

It is written by one task and read by another at the pace of a player, who may stop, go back to a word, and go on.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import dataclass

import numpy as np

from visavis.conversation.windows import KNOWN
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Window
from visavis.media.mood import Mood
from visavis.media.speech import Line, Phone, Speech, Word, rescaled

FURTHEST = 12 * SESSION_RATE
"""Samples that may be made beyond what was read (12 s): the only buffer between a fast voice and a slow listener."""
_BEFORE, _AFTER = SESSION_RATE, 2 * SESSION_RATE
"""How far around a window its phones are told."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A line of the answer: its text as written, and where it lies, in samples of the answer."""

    text: str
    start: int
    end: int


class Script:
    """Grows by `write`; `read` gives any part of it as a window for the face."""

    def __init__(self) -> None:
        self.pieces: list[Speech] = []
        """All that was written, in order: enough to make a video of it."""
        self.words: list[Word] = []
        self.sentences: list[Sentence] = []
        self.ended = False
        self._sound = np.zeros(SESSION_RATE, np.float32)
        self._made = self._read = 0
        self._phones: list[Phone] = []
        self._phoned = True
        self._line: Line | None = None
        self._room = asyncio.Event()
        self._room.set()

    @property
    def made(self) -> int:
        """Samples written."""
        return self._made

    def write(self, piece: Speech) -> None:
        """Append a piece of speech at 48 kHz."""
        start, size = self._made, len(piece.audio)
        if start + size > len(self._sound):
            self._sound = np.concatenate([self._sound, np.zeros(max(start + size, len(self._sound)), np.float32)])
        self._sound[start : start + size] = piece.audio.samples
        self._made += size
        self.pieces.append(piece)
        self.words += rescaled(piece.words, 1, start)
        if piece.phones is None:
            self._phoned = False
        else:
            self._phones += rescaled(piece.phones, 1, start)
        if piece.line is not self._line:
            self.sentences.append(Sentence(piece.line.written or piece.line.text, start, self._made))
        else:
            last = self.sentences[-1]
            self.sentences[-1] = Sentence(last.text, last.start, self._made)
        self._line = None if piece.final else piece.line
        self._let(self._read)

    async def room(self) -> None:
        """Return when more is wanted."""
        await self._room.wait()

    def read(self, begin: int, size: int, start: int, mood: Mood) -> Window:
        """Samples `begin` to `begin + size`, filled up with silence at the end, as a window at `start` on the media
        clock."""
        self._let(begin + size)
        end = min(begin + size, self._made)
        samples = self._sound[begin:end]
        if end < begin + size:
            samples = np.concatenate([samples, np.zeros(begin + size - end, np.float32)])
        return Window(
            audio=Audio(samples.copy(), SESSION_RATE, start),
            ahead=Audio(self._sound[end : min(end + KNOWN, self._made)].copy(), SESSION_RATE, start + size),
            phones=self._phones_around(begin, end),
            words=rescaled(tuple(word for word in self.words if begin <= word.start < begin + size), 1, -begin),
            mood=mood,
        )

    def sentence(self, begin: int, end: int) -> tuple[int, str]:
        """The number of the sentence that is heard before `end`, and its text if it begins after `begin`."""
        number = max(bisect_right([sentence.start for sentence in self.sentences], end - 1) - 1, 0)
        found = self.sentences[number]
        return number, found.text if begin <= found.start else ""

    def heard(self, position: int) -> str:
        """The text of which all was heard before `position`: whole sentences as written, then whole words."""
        whole = [sentence for sentence in self.sentences if sentence.end <= position]
        rest = self.sentences[len(whole)] if len(whole) < len(self.sentences) else None
        texts = [sentence.text for sentence in whole]
        if rest is not None:
            texts += [word.text for word in self.words if rest.start <= word.start and word.end <= position]
        return " ".join(filter(None, texts))

    def boundary(self, position: int) -> int:
        """The last beginning of a word at or before `position`; without words, `position` itself."""
        starts = [word.start for word in self.words if word.start <= position]
        if starts:
            return starts[-1]
        return 0 if self.words else position

    def _phones_around(self, begin: int, end: int) -> tuple[Phone, ...] | None:
        if not self._phoned:
            return None
        near = (p for p in self._phones if p.end > begin - _BEFORE and p.start < end + _AFTER)
        return rescaled(tuple(near), 1, -begin)

    def _let(self, read: int) -> None:
        self._read = max(self._read, read)
        if self._made - self._read < FURTHEST:
            self._room.set()
        else:
            self._room.clear()
