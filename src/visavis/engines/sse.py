"""Server-sent events (WHATWG HTML, section 9.2) out of a byte stream, as chat servers use them: data only."""

from __future__ import annotations

import codecs
from collections.abc import AsyncGenerator, AsyncIterator

LIMIT = 1 << 20
"""Characters of one line or event; more is not a chat server."""


class TooLong(ValueError):
    """A line or an event beyond `LIMIT`."""


async def lines(source: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The lines of a UTF-8 byte stream without their ends; what cannot be decoded becomes U+FFFD."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    async for data in source:
        *whole, rest = (rest + decoder.decode(data)).split("\n")
        for line in whole:
            yield line.rstrip("\r")
        if len(rest) > LIMIT:
            raise TooLong("a line without an end")
    if rest:
        yield rest.rstrip("\r")


async def events(source: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """The data of each event; the last one counts even if the empty line after it is missing."""
    data: list[str] = []
    size = 0
    async for line in source:
        if line == "" and data:
            yield "\n".join(data)
            data, size = [], 0
        elif line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
            size += len(line)
            if size > LIMIT:
                raise TooLong("an event without an end")
    if data:
        yield "\n".join(data)
