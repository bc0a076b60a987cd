"""History → words: the language model's answer, as it is made."""

from __future__ import annotations

from contextlib import aclosing

from visavis.conversation.history import History
from visavis.engines.protocols import LanguageModel, Sampling
from visavis.errors import EngineFailed
from visavis.streams.flow import Stream, flow


@flow
async def think(history: History, llm: LanguageModel, sampling: Sampling) -> Stream[str]:
    """The answer to the history's last message, in pieces of text. Raises `EngineFailed` if it says nothing."""
    silent = True
    async with aclosing(llm.complete(history.messages, sampling)) as deltas:
        async for delta in deltas:
            if delta.text:
                silent = silent and not delta.text.strip()
                yield delta.text
    if silent:
        raise EngineFailed("llm", llm.info.name, "the model answered nothing; ask again, or ask differently")
