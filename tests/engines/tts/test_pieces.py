"""Texts are cut where a speaker breathes, and nothing of them is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.engines.tts.pieces import Token, clauses, keep, louder, script, tail
from visavis.media.speech import Phone

TOKENS = st.lists(
    st.sampled_from(["a", "word", "word,", "end.", "and", "-", "extraordinarily"]), min_size=1, max_size=80
)


@given(TOKENS, st.integers(20, 60))
def test_clauses_joined_are_the_text_and_none_is_too_long(words: list[str], longest: int) -> None:
    tokens = [Token(word, word) for word in words]
    runs = list(clauses(tokens, longest))
    assert [token for run in runs for token in run] == tokens
    assert all(len(" ".join(token.spelled for token in run)) <= longest for run in runs)


def test_a_long_text_is_cut_after_punctuation_then_before_a_phrase() -> None:
    def cut(text: str) -> list[str]:
        return [" ".join(t.text for t in run) for run in clauses([Token(w, w) for w in text.split()], 40)]

    assert cut("when the rain had stopped at last, we all went out into the garden") == [
        "when the rain had stopped at last,",
        "we all went out into the garden",
    ]
    assert cut("we stayed inside the old house because it rained all day long") == [
        "we stayed inside the old house",
        "because it rained all day long",
    ]


def test_a_place_in_the_script_belongs_to_the_word_that_began_before_it() -> None:
    reading = script([Token("So", "So"), Token("—", ","), Token("1984", "1984"), Token("…", "...")])
    assert reading.text == "So, 1984..."
    assert reading.words == ("So —", "1984 …")
    assert [reading.word_before(position) for position in (1, 3, 4, 5, 99)] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("Yes.", 0.3), ("Yes?”", 0.3), ("(Yes!)", 0.3), ("yes,", 0.15), ("yes:", 0.15), ("yes", 0.0), ("好。", 0.3)],
)
def test_the_pause_after_a_text_is_that_of_its_punctuation(text: str, seconds: float) -> None:
    assert tail(text) == seconds


def test_only_a_breath_of_silence_is_kept_before_speech() -> None:
    phones = [Phone("", 0, 5000), Phone("a", 5000, 6000), Phone("", 6000, 20000)]
    assert keep(phones, 16000, 0.15) == (5000 - 640, 6000 + 2400)


def test_a_louder_voice_never_clips_and_keeps_its_shape() -> None:
    sound = np.linspace(-1, 1, 401, dtype=np.float32)
    made = louder(sound, 1.5)
    assert np.abs(made).max() < 0.99
    assert np.all(np.diff(made) > 0)
    assert np.allclose(made[np.abs(sound) < 0.5], 1.5 * sound[np.abs(sound) < 0.5])
