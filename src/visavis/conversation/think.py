"""History → words: the language model's answer, as it is made."""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import replace

from visavis.conversation.history import History
from visavis.engines.protocols import Delta, LanguageModel, Sampling
from visavis.errors import EngineFailed
from visavis.streams.flow import Stream, flow

_HEARD = 240
_LOOP = re.compile(r"(?s)(\W{0,2}\w.{1,56}?)\1{3}$")
"""The same few words four times in a row."""


@flow
async def think(history: History, llm: LanguageModel, sampling: Sampling) -> Stream[Delta]:
    """The answer to the history's last message, in pieces of text. Raises `EngineFailed` if it says nothing.

    A model that goes in circles is stopped as one is that has reached its limit: its last piece has "length".
    """
    silent = True
    said = ""
    async with aclosing(llm.complete(history.messages, replace(sampling, session=history.session))) as deltas:
        async for delta in deltas:
            silent = silent and not delta.text.strip()
            yield delta
            said = (said + delta.text)[-_HEARD:]
            if delta.text and _LOOP.search(said):
                yield Delta(finish="length")  # a small model that has lost its way would go on to the end
                break
    if silent:
        raise EngineFailed("llm", llm.info.name, "the model answered nothing; ask again, or ask differently")
