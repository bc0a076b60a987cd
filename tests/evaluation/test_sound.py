"""The envelope and the pauses of a sound whose loudness is known."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.evaluation.sound import RATE, envelope, pauses

HZ = 16_000


def write(path: Path, samples: NDArray[np.float64]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, HZ, 0, "NONE", ""))
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def bursts(noise: float) -> NDArray[np.float64]:
    """A second of sound, half a second of pause, a second, 0.2 s of pause, a second; over steady noise."""
    loud = np.repeat([1, 0, 1, 0, 1], [HZ, HZ // 2, HZ, HZ // 5, HZ])
    generator = np.random.default_rng(0)
    return 0.2 * loud * generator.standard_normal(len(loud)) + noise * generator.standard_normal(len(loud))


def test_the_envelope_is_the_rms_of_the_sound(tmp_path: Path) -> None:
    time = np.arange(3 * HZ) / HZ
    level, seconds = envelope(write(tmp_path / "a.wav", np.where(time < 1.5, 0.5, 0.1) * np.sin(2000 * time)))
    assert seconds == pytest.approx(3.0)
    assert len(level) == 3 * RATE
    assert level[20:140] == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert level[160:280] == pytest.approx(0.1 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.01])
def test_a_pause_is_found_and_a_short_gap_is_not(tmp_path: Path, noise: float) -> None:
    level, _ = envelope(write(tmp_path / "a.wav", bursts(noise)))
    ((start, end),) = pauses(level, 0.3)
    assert start == pytest.approx(1.0, abs=0.03)
    assert end == pytest.approx(1.5, abs=0.03)


def test_where_loudness_cannot_tell_there_are_no_pauses(tmp_path: Path) -> None:
    level, _ = envelope(write(tmp_path / "a.wav", bursts(0.2)))
    assert pauses(level, 0.3) == []


def test_a_silent_sound_has_no_pauses_because_nobody_speaks_in_it(tmp_path: Path) -> None:
    level, _ = envelope(write(tmp_path / "a.wav", np.zeros(2 * HZ)))
    assert pauses(level, 0.3) == []
