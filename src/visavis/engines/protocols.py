"""What an engine is. Engines take values and return a value or a stream; they hold weights, never conversation.

What must persist between calls is returned as a `Carry` and passed back by the caller. A carry is sufficient to
rebuild the state it names; an engine may also keep live state under the carry's id (`engines.live`), and losing that
costs time, never correctness. `engines.contract` checks these laws on any engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, Literal, Protocol, Self, runtime_checkable

from visavis.avatars.avatar import Avatar
from visavis.media.audio import Audio
from visavis.media.clip import Source, Window
from visavis.media.motion import Motion
from visavis.media.speech import Line, Speech, Word
from visavis.media.video import Frame
from visavis.streams.flow import Stream

Slot = Literal["vad", "asr", "llm", "tts", "articulation", "animation", "turn"]
SLOTS: tuple[Slot, ...] = ("vad", "asr", "llm", "tts", "articulation", "animation")
"""Those that a conversation needs."""
OPTIONAL: tuple[Slot, ...] = ("turn",)
"""Those that it may do without."""


@dataclass(frozen=True, slots=True)
class Carry:
    """What an engine needs to go on where it stopped. Opaque to everyone but the engine that made it."""

    id: str
    """Names exactly this state; every call that advances the state returns a new id."""
    value: Any
    """Sufficient to rebuild the state."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What a person should know before choosing an engine."""

    name: str
    slot: Slot
    summary: str
    """One line."""
    licence: str
    """SPDX expression of what runs: code and weights."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags; empty: any, or not about language."""
    rank: int = 0
    """The available engine with the highest rank is the automatic choice; below 0: only when asked for by name."""
    weights: tuple[str, ...] = ()
    """Names in the weights catalogue that it needs."""
    commercial: bool = True
    """Whether what it makes may be used commercially, as far as the licence of its weights tells."""
    takes_recordings: bool = False
    """Of a recogniser: it takes a recording of any length in one piece, and finds the speech in it by itself."""


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether an engine can run here, found without loading it."""

    ready: bool
    reason: str = ""
    """In plain words, when it is not."""
    remedy: str = ""
    """What to type to change that."""
    info: EngineInfo | None = None
    """What it is here, where that follows from the models that are: its languages, and its licence."""


@runtime_checkable
class Engine(Protocol):
    """Entering loads and warms; leaving frees. `__init__` takes the settings and does no work."""

    info: ClassVar[EngineInfo]

    @classmethod
    def availability(cls) -> Availability:
        """Whether it can run here; quick, and imports nothing heavy."""
        ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *exc: object) -> None: ...


class VoiceActivityDetector(Engine, Protocol):
    """Tells speech from everything else."""

    async def detect(self, audio: Audio, carry: Carry | None) -> tuple[float, Carry]:
        """The probability of speech in `audio`: 16 kHz mono, 512 samples (32 ms)."""
        ...


@dataclass(frozen=True, slots=True)
class Recognition:
    """How to recognise."""

    language: str = "en"
    guesses: bool = True
    """Whether anybody looks at what is understood before it is final: of a recording, nobody does."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard so far in an utterance."""

    text: str
    words: tuple[Word, ...] = ()
    """Times in samples at 16 kHz since the utterance's first sample."""
    final: bool = False


class SpeechRecognizer(Engine, Protocol):
    """Speech to text, while it is spoken."""

    async def recognize(
        self, chunk: Audio, carry: Carry | None, options: Recognition, final: bool
    ) -> tuple[Transcript, Carry]:
        """The transcript of the utterance including `chunk` (16 kHz mono, at most 200 ms; may be empty if `final`).

        A `final` one takes all sound so far into account, and stays: if the speaker had only paused, the utterance
        goes on with its carry, and words are added.
        """
        ...


class TurnDetector(Engine, Protocol):
    """Tells whether somebody has finished, or only pauses."""

    async def complete(self, audio: Audio) -> float:
        """The probability that the turn is complete: all of it so far, or its end, 16 kHz mono, up to a pause."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to answer."""

    max_tokens: int = 160
    temperature: float = 0.1
    top_p: float = 0.95
    stop: tuple[str, ...] = ()
    session: str = ""
    """Whose conversation this is: lets an engine find its prompt cache again. Never changes the answer."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer."""

    text: str = ""
    finish: Literal["stop", "length"] | None = None
    """Set on the last piece."""


class LanguageModel(Engine, Protocol):
    """Messages to an answer, piece by piece."""

    def complete(self, messages: Sequence[Message], options: Sampling) -> Stream[Delta]:
        """The answer as it is made. Raises `EngineFailed` if the model cannot be reached or answers garbage."""
        ...


@runtime_checkable
class Primed(Protocol):
    """What a language model may have besides: a prompt cache of its own that can be filled in advance."""

    async def prime(self, messages: Sequence[Message], session: str) -> None:
        """Read what is known of a `session`'s conversation before it is asked to go on with it: its beginning, or a
        question that is still being spoken, of which more may follow."""
        ...


@runtime_checkable
class OfModel(Protocol):
    """What an engine may have besides, whose model is a person's choice."""

    @property
    def model_name(self) -> str:
        """The model, as a client would ask for it."""
        ...


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of a synthesizer."""

    name: str
    language: str
    description: str = ""


class SpeechSynthesizer(Engine, Protocol):
    """A line to speech."""

    def voices(self) -> Sequence[Voice]:
        """The voices it has; the first is its default. Works before entering."""
        ...

    def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        """The line spoken, in one or several pieces, at the engine's own rate; times are relative to each piece.

        Raises `BadInput` if the voice is unknown or cannot say the line's language.
        """
        ...


class Articulator(Engine, Protocol):
    """Speech to face motion."""

    async def articulate(self, window: Window, carry: Carry | None) -> tuple[Motion, Carry]:
        """The motion for exactly `window.audio`'s time, at 50 rows a second: rows at every k/50 s inside it."""
        ...


@dataclass(frozen=True, slots=True)
class Rendering:
    """What pictures to make."""

    size: int = 512
    """Pixels of the longer side; even."""
    fps: Fraction = field(default_factory=lambda: Fraction(25))
    live: bool = False
    """Whether each is seen as soon as it is made: what is slow may then be left out of some."""


class Animator(Engine, Protocol):
    """An avatar and its motion (or the speech itself) to pictures."""

    async def animate(
        self, avatar: Avatar, window: Window, options: Rendering, carry: Carry | None
    ) -> tuple[Sequence[Frame], Carry]:
        """The frames whose times (`frame_times`) fall into `window.audio`, in order.

        The carry may be of a little later than the window, where what followed was taken back.
        """
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """Something found that may help to answer."""

    text: str
    score: float
    source: Source


class Retriever(Engine, Protocol):
    """A question to passages of knowledge."""

    async def search(self, query: str, limit: int) -> Sequence[Passage]:
        """At most `limit` passages, the best first."""
        ...
