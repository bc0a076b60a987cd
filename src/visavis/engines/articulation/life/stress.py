"""What is heard of one's own voice: stressed syllables make the head nod and lift the brows, phrases move the head."""

from __future__ import annotations

import math
from dataclasses import dataclass

from visavis.engines.articulation.life.spring import pulled

PAUSE = 0.25
"""Seconds of quiet after which a new phrase begins."""


@dataclass(frozen=True, slots=True)
class Stress:
    """What has been heard of the voice so far, for nods and brows. Advances once a row."""

    level: float = 0.0
    """Loudness of the speech as a whole, slow."""
    fast: float = 0.0
    """Loudness now."""
    slow: float = 0.0
    """Loudness over the last syllables."""
    nod: float = 0.0
    """How far the nod is, 0 … 1, and how fast it goes."""
    nod_speed: float = 0.0
    brow: float = 0.0
    brow_speed: float = 0.0
    quiet: float = PAUSE
    """Seconds since the voice was heard."""
    phrase: int = 0
    """How many phrases have begun."""

    def heard(self, energy: float, step: float) -> Stress:
        """After `step` more seconds of sound with this mean square."""
        loud = math.log10(energy / 1e-6 + 1.0)  # 0 at silence, about 4 in speech
        level = self.level + (loud - self.level) * (step / 2.0 if loud > 1.0 else 0.0)
        fast = self.fast + (loud - self.fast) * min(step / 0.05, 1.0)
        slow = self.slow + (loud - self.slow) * min(step / 0.45, 1.0)
        # stressed: louder than the syllables before, and loud for this speaker
        push = min(max(fast - slow - 0.35, 0.0), 1.0) if fast > 0.9 * level else 0.0
        nod, nod_speed = pulled(self.nod, self.nod_speed, push, 9.0, step)
        brow, brow_speed = pulled(self.brow, self.brow_speed, max(push - 0.25, 0.0), 6.0, step)
        voiced = fast > 1.5
        phrase = self.phrase + (voiced and self.quiet >= PAUSE)
        quiet = 0.0 if voiced else self.quiet + step
        return Stress(level, fast, slow, nod, nod_speed, brow, brow_speed, quiet, phrase)
