"""A stream on its way, with others looking on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from visavis.streams.flow import Stream, flow

T = TypeVar("T")


@flow
async def noted(source: Stream[T], *takers: Callable[[T], None]) -> Stream[T]:
    """The same items; each is shown to the takers before it goes on."""
    async for item in source:
        for take in takers:
            take(item)
        yield item
