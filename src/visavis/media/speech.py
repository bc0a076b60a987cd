"""What is said: a line of text, and the speech made from it with the times of its words and phones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from visavis.media.audio import Audio


@dataclass(frozen=True, slots=True)
class Word:
    """A written word and when it is heard."""

    text: str
    start: int
    """Samples since the start of what holds it (a speech, a clip, an utterance), at that one's rate."""
    end: int


@dataclass(frozen=True, slots=True)
class Phone:
    """A speech sound and when it is heard. Silence has the symbol ''."""

    symbol: str
    """IPA, without stress and length marks; a diphthong is one symbol of two letters, as in 'aɪ'."""
    start: int
    """Samples since the start of what holds it (a speech, a window), at that one's rate; negative: before it."""
    end: int


TimedT = TypeVar("TimedT", Word, Phone)


@dataclass(frozen=True, slots=True)
class Line:
    """One speakable sentence or clause."""

    text: str
    """In words a voice can say: numbers, units and symbols written out."""
    language: str = "en"
    """BCP 47, as in 'en' or 'en-GB'."""
    speed: float = 1.0
    """1.0 is the voice's own pace; 2.0 takes half the time."""
    style: str | None = None
    """A named manner of speaking, where the voice has any."""
    written: str = ""
    """The same as it was written, for eyes; '' where that is `text`."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Sound that says a line. `phones` is None where the voice does not tell its phone times."""

    audio: Audio
    line: Line
    words: tuple[Word, ...] = ()
    """Times in samples of `audio`, relative to its first sample."""
    phones: tuple[Phone, ...] | None = None
    """The same; they follow one another without a gap and cover the audio, silence included."""
    final: bool = True
    """The last piece of its line: a voice that streams yields several."""


def rescaled(items: tuple[TimedT, ...], factor: float, shift: int = 0) -> tuple[TimedT, ...]:
    """The same words or phones on another rate: `time * factor + shift`, rounded to whole samples."""
    return tuple(
        replace(item, start=round(item.start * factor) + shift, end=round(item.end * factor) + shift) for item in items
    )
