"""The avatar's own voice in the microphone is no interruption; a person's is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visavis.conversation.echo import ASSUMED, Echo, level
from visavis.media.audio import SESSION_RATE, Audio

DELAY = 0.2
RNG = np.random.default_rng(1)


def voice(seconds: float, rate: int, db: float) -> NDArray[np.float32]:
    """Noise in the band of voices, in syllables."""
    time = np.arange(round(seconds * rate)) / rate
    tone = sum(np.sin(2 * np.pi * f * time + RNG.uniform(0, 6)) for f in (300, 510, 990, 1700, 2400))
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time)
    sound = np.asarray(tone * syllables, np.float32)
    return np.asarray(sound * 10 ** (db / 20) / np.sqrt(np.mean(sound**2)), np.float32)


def overheard(echo: Echo, seconds: float, back: float, person: float | None = None) -> float:
    """The share of frames that echo explains, while the avatar speaks at -20 dB and `back` dB of it comes back."""
    sound = voice(seconds, SESSION_RATE, -20)
    mine = voice(seconds, 16_000, person) if person is not None else np.zeros(round(seconds * 16_000), np.float32)
    returned = np.concatenate([np.zeros(round(DELAY * 16_000), np.float32), sound[::3]]) * np.float32(10 ** (back / 20))
    explained = []
    for begin in range(0, len(sound), 1920):
        echo.played(Audio(sound[begin : begin + 1920], SESSION_RATE, begin))
    for frame in range(round((seconds - 1) * 16_000) // 512):
        at = frame * 512
        heard = returned[at : at + 512] + mine[at : at + 512]
        explained.append(echo.explains(Audio(heard, 16_000), at / 16_000))
    return float(np.mean(explained[20:]))


def test_what_comes_back_at_20_db_is_echo_from_the_first_moment() -> None:
    assert overheard(Echo(), 4.0, -20.0) == 1.0


def test_a_person_as_loud_as_the_avatar_is_heard_from_the_first_moment() -> None:
    assert overheard(Echo(), 4.0, -20.0, person=-20.0) < 0.3


def test_a_soft_person_is_heard_once_the_echo_is_known_to_be_softer() -> None:
    echo = Echo()
    overheard(echo, 8.0, -40.0)
    assert echo.gain < ASSUMED - 10
    assert overheard(echo, 4.0, -40.0, person=-40.0) < 0.2


def test_a_person_who_speaks_does_not_teach_it_that_there_is_no_echo() -> None:
    echo = Echo()
    overheard(echo, 6.0, -20.0, person=-15.0)
    assert echo.gain == ASSUMED


def test_a_loud_echo_is_learnt_from_the_first_mistake_and_forgotten_when_it_is_gone() -> None:
    echo = Echo()
    assert overheard(echo, 2.0, -6.0) < 0.9
    echo.mistaken()
    assert overheard(echo, 2.0, -6.0) == 1.0
    for _ in range(2):
        overheard(echo, 5.0, -40.0)
    assert echo.gain < ASSUMED


def test_what_was_mistaken_again_is_not_so_soon_forgotten() -> None:
    echo = Echo()
    for _ in range(2):
        overheard(echo, 2.0, -6.0)
        echo.mistaken()
    for _ in range(2):
        overheard(echo, 5.0, -40.0)
    assert overheard(echo, 2.0, -6.0) == 1.0


def test_nothing_is_echo_while_the_avatar_is_silent() -> None:
    echo = Echo()
    echo.played(Audio.silence(SESSION_RATE, SESSION_RATE))
    assert not echo.explains(Audio(voice(0.032, 16_000, -60), 16_000), 0.5)


def test_what_was_flushed_will_not_come_back() -> None:
    echo = Echo()
    sound = voice(2.0, SESSION_RATE, -20)
    for begin in range(0, len(sound), 1920):
        echo.played(Audio(sound[begin : begin + 1920], SESSION_RATE, begin))
    echo.flushed(0.2)
    assert not echo.explains(Audio(voice(0.032, 16_000, -30), 16_000), 2.0)


def test_levels_are_of_the_band_of_voices() -> None:
    time = np.arange(16_000) / 16_000
    assert abs(level(Audio(np.sin(2 * np.pi * 1000 * time).astype(np.float32), 16_000)) + 3.0) < 0.1
    assert level(Audio(np.sin(2 * np.pi * 60 * time).astype(np.float32), 16_000)) < -40
    assert level(Audio(np.zeros(0, np.float32), 16_000)) == -120
