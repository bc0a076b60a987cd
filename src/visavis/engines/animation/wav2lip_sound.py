"""What Wav2Lip hears for each picture, 200 ms of mel spectrogram from its time on, and whether anybody speaks.

It needs 213 ms of sound from the picture's time on, and 25 ms before it; where that much is not known, silence stands
for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import soxr
from numpy.typing import NDArray

from visavis.engines.animation.wav2lip_mel import CHUNK, COLUMNS_PER_SECOND, RATE, mel_columns
from visavis.media.audio import SESSION_RATE, Audio

_RATIO = SESSION_RATE // RATE
_HOP = RATE // COLUMNS_PER_SECOND
_MARGIN = RATE // 50
"""Samples at 16 kHz that are cut off again: a resampler's and a spectrum's edges differ from their middle."""
_LEVEL = SESSION_RATE // 100
"""Samples over which a level is measured: 10 ms."""
_BEFORE, _AFTER = 0.10, 0.06
"""Seconds of a picture's neighbourhood in which sound makes it a speaking one …"""
_FALL, _RISE = 0.12, 0.08
"""… and those over which it then comes to rest, or has woken before."""
_KEPT = round((_BEFORE + _FALL + 0.5) * SESSION_RATE)
"""Samples that are remembered: as many as matter, and those that can be taken back."""
_BELOW_PEAK, _QUIETEST, _SLOPE = 36.0, -52.0, 8.0
"""Decibels: what lies so far below the loudest of late is silence, as is all that is quieter than that; and the range
between silence and speech."""
_USUAL_PEAK, _FORGET = -20.0, 1.5
"""Decibels of speech, as long as none was heard; and how much of a peak is forgotten in a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Some sound of a stream, and what it follows from what was before."""

    sound: Audio
    """At the session's rate, from a little before what is asked about."""
    peak: float
    """The level of speech, in decibels, before `sound`'s newest part."""

    @staticmethod
    def after(before: Heard | None, audio: Audio, ahead: Audio) -> tuple[Heard, Heard]:
        """What is known while `audio` is heard, and what to go on with after it.

        `audio` may begin before the end of what was heard last, where that was taken back.
        """
        known, peak = audio, _USUAL_PEAK
        if before is not None and before.sound.start <= audio.start <= before.sound.end:
            heard = before.sound.slice(0, audio.start - before.sound.start)
            known, peak = Audio.join([heard, audio]), before.peak
        rest = known.slice(len(known) - _KEPT, len(known))
        louder = max(peak - _FORGET * audio.duration, float(_levels(audio.samples).max(initial=-120.0)))
        return Heard(Audio.join([known, ahead]), peak), Heard(rest, louder)

    def complete(self, time: int, fps: Fraction) -> bool:
        """Whether all that a picture needs is known."""
        return (_column(time, fps) + CHUNK) * _HOP * _RATIO + 2 * _HOP * _RATIO <= self.sound.end

    def chunks(self, times: Sequence[int], fps: Fraction) -> NDArray[np.float32]:
        """(n, 80, 16) what the network hears for the pictures at `times`."""
        columns = [_column(time, fps) for time in times]
        first, last = min(columns), max(columns) + CHUNK
        # all at 16 kHz, counted from a column's middle
        begin = first * _HOP - 2 * _HOP - _MARGIN
        end = last * _HOP + 2 * _HOP + _MARGIN
        low = soxr.resample(_between(self.sound, begin * _RATIO, end * _RATIO), SESSION_RATE, RATE)
        mel = mel_columns(np.asarray(low, np.float32)[_MARGIN:], 2, 2 + last - first)
        return np.stack([mel[:, column - first : column - first + CHUNK] for column in columns])

    def speaking(self, times: Sequence[int]) -> list[float]:
        """How much of each picture is a speaking one: 0 at rest … 1."""
        start = -(-self.sound.start // _LEVEL)
        levels = _levels(self.sound.samples[start * _LEVEL - self.sound.start :])
        floor = max(self.peak - _BELOW_PEAK, _QUIETEST)
        voiced = np.clip((levels - floor) / _SLOPE, 0.0, 1.0)
        middles = (start + np.arange(len(levels)) + 0.5) * _LEVEL
        return [float((voiced * _near((middles - time) / SESSION_RATE)).max(initial=0.0)) for time in times]


def _near(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 in a picture's neighbourhood, falling to 0 beyond it; before it and after."""
    return np.clip(np.minimum((seconds + _BEFORE + _FALL) / _FALL, (_AFTER + _RISE - seconds) / _RISE), 0.0, 1.0)


def _column(time: int, fps: Fraction) -> int:
    """The first column of what is heard for the picture at a time, as the original counts: int(i · 80 / fps)."""
    return int(round(time * fps / SESSION_RATE) * COLUMNS_PER_SECOND / fps)


def _between(sound: Audio, begin: int, end: int) -> NDArray[np.float32]:
    """The samples of a stream from `begin` to `end`, silence where they are not known."""
    part = sound.slice(begin - sound.start, end - sound.start)
    return np.pad(part.samples, (max(min(sound.start, end) - begin, 0), max(end - max(sound.end, begin), 0)))


def _levels(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Decibels below full scale of each 10 ms."""
    blocks = samples[: len(samples) // _LEVEL * _LEVEL].reshape(-1, _LEVEL).astype(np.float64)
    return np.asarray(10 * np.log10(np.maximum((blocks**2).mean(axis=1), 1e-12)))
