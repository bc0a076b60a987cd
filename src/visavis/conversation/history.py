"""What was said so far. Only ever appended to, so that a language model's prompt cache stays valid."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace

from visavis.engines.protocols import Message
from visavis.settings import SYSTEM_PROMPT


@dataclass(frozen=True, slots=True)
class History:
    """The messages of one conversation, the oldest first."""

    messages: tuple[Message, ...]
    session: str = field(default_factory=lambda: uuid.uuid4().hex)

    @staticmethod
    def begin(system_prompt: str = SYSTEM_PROMPT) -> History:
        """A new conversation."""
        return History((Message("system", system_prompt),))

    def prompted(self, system_prompt: str) -> History:
        """With another system prompt."""
        return replace(self, messages=(Message("system", system_prompt), *self.messages[1:]))

    def asked(self, text: str) -> History:
        """With a question appended."""
        return replace(self, messages=(*self.messages, Message("user", text)))

    def answered(self, text: str) -> History:
        """With an answer appended: what was heard of it."""
        return replace(self, messages=(*self.messages, Message("assistant", text)))
