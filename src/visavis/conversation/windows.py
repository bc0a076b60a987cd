"""Speech → windows: the pieces in which a face is moved, small at first so that an answer begins at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Window
from visavis.media.speech import Phone, Speech, Word, rescaled
from visavis.streams.flow import Stream, flow

FIRST = round(0.12 * SESSION_RATE)
"""Samples of an answer's first window; no window but the last of a line is shorter."""
WINDOW = round(0.2 * SESSION_RATE)
AHEAD = round(0.16 * SESSION_RATE)
"""What a face waits for of the sound that follows, where phones are not known."""
KNOWN = round(0.24 * SESSION_RATE)
"""What it is told of it at most, where that is made already."""


@flow
async def windows(speech: Stream[Speech]) -> Stream[Window]:
    """The speech in windows of 200 ms (the first of 120 ms), cut at the ends of lines; the last one is `final`.

    Where a voice tells its phones, a window carries all that are known of its line and is cut at once. Where not,
    it waits for the 160 ms that follow, within its line.
    """
    held: Window | None = None
    sentence = 0
    line = _Line(sentence, FIRST)
    async for piece in speech:
        line.add(piece)
        for window in line.cut(ended=piece.final):
            if held is not None:
                yield held
            held = window
        if piece.final:
            sentence += 1
            line = _Line(sentence, WINDOW)
    for window in line.cut(ended=True):
        if held is not None:
            yield held
        held = window
    if held is not None:
        yield replace(held, final=True)


@dataclass(slots=True)
class _Line:
    """The part of a line that is not cut yet. Times of words and phones are relative to `audio`'s first sample."""

    sentence: int
    size: int
    text: str = ""
    audio: Audio | None = None
    words: tuple[Word, ...] = ()
    phones: tuple[Phone, ...] | None = None
    _begun: bool = field(default=False)

    def add(self, piece: Speech) -> None:
        """Append a piece of the line."""
        offset = 0 if self.audio is None else len(self.audio)
        self.audio = piece.audio if self.audio is None else Audio.join([self.audio, piece.audio])
        self.words += rescaled(piece.words, 1, offset)
        if piece.phones is not None:
            self.phones = (self.phones or ()) + rescaled(piece.phones, 1, offset)
        if not self._begun:
            self.text = piece.line.written or piece.line.text

    def cut(self, ended: bool) -> Iterator[Window]:
        """Take off the windows that are complete; all of them, if the line has ended."""
        while self.audio is not None and len(self.audio):
            ahead = 0 if self.phones is not None else AHEAD
            if not ended and len(self.audio) < self.size + max(ahead, FIRST):
                return
            # a rest too short for a window of its own goes with the one before it
            size = self.size if len(self.audio) >= self.size + FIRST else len(self.audio)
            yield Window(
                audio=self.audio.slice(0, size),
                ahead=self.audio.slice(size, size + KNOWN),
                phones=self.phones,
                words=tuple(word for word in self.words if word.start < size),
                sentence=self.sentence,
                text="" if self._begun else self.text,
            )
            self._begun = True
            self.size = WINDOW
            self.audio = self.audio.slice(size, len(self.audio))
            self.words = rescaled(tuple(word for word in self.words if word.start >= size), 1, -size)
            if self.phones is not None:
                # what is long past cannot move the face any more
                self.phones = tuple(p for p in rescaled(self.phones, 1, -size) if p.end > -SESSION_RATE)
