"""Wav2Lip's spectrogram: the original's numbers, whole or column by column, and a chunk of it for each picture."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.assets import question_path
from visavis.engines.animation.wav2lip_mel import CHUNK, chunk_starts, columns, mel, mel_columns
from visavis.media.wav import wav_audio


@pytest.fixture(scope="module")
def question() -> np.ndarray:
    sound = wav_audio(question_path().read_bytes())
    assert sound is not None
    return sound.samples


@pytest.mark.reference
def test_it_is_the_original_s_spectrogram_with_the_original_s_chunks(reference: Path) -> None:
    sound = wav_audio((reference / "speech" / "who_are_you.wav").read_bytes())
    assert sound is not None
    folder = reference.parent / "neural" / "wav2lip"
    made = mel(sound.samples)
    expected = np.load(folder / "mel.npy")
    assert made.shape == expected.shape
    assert np.abs(made - expected).max() < 1e-5
    manifest = json.loads((folder / "manifest.json").read_text())
    assert chunk_starts(made.shape[1], Fraction(25)) == manifest["chunk_starts"]


@pytest.mark.parametrize(("hertz", "band"), [(93.75, 0), (1000.0, 25), (4000.0, 63)])
def test_a_tone_is_loudest_in_the_band_of_its_pitch(hertz: float, band: int) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(16_000) / 16_000).astype(np.float32)
    loudness = mel(tone)[:, 40]
    assert abs(int(loudness.argmax()) - band) <= 1


def test_silence_is_the_lowest_value(question: np.ndarray) -> None:
    assert (mel(np.zeros(5000, np.float32)) == -4.0).all()
    heard = mel(question)
    assert heard.dtype == np.float32
    assert heard.min() >= -4.0
    assert 1.0 < heard.max() <= 4.0


@pytest.mark.parametrize("step", [1, 7, 100])
def test_columns_made_bit_by_bit_are_those_of_the_whole(question: np.ndarray, step: int) -> None:
    whole = mel(question)
    count = whole.shape[1]
    parts = [mel_columns(question, first, min(first + step, count)) for first in range(0, count, step)]
    assert np.abs(np.concatenate(parts, axis=1) - whole).max() < 1e-5


def test_a_column_stays_as_it_is_once_all_that_it_hears_is_there(question: np.ndarray) -> None:
    heard = 8000
    settled = (heard - 400) // 200 + 1
    early = mel_columns(question[:heard], 0, settled)
    assert np.abs(early - mel(question)[:, :settled]).max() < 1e-5


@pytest.mark.parametrize("samples", [0, 1, 2999])
def test_a_sound_shorter_than_a_chunk_is_followed_by_silence(question: np.ndarray, samples: int) -> None:
    assert mel(question[:samples]).shape == (80, CHUNK)
    assert chunk_starts(columns(samples), Fraction(25))[-1] == 0


@given(st.integers(CHUNK, 2000), st.fractions(Fraction(5), Fraction(60), max_denominator=1001))
def test_each_picture_hears_its_own_place_and_the_last_one_the_end(count: int, fps: Fraction) -> None:
    *own, last = chunk_starts(count, fps)
    assert own == [int(picture * 80 / fps) for picture in range(len(own))]
    assert last == count - CHUNK
    assert all(start <= last for start in own)
    assert int(len(own) * 80 / fps) > last, "none is missing"
