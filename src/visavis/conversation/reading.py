"""A language model reads what was said while nobody waits for it, and a long question while it is spoken: when that is
over, only its last words are new."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from visavis.conversation.history import History
from visavis.conversation.question import as_written
from visavis.engines.loading import Engines
from visavis.engines.protocols import Primed

_STEP = 8
"""Words that are read at once: each time costs as much again for the mark with which an answer begins."""


class Reading:
    """Of one conversation, and nothing where the model has no prompt cache of its own."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._words = 0

    def begin(self, engines: Engines, history: History, group: asyncio.TaskGroup) -> None:
        """Read the conversation so far, in a task of the group."""
        if isinstance(engines.llm, Primed):
            self._task = group.create_task(_read(engines, history))

    def follow(
        self, engines: Engines, history: History, before: str, heard: str, group: asyncio.TaskGroup | None
    ) -> None:
        """Read the question as far as it was `heard`, but for its last word, which may still change; `before` is what
        was asked and never answered."""
        words = heard.split()[:-1]
        if len(words) < self._words:
            self._words = 0  # another utterance
        busy = self._task is not None and not self._task.done()
        if busy or len(words) < self._words + _STEP or group is None or not isinstance(engines.llm, Primed):
            return
        self._words = len(words)
        said = as_written(" ".join(words)).rstrip(".?!")
        self._task = group.create_task(_read(engines, history.asked(f"{before} {said}".strip())))

    def stop(self) -> None:
        """The question is asked: reading would keep it waiting."""
        if self._task is not None:
            self._task.cancel()


async def _read(engines: Engines, history: History) -> None:
    with engines.guests.inside(), suppress(Exception):  # the question itself will tell
        if isinstance(engines.llm, Primed):
            await engines.llm.prime(history.messages, history.session)
