"""A streaming phone recogniser: PocketSphinx's allphone search, fed 40 ms at a time and restarted before it is long.

A hypothesis is read while the search runs, so a phone is known about 160 ms after it was heard. An utterance ends at
a pause or after four seconds; what came last is then heard again by the next one, so that it starts in the middle of
things. That bounds the work of a step, and the sound from which the search can be rebuilt exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.coarticulation import Sound
from visavis.engines.articulation.mouth import ROWS
from visavis.engines.articulation.spectrum import BLOCK, RATE
from visavis.media.phones import from_arpabet

STEP = 2
"""Blocks fed at a time."""
LONGEST, OVERLAP = 200, 40
"""Blocks of an utterance (4 s), and how many of them the next one hears again (0.8 s)."""
SHORTEST, QUIET = 50, 15
"""Blocks of an utterance that may end at a pause, and of the pause."""
_FRAMES = 100  # PocketSphinx's frames a second
_CEPSTRA = "53,8,2,26,-7,1,6,-12,-3,-8,10,0,-1"  # the mean over our voices; a talker's own is found in a second or two
_LANGUAGE_WEIGHT = 1.5  # little: the phone statistics of English should not decide what another language's lips do


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """What a search has heard: all it takes to make another that is in the same state."""

    start: int
    """Its first block on the media clock's grid."""
    sound: NDArray[np.int16]
    """(n · BLOCK,) at 16 kHz, n a multiple of `STEP`."""
    cepstra: str
    """The cepstral mean it began with, as PocketSphinx writes it; '' for its default."""

    @property
    def end(self) -> int:
        """The block after its last."""
        return self.start + len(self.sound) // BLOCK


class PhoneStream:
    """A search in progress. Not to be shared: it moves."""

    def __init__(self, decoder: Any) -> None:
        self._decoder = decoder
        self._running = False

    @staticmethod
    def open() -> PhoneStream:
        """Load the English model that PocketSphinx carries: 30 ms, as most of it is mapped."""
        import pocketsphinx

        model = pocketsphinx.get_model_path()
        decoder = pocketsphinx.Decoder(
            hmm=f"{model}/en-us/en-us",
            allphone=f"{model}/en-us/en-us-phone.lm.bin",
            lm=None,
            dict=None,
            beam=1e-20,
            pbeam=1e-20,
            lw=_LANGUAGE_WEIGHT,
            loglevel="FATAL",
        )
        return PhoneStream(decoder)

    def begin(self, start: int, cepstra: str) -> Utterance:
        """A new utterance whose first block is `start`."""
        if self._running:
            self._decoder.end_utt()
        # what the last utterance left in the feature buffers would change this one's first frames
        self._decoder.reinit_feat()
        self._decoder.set_cmn(cepstra or _CEPSTRA)
        self._decoder.start_utt()
        self._running = True
        return Utterance(start, np.zeros(0, np.int16), cepstra)

    def feed(self, utterance: Utterance, sound: NDArray[np.int16]) -> Utterance:
        """`utterance` with `sound`, (n · STEP · BLOCK,), after it."""
        for begin in range(0, len(sound), STEP * BLOCK):
            # always the same pieces, so that the same sound always gives the same state
            self._decoder.process_raw(sound[begin : begin + STEP * BLOCK].tobytes(), False, False)
        return Utterance(utterance.start, np.concatenate([utterance.sound, sound]), utterance.cepstra)

    def sounds(self, utterance: Utterance) -> list[Sound]:
        """The phones of `utterance` as they seem now, on the media clock."""
        origin = utterance.start / ROWS
        return [
            Sound(from_arpabet(s.word), origin + s.start_frame / _FRAMES, origin + (s.end_frame + 1) / _FRAMES)
            for s in self._decoder.seg() or ()
        ]

    def renewed(self, utterance: Utterance) -> Utterance:
        """`utterance`, or the one that takes over from it when it has lasted long enough."""
        length = len(utterance.sound) // BLOCK
        if length < SHORTEST or (length < LONGEST and not self._pauses(utterance)):
            return utterance
        keep = OVERLAP if length >= LONGEST else QUIET - QUIET % STEP
        self._decoder.end_utt()
        self._running = False
        cepstra = self._decoder.get_cmn(True)
        return self.feed(self.begin(utterance.end - keep, cepstra), utterance.sound[-keep * BLOCK :])

    def _pauses(self, utterance: Utterance) -> bool:
        last = utterance.sound[-QUIET * BLOCK :].astype(np.float32) / 32768.0
        return bool(np.sqrt(np.mean(last * last)) < 0.003)


def to_int16(blocks: NDArray[np.float32]) -> NDArray[np.int16]:
    """(n · BLOCK,) 16-bit samples of (n, BLOCK) blocks."""
    return np.asarray(np.clip(np.rint(blocks.reshape(-1) * 32767.0), -32768, 32767), np.int16)


assert RATE == ROWS * BLOCK
