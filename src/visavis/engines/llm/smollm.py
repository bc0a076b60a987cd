"""The embedded model, SmolLM2 135M: a faster form of its file, and examples that show it how to answer.

It is so small that instructions hardly reach it: asked for the capital of France it rambles in French. A few examples
of short, plain answers do what instructions cannot. They stand before every conversation, so the prompt cache pays
for them once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from visavis.engines.llm.requantize import requantize
from visavis.engines.protocols import Message
from visavis.settings import introduced

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"

_FASTER, _FASTER_BYTES = "SmolLM2-135M-Instruct.Q8_0.gguf", 144_811_072
_WHO = (
    ("What is your name?", "My name is {}. And what is your name?"),
    ("Who are you?", "I am {}, an artificial intelligence with a face. You can ask me anything."),
)
_EXAMPLES = (
    ("What is the capital of Italy?", "The capital of Italy is Rome."),
    ("Why do leaves fall in autumn?", "Trees drop their leaves in autumn to save water and energy for the winter."),
    ("How do I make tea?", "Boil some water, pour it over the tea, and wait for three minutes."),
    ("I am so tired.", "I am sorry to hear that. Try to get some rest tonight."),
)

_log = logging.getLogger(__name__)


def with_examples(messages: Sequence[Message]) -> list[Message]:
    """The messages, the examples between the system message and the conversation.

    Who it is stands among them for the default system prompt only, under the name in it: another one says that itself.
    """
    name = introduced(messages[0].content) if messages else None
    known = _EXAMPLES if name is None else tuple((asked, said.format(name)) for asked, said in _WHO) + _EXAMPLES
    lead = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
    examples = [m for question, answer in known for m in (Message("user", question), Message("assistant", answer))]
    return [*messages[:lead], *examples, *messages[lead:]]


def faster(model: Path) -> Path:
    """The model in the form that reads questions twice as fast, made once; the model itself if that cannot be.

    On text of everyday conversation the two choose the same next token 98.8 times in a hundred, with a perplexity of
    9.18 against 9.12.
    """
    form = model.with_name(_FASTER)
    try:
        if not (form.is_file() and form.stat().st_size == _FASTER_BYTES):
            requantize(model, form)
    except (OSError, ValueError) as error:
        _log.warning("the language model reads slower than it could: %s", error)
        return model
    return form
