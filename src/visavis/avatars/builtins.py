"""The avatars that come with the program: characters of our own, painted by `tools/paint_avatar.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Builtin:
    """A character."""

    name: str
    """Small letters; no stored avatar can have it."""
    voice: str
    """The voice that fits, used where the synthesizer has it."""
    others: tuple[str, ...]
    """Voices of other synthesizers that fit."""
    note: str
    """Who it is, for a list."""

    @property
    def picture(self) -> Path:
        """Its picture: 768 x 768, PNG."""
        return Path(__file__).with_name("builtin") / f"{self.name}.png"


BUILTINS = {
    each.name: each
    for each in (
        Builtin("vera", "slt", ("af_heart", "en_US-kristin-medium"), "a woman of thirty in a green jumper"),
        Builtin("amos", "rms", ("am_michael", "en_US-norman-medium"), "a man of sixty with grey hair and glasses"),
        Builtin(
            "finn",
            "awb",
            ("bm_george", "am_puck", "en_US-norman-medium"),
            "a drawn young man with red curls, on a transparent ground",
        ),
    )
}
"""By name; the first is the default."""


def fitting(name: str, voice: str | None) -> tuple[str, ...]:
    """The voices of an avatar, the best one first: its own, and those that fit as well where nobody has chosen it."""
    builtin = BUILTINS.get(name)
    others = builtin.others if builtin is not None and voice == builtin.voice else ()
    return () if voice is None else (voice, *others)
