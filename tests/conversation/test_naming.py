"""Who the assistant is told to be, and in what language it is to answer."""

from __future__ import annotations

from visavis.conversation.naming import system_prompt
from visavis.settings import SYSTEM_PROMPT, Settings


def test_a_name_that_can_be_said_is_the_assistants() -> None:
    assert system_prompt(Settings(), "amos").startswith("You are Amos, ")
    assert system_prompt(Settings(), "me") == SYSTEM_PROMPT
    assert system_prompt(Settings(), "").startswith("You are a friendly assistant ")


def test_another_language_than_english_is_asked_for() -> None:
    assert system_prompt(Settings(language="en-GB"), None) == SYSTEM_PROMPT
    assert system_prompt(Settings(language="de"), None) == f"{SYSTEM_PROMPT} Answer in German."
    assert system_prompt(Settings(), "finn", "pt-BR").endswith("Answer in Portuguese.")


def test_a_prompt_of_ones_own_says_its_language_itself_unless_a_request_wants_another() -> None:
    own = Settings(language="de", system_prompt="Du bist Otto.")
    assert system_prompt(own, None) == "Du bist Otto."
    assert system_prompt(own, None, "de-AT") == "Du bist Otto."
    assert system_prompt(own, None, "fr") == "Du bist Otto. Answer in French."
