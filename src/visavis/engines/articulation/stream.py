"""From windows to rows: the media clock's grid of 50 rows a second, and what is carried from one window to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.coarticulation import HORIZON, Array, Sound
from visavis.engines.articulation.hearing import Hearing
from visavis.engines.articulation.life import Being, Life, joined
from visavis.engines.articulation.mouth import ROWS, Mouth
from visavis.media.audio import Audio
from visavis.media.clip import Window
from visavis.media.face import Controls, to_curves
from visavis.media.motion import Motion
from visavis.media.speech import Phone


@dataclass(frozen=True, slots=True)
class Face:
    """What one window leaves for the next: a few numbers, whatever the speech's length."""

    mouth: Mouth = field(default_factory=Mouth)
    being: Being | None = None
    """None before the first window."""
    tail: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """(n,) the samples since the last row, less than one row's time."""
    sounds: tuple[Sound, ...] = ()
    """The last sounds of the speech before, for the mouth to come from."""
    hearing: Hearing | None = None
    """What was heard, where the phones were not known."""


def row_times(audio: Audio) -> Array:
    """(t,) the times k/50 s on the media clock that fall into `audio`."""
    return np.asarray(np.arange(*row_numbers(audio)) / ROWS, np.float64)


def row_numbers(audio: Audio) -> tuple[int, int]:
    """The first row that falls into `audio`, and the first after it; row k stands at k/50 s."""
    return -(-audio.start * ROWS // audio.rate), -(-audio.end * ROWS // audio.rate)


def sounds_of(phones: tuple[Phone, ...], audio: Audio) -> tuple[Sound, ...]:
    """A window's phones as sounds on the media clock."""
    start, rate = audio.start, audio.rate
    return tuple(Sound(p.symbol, (start + p.start) / rate, (start + p.end) / rate) for p in phones)


def from_phones(window: Window, face: Face, life: Life) -> tuple[Motion, Face]:
    """The motion of a window whose phones are known."""
    times = row_times(window.audio)
    known = sounds_of(window.phones or (), window.audio)
    first = known[0].start if known else window.audio.start / window.audio.rate
    sounds = tuple(replace(s, end=min(s.end, first)) for s in face.sounds if s.start < first) + known
    end = window.audio.end / window.audio.rate
    if known and known[-1].symbol and known[-1].end > end + 1e-3:
        # the line goes on with sounds its voice has not told yet: the last one it told stands in for them
        sounds = (*sounds[:-1], replace(known[-1], end=known[-1].end + HORIZON))
    rows, mouth = face.mouth.follow(sounds, times)
    recent = tuple(s for s in sounds if s.end > end - HORIZON and s.start < end)
    return with_life(window, rows, replace(face, mouth=mouth, sounds=recent, hearing=None), life)


def from_rows(window: Window, rows: NDArray[np.float32], face: Face, life: Life) -> tuple[Motion, Face]:
    """The motion of a window whose (t, 7) controls were found in its sound."""
    rows, mouth = face.mouth.lead_into(rows, row_times(window.audio), seam=bool(face.sounds))
    return with_life(window, rows, replace(face, mouth=mouth, sounds=()), life)


def with_life(window: Window, rows: NDArray[np.float32], face: Face, life: Life) -> tuple[Motion, Face]:
    """The motion of a window from (t, 7) controls, and the face after it."""
    audio = window.audio
    times = row_times(audio)
    samples = np.concatenate([face.tail, audio.samples])
    hop = audio.rate // ROWS
    # each row has heard the sound up to its own time; the first may find less than a row of it
    ends = np.rint(times * audio.rate).astype(np.int64) - audio.start + len(face.tail)
    energy = np.zeros(len(times))
    for i, end in enumerate(ends):
        heard = samples[max(int(end) - hop, 0) : max(int(end), 0)]
        energy[i] = float(np.dot(heard, heard)) / hop
    tail = samples[int(ends[-1]) if len(ends) else 0 :]
    until = audio.end / audio.rate if window.final else None
    # a recording has no words: its first row's sound tells it from others, however it is cut into windows
    being = face.being or Being.born(window.text.encode() or audio.samples[:hop].tobytes())
    living, being = life.move(times, energy, window.mood, being, until)
    controls = Controls.from_matrix(rows)
    extra: Mapping[str, Any] = {"tongue_raise": controls.tongue, "breath": living.breath}
    start = float(times[0]) if len(times) else audio.start / audio.rate
    motion = Motion(joined(to_curves(controls), living.curves), living.head, ROWS, start, extra)
    return motion, replace(face, being=being, tail=tail[-hop:])
