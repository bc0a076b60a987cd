"""What Wav2Lip hears of a stream is what it would hear of the whole sound, and silence is known as such."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import soxr

from visavis.engines.animation.wav2lip_mel import RATE, chunk_starts, columns, mel
from visavis.engines.animation.wav2lip_sound import Heard
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.video import frame_times

FPS = Fraction(25)


def voice(seconds: float, seed: int = 1) -> np.ndarray:
    """Something like speech: a buzz whose loudness comes and goes."""
    t = np.arange(round(seconds * SESSION_RATE)) / SESSION_RATE
    buzz = np.sign(np.sin(2 * np.pi * 120 * t)) * 0.5 + np.random.default_rng(seed).normal(0, 0.1, len(t))
    return np.asarray(0.3 * buzz * np.clip(np.sin(2 * np.pi * 3 * t), 0.1, 1), np.float32)


def heard_in_pieces(sound: np.ndarray, size: int, ahead: int) -> list[tuple[Heard, Audio]]:
    before: Heard | None = None
    all_heard = []
    for begin in range(0, len(sound), size):
        audio = Audio(sound[begin : begin + size], SESSION_RATE, begin)
        follows = Audio(sound[begin + size : begin + size + ahead], SESSION_RATE, audio.end)
        heard, before = Heard.after(before, audio, follows)
        all_heard.append((heard, audio))
    return all_heard


@pytest.mark.parametrize("fps", [25, 30, 24])
@pytest.mark.parametrize("milliseconds", [40, 200])
def test_pieces_are_heard_as_the_whole_is(fps: int, milliseconds: int) -> None:
    sound = voice(1.6)
    whole = mel(np.asarray(soxr.resample(sound, SESSION_RATE, RATE), np.float32))
    starts = chunk_starts(columns(len(sound) // 3), Fraction(fps))
    seen = 0
    for heard, audio in heard_in_pieces(sound, SESSION_RATE * milliseconds // 1000, SESSION_RATE * 24 // 100):
        times = frame_times(audio.start, audio.end, SESSION_RATE, fps)
        times = [time for time in times if heard.complete(time, Fraction(fps))]
        if not times:
            continue
        chunks = heard.chunks(times, Fraction(fps))
        assert chunks.shape == (len(times), 80, 16)
        for time, chunk in zip(times, chunks, strict=True):
            number = round(time * fps / SESSION_RATE)
            assert np.abs(chunk - whole[:, starts[number] : starts[number] + 16]).max() < 0.08
            seen += 1
    assert seen >= 0.8 * len(starts) - 2


def test_what_is_not_known_yet_is_silence_and_said_to_be_incomplete() -> None:
    sound = voice(0.6)
    heard, _ = Heard.after(None, Audio(sound[:9600], SESSION_RATE), Audio(sound[9600:14400], SESSION_RATE, 9600))
    assert heard.complete(0, FPS)
    assert not heard.complete(7680, FPS)
    late = heard.chunks([7680], FPS)[0]
    assert (late[:, -1] == -4).all()
    assert (late[:, 0] > -4).any()


def test_silence_is_at_rest_and_speech_wakes_the_mouth_a_little_before_it_sounds() -> None:
    sound = np.concatenate([np.zeros(SESSION_RATE, np.float32), voice(1.0), np.zeros(SESSION_RATE, np.float32)])
    shares: dict[int, float] = {}
    for heard, audio in heard_in_pieces(sound, 1920, 7680):
        times = frame_times(audio.start, audio.end, SESSION_RATE, 25)
        shares |= dict(zip(times, heard.speaking(times), strict=True))
    at = {round(time / SESSION_RATE, 2): share for time, share in shares.items()}
    assert all(share == 0 for time, share in at.items() if time < 0.84 or time > 2.24)
    assert all(share == 1 for time, share in at.items() if 0.96 <= time <= 2.0)
    steps = np.abs(np.diff(list(shares.values())))
    assert steps.max() < 0.55, "it comes and goes over some pictures"


def test_a_noise_far_below_the_voice_is_silence() -> None:
    noise = np.random.default_rng(0).normal(0, 10 ** (-58 / 20), SESSION_RATE).astype(np.float32)
    heard, after = Heard.after(None, Audio(noise, SESSION_RATE), Audio.silence(0, SESSION_RATE, SESSION_RATE))
    assert max(heard.speaking(list(range(0, SESSION_RATE, 1920)))) == 0
    loud = 10 ** (-48 / 20) / 10 ** (-58 / 20) * noise  # beside a voice at -10 dB it is silence, too
    _, after = Heard.after(None, Audio(2 * voice(1.0), SESSION_RATE), Audio.silence(0, SESSION_RATE, SESSION_RATE))
    heard, _ = Heard.after(after, Audio(loud, SESSION_RATE, SESSION_RATE), Audio.silence(0, SESSION_RATE, 0))
    assert heard.speaking([SESSION_RATE + 24_000]) == [0.0]


def test_speech_that_is_taken_back_comes_to_rest_over_some_pictures() -> None:
    sound = 2 * voice(0.8)
    before: Heard | None = None
    for start in range(0, 36_480, 1920):
        audio = Audio(sound[start : start + 1920], SESSION_RATE, start)
        heard, before = Heard.after(before, audio, Audio(sound[audio.end : audio.end + 9600], SESSION_RATE, audio.end))
    cut = 36_480 - 5 * 1920
    shares = []
    for start in range(cut, cut + 12 * 1920, 1920):
        silence = Audio.silence(1920, SESSION_RATE, start)
        heard, before = Heard.after(before, silence, Audio.silence(0, SESSION_RATE, silence.end))
        shares += heard.speaking([start])
    assert shares[0] == 1
    assert shares[-1] == 0
    assert np.abs(np.diff(shares)).max() < 0.55


def test_a_stream_that_jumps_begins_anew() -> None:
    _, after = Heard.after(None, Audio(voice(0.4), SESSION_RATE), Audio.silence(0, SESSION_RATE, 19_200))
    quiet = Audio.silence(9600, SESSION_RATE, 480_000)
    heard, _ = Heard.after(after, quiet, Audio.silence(0, SESSION_RATE, 489_600))
    assert heard.sound.start == 480_000
    assert heard.speaking([480_000]) == [0.0]
