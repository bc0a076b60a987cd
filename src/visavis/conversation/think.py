"""History → words: the language model's answer, as it is made."""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import replace

from visavis.conversation.history import History
from visavis.engines.protocols import LanguageModel, Sampling
from visavis.errors import EngineFailed
from visavis.streams.flow import Stream, flow

_HEARD = 240
_LOOP = re.compile(r"(?s)(\W{0,2}\w.{1,56}?)\1{3}$")
"""The same few words four times in a row."""


@flow
async def think(history: History, llm: LanguageModel, sampling: Sampling) -> Stream[str]:
    """The answer to the history's last message, in pieces of text. Raises `EngineFailed` if it says nothing."""
    silent = True
    said = ""
    async with aclosing(llm.complete(history.messages, replace(sampling, session=history.session))) as deltas:
        async for delta in deltas:
            if delta.text:
                silent = silent and not delta.text.strip()
                yield delta.text
                said = (said + delta.text)[-_HEARD:]
                if _LOOP.search(said):
                    break  # a small model that has lost its way would go on to the end
    if silent:
        raise EngineFailed("llm", llm.info.name, "the model answered nothing; ask again, or ask differently")
