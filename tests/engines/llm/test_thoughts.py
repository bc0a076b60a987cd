"""What a model thinks aloud is not heard, wherever the pieces of its answer are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.engines.llm.thoughts import Thoughts


def heard(*pieces: str) -> str:
    thoughts = Thoughts()
    return "".join([*map(thoughts.said, pieces), thoughts.rest()])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Hello there.", "Hello there."),
        ("<think>\nHm, who is this?\n</think>\n\nHello there.", "Hello there."),
        ("<think></think>Hello <think>a friend?</think> there.", "Hello there."),
        ("<think>Hm, what to say", ""),
        ("What it said first. </think>Hello.", "What it said first. Hello."),
        ("1 < 2, and <thin> is no mark; <thi", "1 < 2, and <thin> is no mark; <thi"),
        ("  Hello.", "  Hello."),
        ("", ""),
    ],
)
def test_a_thought_is_left_out_wherever_it_is_cut(said: str, expected: str) -> None:
    assert heard(said) == expected
    assert heard(*said) == expected
    for i in range(len(said)):
        assert heard(said[:i], said[i:]) == expected


@given(st.lists(st.text(st.sampled_from("<>/think a")), max_size=12))
def test_cuts_change_nothing(pieces: list[str]) -> None:
    assert heard(*pieces) == heard("".join(pieces))


def test_what_can_be_no_mark_is_heard_at_once() -> None:
    thoughts = Thoughts()
    assert thoughts.said("Hello ") == "Hello "
    assert thoughts.said("a <") == "a "
    assert thoughts.said("b") == "<b"
