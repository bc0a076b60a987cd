"""Sound as a value: mono float samples, their rate, and where they stand on the media clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

SESSION_RATE = 48_000
"""Hertz. Inside a conversation all sound has this rate; it divides by 24, 25, 30, 50 and 60 pictures a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """A piece of mono sound."""

    samples: NDArray[np.float32]
    """(n,) in [-1, 1]"""
    rate: int
    """Hertz"""
    start: int = 0
    """Samples since its stream began: the media clock, counted at `rate`."""

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def end(self) -> int:
        """The first sample after this piece, on its stream's clock."""
        return self.start + len(self.samples)

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.rate

    def slice(self, begin: int, end: int) -> Audio:
        """The samples from `begin` to `end`, counted from this piece's own first sample; bounds are clipped."""
        begin = min(max(begin, 0), len(self.samples))
        end = min(max(end, begin), len(self.samples))
        return replace(self, samples=self.samples[begin:end], start=self.start + begin)

    @staticmethod
    def silence(samples: int, rate: int, start: int = 0) -> Audio:
        """`samples` of silence."""
        return Audio(np.zeros(samples, np.float32), rate, start)

    @staticmethod
    def join(pieces: Sequence[Audio]) -> Audio:
        """Pieces of one stream, which follow one another, as one piece. At least one is needed."""
        if len(pieces) == 1:
            return pieces[0]
        return replace(pieces[0], samples=np.concatenate([piece.samples for piece in pieces]))

    @staticmethod
    def from_int16(samples: NDArray[np.int16], rate: int, start: int = 0) -> Audio:
        """16-bit samples as float in [-1, 1)."""
        return Audio(samples.astype(np.float32) / 32768.0, rate, start)

    def to_int16(self) -> NDArray[np.int16]:
        """(n,) 16-bit samples, clipped."""
        return np.asarray(np.clip(np.rint(self.samples * 32767.0), -32768, 32767), np.int16)
