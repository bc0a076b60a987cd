"""Windows to blocks: the sound of a stream, with its look-ahead, cut on the media clock's grid of 50 blocks a second.

A window's look-ahead is the next window's sound; each block is heard once all the same. Where the sound ends, what
would follow is silence, but only for the rows asked for: nothing invented is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.mouth import ROWS
from visavis.engines.articulation.spectrum import BLOCK, FEATURES, MEMORY, SILENCE, decimated, history, spectra
from visavis.media.audio import Audio

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """What has been heard: enough to go on, bounded whatever the stream's length."""

    end: int
    """The sample after the last window, on the media clock."""
    block: int
    """The next block; block b is [b/50, (b + 1)/50) s."""
    before: Samples
    """The session's samples before `block` that its low-pass needs, and those of it that are already past."""
    memory: Samples = field(default_factory=lambda: np.zeros(MEMORY, np.float32))
    """(MEMORY,) samples at 16 kHz before `block`."""
    features: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, FEATURES), np.float32))
    """(n, FEATURES) of the blocks before `block`, the last ones."""

    @staticmethod
    def begin(audio: Audio) -> Hearing:
        """Of a stream whose first window is `audio`: silence before it."""
        block = audio.start * ROWS // audio.rate
        lead = audio.start - block * audio.rate // ROWS
        return Hearing(audio.start, block, np.zeros(history(audio.rate) + lead, np.float32))

    def hear(self, audio: Audio, ahead: Audio, first: int, last: int) -> tuple[Samples, Samples, Hearing]:
        """The new blocks before block `last`, as far as there is sound, and what blocks `first` to `last` hold.

        Returns (n, BLOCK) samples at 16 kHz, (last - first, FEATURES) features, silence where there is no sound, and
        the hearing after them, which remembers as many features.
        """
        hop, past = audio.rate // ROWS, history(audio.rate)
        sound = np.concatenate([audio.samples, ahead.samples])
        known = self.block * hop - past + len(self.before)  # the first sample that is not in `before`
        samples = np.concatenate([self.before, sound[max(known - audio.start, 0) :]])
        n = max(min((len(samples) - past) // hop, last - self.block), 0)
        begun = samples[n * hop :][: past + hop]
        low = np.concatenate([self.memory, decimated(samples[: past + n * hop], audio.rate)])
        features = np.concatenate([self.features, spectra(low)])
        # of what is ahead and not in a whole block nothing is kept: the next window brings it
        rest = samples[n * hop : max(n * hop + past, len(samples) - len(ahead))]
        after = Hearing(audio.end, self.block + n, rest, low[-MEMORY:], features[first - last :])

        if self.block + n < last and len(begun) > past:
            begun = np.pad(begun, (0, past + hop - len(begun)))
            low_begun = np.concatenate([low[-MEMORY:], decimated(begun, audio.rate)])
            features = np.concatenate([features, spectra(low_begun)])
        begin = self.block - len(self.features)
        held = np.full((last - first, FEATURES), SILENCE, np.float32)
        low_end, high_end = max(first, begin), min(last, begin + len(features))
        if high_end > low_end:
            held[low_end - first : high_end - first] = features[low_end - begin : high_end - begin]
        return low[MEMORY:].reshape(n, BLOCK), held, after
