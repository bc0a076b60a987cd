"""From what a network spoke to phones: each sample in one, and silence only where it is quiet."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from visavis.engines.tts.token_times import Spoken, phones_of
from visavis.media.speech import Phone

RATE = 1000


def spoken(text: str, length: int = 100) -> list[Spoken]:
    return [Spoken(c, n * length, (n + 1) * length, text[:n].count(" ")) for n, c in enumerate(text)]


def sound(text: str, quiet: str = " ,.^$", length: int = 100) -> np.ndarray:
    return np.repeat(np.array([0.0 if c in quiet else 0.5 for c in text], np.float32), length)


def test_stress_belongs_to_its_vowel_and_length_to_the_sound_before() -> None:
    phones, words = phones_of(spoken("^bˈiː$"), sound("^bˈiː$"), RATE)
    assert phones == [Phone("", 0, 100), Phone("b", 100, 200), Phone("i", 200, 500)]
    assert words == [0, 0, 0]


def test_two_symbols_of_one_sound_are_one_phone() -> None:
    phones, _ = phones_of(spoken("tʃˈaɪ"), sound("tʃˈaɪ"), RATE)
    assert [phone.symbol for phone in phones] == ["tʃ", "aɪ"]
    phones, _ = phones_of(spoken("ca\u0327"), sound("caa"), RATE)
    assert [phone.symbol for phone in phones] == ["c", "a"]
    phones, _ = phones_of(spoken("c\u0327"), sound("ca"), RATE)
    assert phones == [Phone("ç", 0, 200)]


def test_vowels_that_meet_between_two_words_stay_two() -> None:
    phones, words = phones_of([Spoken("a", 0, 100, 0), Spoken("ɪ", 100, 200, 1)], sound("aa"), RATE)
    assert [phone.symbol for phone in phones] == ["a", "ɪ"]
    assert words == [0, 1]


def test_a_space_that_is_heard_is_the_end_of_the_sound_before() -> None:
    quiet, _ = phones_of(spoken("a b"), sound("a b"), RATE)
    heard, _ = phones_of(spoken("a b"), sound("a b", quiet=""), RATE)
    assert quiet == [Phone("a", 0, 100), Phone("", 100, 200), Phone("b", 200, 300)]
    assert heard == [Phone("a", 0, 150), Phone("", 150, 200), Phone("b", 200, 300)]


@given(st.text("^abɪʃtˈː ,.$\u0327", max_size=30), st.integers(0, 40))
def test_phones_follow_one_another_from_the_first_sample_inside_the_sound(text: str, length: int) -> None:
    made = sound(text, length=length)
    phones, words = phones_of(spoken(text, length), made, RATE)
    assert len(phones) == len(words)
    assert words == sorted(words)
    assert all(phone.start < phone.end <= len(made) for phone in phones)
    assert all(a.end == b.start for a, b in pairwise(phones))
    assert not phones or phones[0].start == 0
