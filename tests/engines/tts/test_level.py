"""Every voice is as loud as the others."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.engines.tts import flite_library
from visavis.engines.tts.espeak import Espeak
from visavis.engines.tts.flite import Flite
from visavis.engines.tts.pieces import LEVEL
from visavis.media.speech import Line
from visavis.settings import Settings

TEXT = "Please bring the maps, the bread and the apples before the bus leaves."


@pytest.mark.parametrize(
    ("kind", "voice", "language"),
    [(Flite, voice, "en") for voice in flite_library.installed()]
    + [(Espeak, voice, voice) for voice in ("en-us", "en-gb", "de", "es", "fr-fr", "ru")],
)
async def test_every_voice_has_one_level(kind: type[Flite | Espeak], voice: str, language: str) -> None:
    async with kind(Settings()) as engine:
        pieces = [piece.audio.samples async for piece in engine.synthesize(Line(TEXT, language), voice)]
    sound = np.concatenate(pieces)
    loud = np.sqrt(np.mean(sound[: len(sound) // 320 * 320].reshape(-1, 320) ** 2, axis=1))
    speech = loud[loud > 0.1 * np.percentile(loud, 90)]
    level = float(np.sqrt(np.mean(speech**2)))
    assert abs(20 * np.log10(level / LEVEL)) < 1.5  # decibels
    assert np.abs(sound).max() < 0.99
