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
    note: str
    """Who it is, for a list."""

    @property
    def picture(self) -> Path:
        """Its picture: 768 x 768, PNG."""
        return Path(__file__).with_name("builtin") / f"{self.name}.png"


BUILTINS = {
    each.name: each
    for each in (
        Builtin("vera", "slt", "a woman of thirty in a green jumper"),
        Builtin("amos", "rms", "a man of sixty with grey hair and glasses"),
        Builtin("finn", "awb", "a drawn young man with red curls, on a transparent ground"),
    )
}
"""By name; the first is the default."""
