"""Silero finds speech, and nothing else."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from visavis.assets import question_path
from visavis.engines.contract import check_vad
from visavis.engines.protocols import Carry
from visavis.engines.vad.silero import CHUNK, RATE, Silero
from visavis.media.audio import Audio
from visavis.settings import Settings


def read(path: Path) -> Audio:
    with wave.open(str(path)) as file:
        return Audio.from_int16(np.frombuffer(file.readframes(file.getnframes()), np.int16), file.getframerate())


async def heard(audio: Audio) -> list[float]:
    """The probability of speech every 32 ms."""
    found = []
    carry: Carry | None = None
    async with Silero(Settings()) as silero:
        for begin in range(0, len(audio), CHUNK):
            probability, carry = await silero.detect(audio.slice(begin, begin + CHUNK), carry)
            found.append(probability)
    return found


async def test_it_keeps_the_laws_of_a_voice_detector() -> None:
    await check_vad(Silero(Settings()), read(question_path()))


async def test_speech_is_found_from_its_first_word_to_its_last() -> None:
    probabilities = np.array(await heard(read(question_path())))
    speech = probabilities[14:-22]  # without the silence around the question
    assert (speech > 0.5).mean() > 0.9
    assert probabilities[:8].max() < 0.3


@pytest.mark.parametrize("level", [0.001, 0.01, 0.1])
async def test_noise_and_hum_are_not_speech(level: float) -> None:
    random = np.random.default_rng(0)
    noise = random.normal(0, level, RATE * 2)
    hum = level * np.sin(2 * np.pi * 50 * np.arange(RATE * 2) / RATE)
    for sound in (noise, hum):
        probabilities = await heard(Audio(sound.astype(np.float32), RATE))
        assert np.mean([probability > 0.5 for probability in probabilities]) < 0.05


async def test_sound_at_another_rate_is_a_programming_error() -> None:
    async with Silero(Settings()) as silero:
        with pytest.raises(ValueError, match="8000 Hz"):
            await silero.detect(Audio.silence(512, 8000), None)


@pytest.mark.reference
async def test_a_recorded_question_is_found(reference: Path) -> None:
    probabilities = await heard(read(reference / "speech" / "who_are_you.wav"))
    assert max(probabilities[24:52]) > 0.9
    assert max(probabilities[:20]) < 0.5
