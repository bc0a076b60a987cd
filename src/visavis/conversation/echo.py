"""Whether a microphone hears a person or only the avatar's own voice, out of a loudspeaker.

Browsers cancel echo; what they leave, or what a room adds, must not make the avatar interrupt itself. A frame counts as
the person's where it is clearly louder than the avatar's sound of the last moments can be through the room. How much of
it comes back is learnt: at first too much is assumed, and less once some seconds have shown it.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from visavis.media.audio import Audio

ASSUMED = -17.0
"""Decibels of the avatar's sound that are thought to come back, before anything is known."""
_LEAST = -50.0
_MARGIN = 5.0  # decibels above the echo at which a voice is a person's
_LONG, _EARLY = 1.5, 0.15
"""Seconds around the player's position in which its sound may come back: delay, reverberation, a page that waits."""
_LEARNT, _LONGEST = 94, 752
"""Frames (3 s, 24 s) of the avatar's voice over which its echo is measured: each mistake doubles them."""
_BAND = (250.0, 4_000.0)  # hertz that voices have and fans and hum have not
_QUIET = -55.0  # decibels below which the avatar is silent


class Echo:
    """What comes back of the avatar's voice."""

    def __init__(self) -> None:
        self.gain = ASSUMED
        """Decibels between the avatar's sound and its echo, at most."""
        self._played: deque[tuple[float, float, float]] = deque(maxlen=128)
        self._ratios: deque[float] = deque(maxlen=_LEARNT)

    def played(self, audio: Audio) -> None:
        """Sound that the avatar will make, on the media clock."""
        # all of it, hum included: that errs to the safe side, and costs nothing
        power = float(np.dot(audio.samples, audio.samples)) / max(len(audio), 1)
        self._played.append((audio.start / audio.rate, audio.end / audio.rate, 10 * math.log10(power + 1e-12)))

    def flushed(self, position: float) -> None:
        """What was to be heard after `position` (seconds) will not be."""
        while self._played and self._played[-1][0] >= position:
            self._played.pop()

    def mistaken(self) -> None:
        """What was taken for a person was nothing: as much as was heard then may be echo, until some seconds without
        it show the contrary; twice as many as before, for what comes back changes with the machine's load."""
        self.gain = max(self.gain, max(self._ratios, default=self.gain))
        self._ratios = deque(maxlen=min(2 * (self._ratios.maxlen or _LEARNT), _LONGEST))

    def explains(self, frame: Audio, position: float) -> bool:
        """Whether a frame of the microphone may be nothing but echo, when the player is at `position` (seconds)."""
        near = [db for start, end, db in self._played if end > position - _LONG and start < position + _EARLY]
        loudest = max(near, default=_QUIET)
        if loudest <= _QUIET:
            return False
        ratio = level(frame) - loudest
        self._ratios.append(ratio)
        if len(self._ratios) == self._ratios.maxlen:
            # only what was never exceeded in a while is the echo's; a person who spoke would have been louder
            self.gain = max(min(self.gain, max(self._ratios)), _LEAST)
        return ratio < self.gain + _MARGIN


def level(audio: Audio) -> float:
    """Decibels (full scale sine: -3) of the part of a sound in which voices are."""
    if not audio.samples.any():
        return -120.0
    spectrum = np.fft.rfft(audio.samples)
    edge = [round(f * len(audio) / audio.rate) for f in _BAND]
    power = 2.0 * float(np.sum(np.abs(spectrum[edge[0] : edge[1] + 1]) ** 2)) / len(audio) ** 2
    return 10.0 * float(np.log10(power + 1e-12))
