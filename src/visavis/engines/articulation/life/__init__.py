"""What a living face does besides speaking: it blinks, looks, breathes, holds its head, nods, and feels.

One process, whatever it is doing: idle, listening, thinking or speaking. Chance belongs to a seed and a count, so the
same seed lives the same life; what must last from row to row is a `Being`, small enough to be carried. States and
emotions may change at any row: springs carry the face over, and nothing jumps but the eyes, as eyes do.
"""

from visavis.engines.articulation.life.being import Being, Life, Living
from visavis.engines.articulation.life.expression import joined

__all__ = ["Being", "Life", "Living", "joined"]
