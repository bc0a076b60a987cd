"""A long conversation is cut in blocks, in the same place every time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.engines.llm.context import fit, tokens
from visavis.engines.protocols import Message
from visavis.errors import BadInput

SYSTEM = Message("system", "Answer briefly.")


def conversation(turns: int, length: int = 90) -> list[Message]:
    messages = [SYSTEM]
    for i in range(turns):
        messages += [Message("user", f"{i} " + "q" * length), Message("assistant", f"{i} " + "a" * length)]
    return [*messages, Message("user", "and now?")]


def test_a_conversation_that_fits_is_sent_whole() -> None:
    messages = conversation(3)
    assert fit(messages, 2000) == messages


def test_the_system_message_and_the_newest_turns_are_kept() -> None:
    messages = conversation(50)
    kept = fit(messages, 1000)
    assert kept[0] == SYSTEM
    assert kept[1:] == messages[-len(kept) + 1 :]
    assert kept[1].role == "user"
    assert sum(tokens(message) for message in kept) <= 1000


def test_between_two_cuts_the_prompt_only_grows_at_its_end() -> None:
    messages = conversation(100)
    cuts = 0
    previous: list[Message] = []
    for end in range(2, len(messages) + 1, 2):  # after each question
        kept = fit(messages[:end], 1000)
        if kept[: len(previous)] != previous:
            cuts += 1
        previous = kept
    assert 0 < cuts <= 100 * 76 / 400  # a turn takes 76 tokens, a cut frees about half of the limit


def test_a_question_of_usual_length_cuts_nothing_that_its_answer_would_not_have_cut() -> None:
    asked = Message("user", "What can you tell me about friendship, if I may ask you that? " * 4)
    for turns in range(1, 40):
        *before, short = conversation(turns)
        assert fit([*before, asked], 1000)[:-1] == fit([*before, short], 1000)[:-1]


def test_a_question_longer_than_the_limit_is_refused_with_what_fits() -> None:
    with pytest.raises(BadInput, match=r"50,000 characters, and about 5,9\d\d fit"):
        fit([SYSTEM, Message("user", "x" * 50_000)], 2000)


def test_a_long_question_that_fits_stands_alone() -> None:
    question = Message("user", "x" * 2700)
    assert fit([*conversation(20), Message("assistant", "yes"), question], 1000) == [SYSTEM, question]


def test_scripts_that_take_more_tokens_count_more() -> None:
    assert tokens(Message("user", "日本語" * 10)) > 3 * tokens(Message("user", "abc" * 10))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=30), st.integers(100, 500))
def test_whatever_is_said_the_last_question_is_kept_and_the_limit_holds(texts: list[str], limit: int) -> None:
    messages = [SYSTEM] + [Message("assistant" if i % 2 else "user", text) for i, text in enumerate(texts)]
    if len(texts) % 2 == 0:
        messages.append(Message("user", "and?"))
    try:
        kept = fit(messages, limit)
    except BadInput:
        assert tokens(messages[-1]) + tokens(SYSTEM) > limit
    else:
        assert kept[-1] == messages[-1]
        assert sum(tokens(message) for message in kept) <= limit
