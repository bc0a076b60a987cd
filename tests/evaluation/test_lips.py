"""The measures of lips, on curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.evaluation import lips
from visavis.evaluation.sound import RATE
from visavis.media.motion_file import Span

FPS = 25.0


def talking(seconds: float, rate: float = FPS, delay: float = 0.0) -> NDArray[np.float64]:
    """An opening with the rhythm of syllables, seen `delay` seconds late."""
    time = np.arange(round(seconds * rate)) / rate - delay
    return 0.2 + 0.1 * np.sin(2 * np.pi * 3.1 * time) + 0.08 * np.sin(2 * np.pi * 1.3 * time + 1)


@pytest.mark.parametrize("late", [-4, -1, 0, 2, 5])
def test_a_shift_of_whole_pictures_is_found(late: int) -> None:
    seen = talking(8, delay=late / FPS)
    lag, r = max(lips.lagged(seen, talking(8), 5), key=lambda found: found[1])
    assert lag == late
    assert r == pytest.approx(1.0)


@pytest.mark.parametrize("late", [-0.11, -0.035, 0.0, 0.042, 0.125])
def test_lips_behind_the_sound_are_measured_to_a_fraction_of_a_picture(late: float) -> None:
    times = np.arange(200) / FPS
    level = talking(8, RATE, delay=-0.5 / RATE)  # the middle of each hundredth
    found = lips.envelope_lag(talking(8, delay=late), times, level)
    assert found is not None
    assert found[0] == pytest.approx(1000 * late, abs=6)
    assert found[1] > 0.98


def test_pictures_without_a_face_are_left_out() -> None:
    seen = talking(8)
    seen[50:70] = np.nan
    assert lips.correlation(seen, talking(8)) == pytest.approx(1.0)


def test_lips_that_never_move_have_no_correlation() -> None:
    assert lips.correlation(np.full(100, 0.1), talking(4)) is None
    assert lips.best_lag(np.full(100, 0.1), talking(4), 5) is None


def test_a_closure_counts_if_a_picture_shows_it_during_the_phone() -> None:
    opening = np.full(50, 0.2)
    opening[10] = 0.03  # on screen from 0.40 to 0.44 s
    opening[20] = 0.05
    m, b, late, vowel = (
        Span("m", 0.42, 0.47),
        Span("b", 0.80, 0.83),  # never under 4 %
        Span("p", 0.44, 0.50),  # the picture has just gone
        Span("a", 0.41, 0.43),
    )
    assert lips.closures(opening, FPS, [m]) == (1, 1)
    assert lips.closures(opening, FPS, [b]) == (1, 0)
    assert lips.closures(opening, FPS, [late]) == (1, 0)
    assert lips.closures(opening, FPS, [m, b, late, vowel]) == (3, 1)


def test_a_vowel_counts_as_open_at_its_centre_give_or_take_a_picture() -> None:
    opening = np.zeros(50)
    opening[10] = 0.09
    assert lips.open_vowels(opening, FPS, [Span("a", 0.40, 0.44), Span("m", 0.40, 0.44)]) == (1, 1)
    assert lips.open_vowels(opening, FPS, [Span("aɪ", 0.36, 0.40)]) == (1, 1)
    assert lips.open_vowels(opening, FPS, [Span("a", 0.52, 0.56)]) == (1, 0)


def test_phones_after_the_end_of_the_video_are_not_counted() -> None:
    assert lips.closures(np.zeros(10), FPS, [Span("m", 0.5, 0.6)]) == (0, 0)


def test_silence_lies_between_phones_and_around_them() -> None:
    phones = [Span("", 0, 0.5), Span("h", 0.5, 0.6), Span("", 0.6, 0.8), Span("a", 0.8, 1.0), Span("m", 1.5, 1.6)]
    assert lips.silences(phones, end=2.0) == [(0.0, 0.5), (1.0, 1.5), (1.6, 2.0)]
    assert lips.silences([], end=1.0) == [(0.0, 1.0)]
    inside = lips.within(np.arange(8) / FPS, [(0.0, 0.3)])  # 100 ms at both ends are left out
    assert np.flatnonzero(inside).tolist() == [3, 4, 5]
