"""What a fake microphone hears: speech made with flite, coughs, and silence."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from visavis.engines.tts.flite import Flite
from visavis.media.speech import Line
from visavis.settings import Settings

RATE = 48_000
LEVEL = 0.1
"""Root mean square of speech: -20 dBFS."""
Sound = NDArray[np.float32]


async def speech(text: str, voice: str = "rms") -> Sound:
    """(n,) somebody says it, at a natural level."""
    pieces: list[Sound] = []
    async with Flite(Settings()) as flite, aclosing(flite.synthesize(Line(text, "en"), voice)) as spoken:
        async for piece in spoken:
            pieces.append(np.asarray(soxr.resample(piece.audio.samples, piece.audio.rate, RATE), np.float32))
    return levelled(np.concatenate(pieces))


def silence(seconds: float) -> Sound:
    """(n,) a room in which nobody speaks: it is never quite silent."""
    noise = np.random.default_rng(0).standard_normal(round(seconds * RATE))
    return np.asarray(noise * 10 ** (-70 / 20), np.float32)


async def cough() -> Sound:
    """(n,) a burst of noise with some voice after it."""
    time = np.arange(round(0.25 * RATE)) / RATE
    noise = np.random.default_rng(1).standard_normal(len(time)) * np.exp(-time / 0.06)
    burst = 0.8 * levelled(np.asarray(np.convolve(noise, np.hanning(24), "same"), np.float32))
    voice = await speech("Uh.")
    voice = voice[np.argmax(np.abs(voice) > 0.05) :][: round(0.2 * RATE)]
    burst[-len(voice) :] += np.asarray(1.5 * voice * np.linspace(1, 0, len(voice)) ** 0.5, np.float32)
    return levelled(burst)


def levelled(sound: Sound) -> Sound:
    """The sound at `LEVEL`."""
    return np.asarray(sound * (LEVEL / np.sqrt(np.mean(sound[np.abs(sound) > 1e-3] ** 2))), np.float32)


def recorded(path: Path, sounds: Sequence[Sound]) -> Path:
    """A WAV file of the sounds one after the other."""
    samples = np.concatenate(sounds)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return path
