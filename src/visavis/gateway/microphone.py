"""A page's microphone, as sound that comes by its WebSocket."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from visavis.conversation.listen import RATE
from visavis.media.audio import Audio


class Microphone:
    """An open one: from the page's rate to the recogniser's, and back on its clock."""

    def __init__(self, rate: int, since: int) -> None:
        self._rate, self._since = rate, since
        self._resampler = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="MQ")

    def heard(self, samples: NDArray[np.int16]) -> Audio:
        """The page's samples at 16 kHz."""
        sound = self._resampler.resample_chunk(np.asarray(samples, np.float32) / 32768.0)
        return Audio(np.asarray(sound, np.float32), RATE)

    def to_page(self, sample: int) -> float:
        """A sample of the session's microphone on the page's clock."""
        return max(sample - self._since, 0) / RATE * self._rate
