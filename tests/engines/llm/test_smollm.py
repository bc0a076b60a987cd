"""The embedded model is shown who it is, under the name of the face that speaks, and only where nobody else says it."""

from __future__ import annotations

from visavis.engines.llm.smollm import with_examples
from visavis.engines.protocols import Message
from visavis.settings import SYSTEM_PROMPT, introduced, introduction


def _said(system_prompt: str) -> str:
    asked = [Message("system", system_prompt), Message("user", "Hello")]
    return " ".join(message.content for message in with_examples(asked) if message.role == "assistant")


def test_the_name_in_the_default_system_prompt_is_that_in_the_examples() -> None:
    assert "My name is Vera." in _said(SYSTEM_PROMPT)
    assert "My name is Amos." in _said(introduction("Amos"))
    assert "Vera" not in _said(introduction("Amos"))


def test_under_another_system_prompt_nothing_is_shown_of_who_it_is() -> None:
    assert "My name" not in _said("You are a pirate.")
    assert introduced("You are a pirate.") is None
    assert introduced(introduction("Aunt May")) == "Aunt May"
