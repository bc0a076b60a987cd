"""The whole line, from what was said to a face that answers. Files, services and live talk all iterate this."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from visavis.avatars.avatar import Avatar
from visavis.avatars.builtins import fitting
from visavis.conversation.animate import animate
from visavis.conversation.history import History
from visavis.conversation.rests import rested
from visavis.conversation.sentences import sentences
from visavis.conversation.speak import speak
from visavis.conversation.think import think
from visavis.engines.loading import Engines
from visavis.engines.protocols import Delta, Rendering, Sampling, Voice
from visavis.engines.voices import named
from visavis.media.clip import Clip
from visavis.media.mood import PLAIN, Mood
from visavis.media.speech import Speech
from visavis.settings import Settings
from visavis.streams.buffered import buffered
from visavis.streams.flow import Stream
from visavis.streams.noted import noted


@dataclass(frozen=True, slots=True)
class Manner:
    """How to answer."""

    sampling: Sampling = field(default_factory=Sampling)
    rendering: Rendering = field(default_factory=Rendering)
    language: str = "en"
    voice: str | None = None
    speed: float = 1.0
    rests: bool = False
    """Begin and end at rest, as a video does; who is waiting for an answer had rather have it at once."""
    mood: Mood = PLAIN
    """How the face is disposed while it speaks."""

    @classmethod
    def of(cls, settings: Settings) -> Manner:
        """As the settings have it."""
        return cls(
            sampling=Sampling(max_tokens=settings.max_tokens, temperature=settings.temperature),
            rendering=Rendering(settings.size, Fraction(settings.fps)),
            language=settings.language,
            voice=settings.voice,
            speed=settings.speed,
            mood=Mood.of(settings.emotion),
        )

    def spoken_by(self, voices: Iterable[Voice]) -> Manner:
        """The same for another synthesizer: without a voice that it has not."""
        lacking = self.voice is not None and named(self.voice, (voice.name for voice in voices)) is None
        return replace(self, voice=None) if lacking else self


def reply(history: History, engines: Engines, avatar: Avatar, manner: Manner, turn: int = 0) -> Stream[Clip]:
    """The answer to the history's last message, in clips. Closing it stops all work on it."""
    speech = answer(history, engines, avatar, manner)
    speech = buffered(rested(speech) if manner.rests else speech, ahead=4)
    return animate(speech, avatar, engines.articulation, engines.animation, manner.rendering, turn, manner.mood)


def answer(
    history: History, engines: Engines, avatar: Avatar, manner: Manner, seen: Callable[[Delta], None] | None = None
) -> Stream[Speech]:
    """The answer as speech, all that a live face needs, which moves by itself between the words.

    `seen` is shown each piece of text as the model makes it.
    """
    words = think(history, engines.llm, manner.sampling)
    if seen is not None:
        words = noted(words, seen)
    lines = buffered(sentences(words, manner.language, manner.speed), ahead=2)
    own = own_voice(avatar, engines.tts.voices(), manner.language)
    return speak(lines, engines.tts, manner.voice or own)


def own_voice(avatar: Avatar, voices: Iterable[Voice], language: str) -> str | None:
    """The avatar's voice, if it is among the `voices` and speaks the language; None leaves the choice to others."""
    base = language.split("-")[0].lower()
    speaking = [voice.name for voice in voices if voice.language.split("-")[0].lower() == base]
    found = (named(each, speaking) for each in fitting(avatar.name, avatar.voice))
    return next((each for each in found if each is not None), None)
