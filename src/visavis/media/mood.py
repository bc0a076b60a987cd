"""How a face is disposed: what it is doing, and what it feels. Travels with every window, so it can change at any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from visavis.errors import BadInput
from visavis.settings import EMOTIONS

State = Literal["idle", "listening", "thinking", "speaking"]
STATES: tuple[State, ...] = ("idle", "listening", "thinking", "speaking")


@dataclass(frozen=True, slots=True)
class Mood:
    """What a face does besides moving its lips. Without a word about it, it speaks and feels nothing."""

    state: State = "speaking"
    emotion: str = "neutral"
    """One of `settings.EMOTIONS`."""
    strength: float = 1.0
    """Of the emotion, 0 … 1."""
    nod: bool = False
    """Nod once, now: what a listener does at a speaker's pauses."""

    @staticmethod
    def of(emotion: str, state: State = "speaking") -> Mood:
        """From an emotion's name with a strength behind a colon or without, as in 'happy' and 'happy:0.7'."""
        name, colon, strength = emotion.partition(":")
        try:
            mood = Mood(state, name, float(strength) if colon else 1.0)
        except ValueError:
            raise BadInput(f"an emotion's strength is a number, as in happy:0.7, not '{strength}'") from None
        if name not in EMOTIONS or not 0.0 <= mood.strength <= 1.0:
            raise BadInput(f"there is no emotion '{emotion}'; choose {', '.join(EMOTIONS)}, at a strength of 0 to 1")
        return mood

    def __str__(self) -> str:
        """The feeling as `of` reads it."""
        return f"{self.emotion}:{self.strength:g}"

    def doing(self, state: State) -> Mood:
        """The same feeling in another state."""
        return replace(self, state=state, nod=False)


PLAIN = Mood()
"""Speaking, without a feeling."""
