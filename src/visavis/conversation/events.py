"""What a session tells about itself while it goes on: the values that become a page's messages, metrics and logs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from visavis.media.speech import Word

Doing = Literal["idle", "listening", "thinking", "speaking", "held"]


@dataclass(frozen=True, slots=True)
class Now:
    """What the avatar does from now on."""

    doing: Doing


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a person says, so far."""

    turn: int
    text: str
    final: bool
    ended: int | None = None
    """Of a final one that was spoken: the end of its voice, in samples at 16 kHz of the microphone."""


@dataclass(frozen=True, slots=True)
class Saying:
    """Words that are about to be heard."""

    turn: int
    sentence: int
    text: str
    """The sentence as written, with its first words; '' with others."""
    start: int
    """Media time of the piece that says them."""
    words: tuple[Word, ...]
    """On the media clock."""
    index: int
    """Of the first of them, counted from the answer's first word: an answer that goes on repeats one."""
    epoch: int


@dataclass(frozen=True, slots=True)
class Flushed:
    """What was to come after `position` on the media clock will not; what comes instead is of `epoch`."""

    position: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer is over."""

    turn: int
    text: str
    """What was heard of it."""
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """An engine did not do its part; the session goes on."""

    turn: int
    slot: str
    """Of the engine; '' where it was not one's fault."""
    message: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """How a voice over an answer was understood."""

    kind: Literal["hold", "resume", "interrupt"]


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds from the end of a question to each stage of its answer; None: it has not come to that."""

    turn: int
    endpoint: float | None = None
    transcript: float | None = None
    word: float | None = None
    audio: float | None = None
    sent: float | None = None


Event: TypeAlias = Now | Hearing | Saying | Flushed | Answered | Failed | Interrupted | Timed
