"""Which word a sound belongs to, where a phonemizer joins words, and where it parts one."""

from __future__ import annotations

import pytest

from visavis.engines.tts.owners import is_letter, owners


def nobody() -> list[str]:
    raise AssertionError("was asked, though the spaces say it all")


def test_spaces_part_words_and_a_mark_belongs_to_the_word_before() -> None:
    assert owners("^ab, c! $", 2, nobody) == [0, 0, 0, 0, 1, 1, 1, 1, 1]


def test_a_dash_between_two_words_is_no_word() -> None:
    assert owners("a — b", 2, nobody) == [0, 1, 1, 1, 1]


def test_two_words_that_are_said_as_one_are_told_apart_by_how_each_is_said_alone() -> None:
    found = owners("ʌvðə dˈeɪ", 3, lambda: ["ʌv", "ðˈə", "dˈeɪ"])
    assert found == [0, 0, 1, 1, 1, 2, 2, 2, 2]


def test_a_word_that_is_said_as_several_keeps_them() -> None:
    assert owners("wʌn tuː θɹiː ɡoʊ", 2, lambda: ["wʌntuːθɹiː", "ɡoʊ"]) == [0] * 13 + [1] * 3


@pytest.mark.parametrize("alone", [["", ""], ["xyz", "q"]])
def test_whatever_is_said_alone_every_symbol_has_a_word(alone: list[str]) -> None:
    found = owners("abc", 2, lambda: alone)
    assert len(found) == 3
    assert found == sorted(found)
    assert set(found) <= {0, 1}


def test_letters_are_sounds_and_nothing_else_is() -> None:
    assert all(map(is_letter, "aəʃɲᵻç"))
    assert not any(map(is_letter, ["", " ", ",", "ˈ", "ː", "ʲ", "̃", "1", "$"]))
