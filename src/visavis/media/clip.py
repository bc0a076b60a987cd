"""A clip is in sync because it is one thing: sound, face and words that belong together, on one clock."""

from __future__ import annotations

from dataclasses import dataclass

from visavis.media.audio import Audio
from visavis.media.mood import PLAIN, Mood
from visavis.media.motion import Motion
from visavis.media.speech import Phone, Word
from visavis.media.video import Frame


@dataclass(frozen=True, slots=True)
class Source:
    """Where something the clip says comes from."""

    title: str
    location: str


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of speech on its way to the face: what is heard now, and what is already known of what follows."""

    audio: Audio
    """At the session's rate; its `start` is on the media clock."""
    ahead: Audio
    """Sound that follows `audio`, as far as it is known: 240 ms of it or less, at the end of speech none."""
    phones: tuple[Phone, ...] | None
    """Every known phone of the speech around this window, in samples relative to `audio`'s first one; None: unknown."""
    words: tuple[Word, ...] = ()
    """The words that begin in this window, in samples relative to `audio`'s first one."""
    motion: Motion | None = None
    """The face's motion in this window: filled in for animators."""
    sentence: int = 0
    """Which line of the answer this is part of, counted from 0."""
    text: str = ""
    """That line as it was written, on its first window; '' on the others."""
    final: bool = False
    """The last window of the answer."""
    mood: Mood = PLAIN
    """How the face is disposed in this window."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A short piece of an answer, ready to be played. Nothing downstream can drift: players drop or hold frames."""

    audio: Audio
    motion: Motion | None
    frames: tuple[Frame, ...]
    words: tuple[Word, ...] = ()
    """In samples relative to the clip's first one."""
    phones: tuple[Phone, ...] | None = None
    """The phones that overlap the clip, in samples relative to its first one."""
    turn: int = 0
    sentence: int = 0
    """Counted from 0 within the turn."""
    text: str = ""
    """The sentence as it was written, on its first clip; '' on the others."""
    final: bool = False
    sources: tuple[Source, ...] = ()
