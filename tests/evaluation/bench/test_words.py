"""Words that were understood are counted as people count them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.evaluation.bench.words import word_errors, words_of

WORDS = st.lists(st.sampled_from("abc"), max_size=6)


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("the cat sat", "the cat sat", 0),
        ("the cat sat", "the hat sat", 1),
        ("the cat sat", "the sat", 1),
        ("the cat sat", "the old cat sat", 1),
        ("the cat sat", "", 3),
        ("", "well well", 2),
        ("the cat sat", "cat sat the", 2),
    ],
)
def test_each_word_that_is_wrong_missing_or_added_is_an_error(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors


def test_capitals_and_punctuation_are_no_errors() -> None:
    assert words_of("It’s “five” o'clock, isn't it?") == ["it's", "five", "o'clock", "isn't", "it"]


def test_languages_without_spaces_are_counted_by_characters() -> None:
    assert words_of("今日は good。") == ["今", "日", "は", "good"]


@given(WORDS, WORDS, WORDS)
def test_errors_are_a_distance(one: list[str], two: list[str], three: list[str]) -> None:
    assert (word_errors(one, two) == 0) == (one == two)
    assert word_errors(one, two) == word_errors(two, one)
    assert word_errors(one, three) <= word_errors(one, two) + word_errors(two, three)
    assert abs(len(one) - len(two)) <= word_errors(one, two) <= max(len(one), len(two))
