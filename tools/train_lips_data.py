"""What the network learns from: spectra of speech in rooms and of what is no speech, and what lips do in each row.

Rooms, pace and pitch are in the sound (`hearable`); gain, colour, vocal tract and noise are varied in the mel domain,
anew for every example (`batch`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr

from tools.train_lips_speech import Spoken
from visavis.engines.articulation import spectrum
from visavis.engines.articulation.coarticulation import Sound, Timeline
from visavis.engines.articulation.visemes import VISEMES, parts
from visavis.media.audio import SESSION_RATE
from visavis.media.face import CLOSED_GAP
from visavis.media.phones import LABIODENTAL

ROWS = 200
"""Rows of an example: four seconds."""
COLUMNS = 12
"""Numbers a row: the seven controls; whether lips are shut, tucked, and quiet; which viseme it is; and whether it
is the middle of the time that lips are shut."""
PREPARING, SETTLING = 3, 4
"""Rows before and after speech that are not quiet."""
_NAMES = {name: i for i, name in enumerate(VISEMES)}
Example = tuple[np.ndarray, np.ndarray]
"""(n, FEATURES) and (n, COLUMNS)."""


def hearable(spoken: Spoken, rng: np.random.Generator) -> Example:
    """What is seen of speech at another pace and pitch, for two in five in a room with echoes."""
    samples, rate, sounds = spoken
    pitch = rng.choice([1.0, 1.0, 0.85, 0.92, 1.08, 1.17])
    samples = soxr.resample(samples, rate, SESSION_RATE * pitch).astype(np.float32)
    if rng.random() < 0.4:
        samples = in_a_room(samples, rng)
    seen = features(samples)
    moved = [Sound(s.symbol, s.start * pitch, s.end * pitch) for s in sounds]
    return seen.astype(np.float16), targets(moved, len(seen)).astype(np.float16)


def in_a_room(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The samples with an echo of noise that fades by 60 dB in 0.15 to 0.6 s, -3 to -15 dB of the direct sound."""
    fade = rng.uniform(0.15, 0.6)
    n = round(fade * SESSION_RATE)
    echo = rng.normal(size=n) * 10 ** (-3 * np.arange(n) / n)
    echo[: round(rng.uniform(0.002, 0.02) * SESSION_RATE)] = 0.0
    size = 1 << (len(samples) + n - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(echo, size), size)[: len(samples)]
    share = 10 ** (rng.uniform(-15, -3) / 20) * samples.std() / max(float(wet.std()), 1e-9)
    return np.asarray(samples + share * wet, np.float32)


def features(samples: np.ndarray) -> np.ndarray:
    """(n, FEATURES) of sound at the session's rate, a little silence after it included."""
    past, hop = spectrum.history(SESSION_RATE), SESSION_RATE // 50
    n = -(-len(samples) // hop) + 12
    padded = np.zeros(past + n * hop, np.float32)
    padded[past : past + len(samples)] = samples
    low = spectrum.decimated(padded, SESSION_RATE)
    return spectrum.spectra(np.concatenate([np.zeros(spectrum.MEMORY, np.float32), low]))


def targets(sounds: list[Sound], n: int) -> np.ndarray:
    """(n, COLUMNS) of the rows of speech."""
    times = np.arange(n) / 50
    tucked, quiet, viseme = np.zeros(n), np.ones(n), np.full(n, _NAMES["rest"])
    for s in (s for s in sounds if s.symbol):
        quiet[(times >= s.start - 0.01) & (times < s.end)] = 0
        if s.symbol[0] in LABIODENTAL:
            tucked[(times >= s.start - 0.01) & (times < s.end)] = 1
        begin = s.start
        for kind, share in parts(s.symbol):
            end = begin + share * (s.end - s.start)
            viseme[(times >= begin) & (times < end)] = _NAMES.get(kind.name, _NAMES["bilabial"])
            begin = end
    # a pause too short to come to rest is not quiet, nor are the rows in which the mouth leaves its rest or finds it
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet, [0]])))
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        if a:
            quiet[a : b if b - a < 10 and b < n else a + SETTLING] = 0
        if b < n:
            quiet[max(b - PREPARING, a) : b] = 0
    controls = Timeline.of(sounds, 0.0, float(times[-1])).controls(times)
    shut = (controls[:, 0] <= CLOSED_GAP) & (controls[:, 5] >= 0.4)
    middle = np.zeros(n)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], shut, [0]])))
    middle[(edges[::2] + edges[1::2] - 1) // 2] = 1
    return np.column_stack([controls, shut, tucked, quiet, viseme, middle])


def no_speech(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """(n, FEATURES) of noise, hum, breath, chords, knocks: each for some seconds, at any level."""
    pieces: list[np.ndarray] = []
    while sum(map(len, pieces)) < seconds * SESSION_RATE:
        n = 4800 * int(rng.integers(10, 40))
        t, kind = np.arange(n) / SESSION_RATE, rng.integers(5)
        tones = np.fft.rfft(rng.normal(size=n))
        x = np.zeros(n)
        f = np.fft.rfftfreq(n, 1 / SESSION_RATE) + 1.0
        if kind == 0:  # noise of any slope
            x = np.fft.irfft(tones * f ** -rng.uniform(0.0, 1.2), n)
        elif kind == 1:  # hum
            pitch = rng.choice([50.0, 60.0, 100.0, 120.0]) * rng.uniform(0.98, 1.02)
            for k in range(1, 20):
                x += rng.normal() / k * np.sin(2 * np.pi * pitch * k * t)
        elif kind == 2:  # breath: a band of noise that comes and goes
            band = np.exp(-(((np.log2(f / rng.uniform(500, 3000))) / rng.uniform(0.5, 1.5)) ** 2))
            x = np.fft.irfft(tones * band, n) * np.sin(np.pi * np.clip(t / rng.uniform(0.4, 1.2), 0, 1)) ** 2
        elif kind == 3:  # chords, struck and fading
            for start in np.arange(0, t[-1], rng.uniform(0.2, 0.8)):
                after, root = np.maximum(t - start, 0.0), 110 * 2 ** rng.uniform(0, 2)
                struck = (t >= start) * np.minimum(after / 0.01, 1.0) * np.exp(-after / rng.uniform(0.15, 1.0))
                for step in rng.choice([0, 3, 4, 7, 10, 12, 16], 3):
                    tone = root * 2 ** (step / 12)
                    x += struck * sum(np.sin(2 * np.pi * k * tone * t) / k**1.3 for k in range(1, 7))
        else:  # knocks and clicks
            for start in rng.uniform(0, t[-1], rng.integers(2, 12)):
                after = np.maximum(t - start, 0.0)
                x += (t >= start) * rng.normal(size=n) * np.exp(-after / rng.uniform(0.002, 0.03))
        level = 10 ** (rng.uniform(-65, -20) / 20)
        pieces.append(x * level / max(float(np.std(x)), 1e-9))
    return features(np.concatenate(pieces).astype(np.float32)).astype(np.float16)


def batch(
    examples: Sequence[Example], noise: np.ndarray, size: int, context: tuple[int, int], rng: np.random.Generator
) -> Example:
    """(size, ROWS + context, FEATURES) spectra, varied, and (size, ROWS, COLUMNS) what lips do."""
    past, future = context
    x = np.full((size, past + ROWS + future, spectrum.FEATURES), spectrum.SILENCE, np.float32)
    y = np.zeros((size, ROWS, COLUMNS), np.float32)
    y[:, :, 9] = 1.0
    for b in range(size):
        if rng.random() < 0.08:
            at = int(rng.integers(len(noise) - x.shape[1]))
            x[b] = noise[at : at + x.shape[1]]
            continue
        seen, wanted = examples[int(rng.integers(len(examples)))]
        shift = int(rng.integers(-40, max(len(seen) - ROWS + 40, -39)))
        for into, source, first in ((x[b], seen, shift - past), (y[b], wanted, shift)):
            lo, hi = max(first, 0), min(first + len(into), len(source))
            into[lo - first : hi - first] = source[lo:hi]
        x[b] = varied(x[b], noise, rng)
    return x, y


def varied(power: np.ndarray, noise: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(t, FEATURES) as another talker with another microphone, among other sounds, would have it."""
    bands = spectrum.BANDS
    level = (power * 8.0 - 8.0).reshape(-1, bands)
    level = _warped(level, rng.uniform(0.87, 1.15)) if rng.random() < 0.7 else level
    colour = np.interp(np.arange(bands), np.linspace(0, bands - 1, 6), rng.normal(0, rng.choice([0.4, 1.0]), 6))
    if rng.random() < 0.1:  # a telephone
        colour[: rng.integers(1, 5)] -= 5.0
        colour[bands - rng.integers(2, 10) :] -= 7.0
    level = level + (colour + rng.uniform(-5.0, 2.0)).astype(np.float32)
    chance = rng.random()
    if chance < 0.5:
        hiss = np.interp(np.arange(bands), np.linspace(0, bands - 1, 4), rng.normal(0, 1, 4)) + rng.uniform(-16, -8)
        rough = np.log(rng.chisquare(16, level.shape).astype(np.float32) / 16 + 1e-6)
        level = np.logaddexp(level, hiss.astype(np.float32) + rough)
    elif chance < 0.65:
        at = int(rng.integers(len(noise) - len(power)))
        other = noise[at : at + len(power)].astype(np.float32).reshape(-1, bands) * 8.0 - 8.0
        wanted = np.percentile(level, 90) - rng.uniform(3.0, 9.0)
        level = np.logaddexp(level, np.minimum(other + wanted - np.percentile(other, 95), 3.0))
    return np.asarray((np.maximum(level, np.log(spectrum.FLOOR)) + 8.0) / 8.0).reshape(power.shape)


def _warped(level: np.ndarray, factor: float) -> np.ndarray:
    """(t, BANDS) as a vocal tract `factor` times as short would have it."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (80, 7600))
    mel = np.linspace(low, high, spectrum.BANDS + 2)[1:-1]
    moved = 2595 * np.log10(1 + 700 * (10 ** (mel / 2595) - 1) / factor / 700)
    place = np.clip((moved - mel[0]) / (mel[1] - mel[0]), 0, spectrum.BANDS - 1)
    under = np.minimum(place.astype(int), spectrum.BANDS - 2)
    part = (place - under).astype(np.float32)
    return np.asarray(level[:, under] * (1 - part) + level[:, under + 1] * part)
