"""Overlap and back-pressure, the only ones: a task reads ahead, a bounded number of items and no further."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from visavis.streams.flow import Stream, flow

T = TypeVar("T")


class _End:
    """Marks the end of the source in the queue, with the error that ended it, if any."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@flow
async def buffered(source: Stream[T], ahead: int) -> Stream[T]:
    """The same items, while `source` is worked on in a task of its own, up to `ahead` finished items before its reader.

    An error of the source is raised here after the items that came before it. Closing cancels the task and waits
    until it is gone.
    """
    queue: asyncio.Queue[T | _End] = asyncio.Queue(maxsize=max(ahead, 1))

    async def pump() -> None:
        end = _End(None)
        try:
            async for item in source:
                await queue.put(item)
        except Exception as error:
            end = _End(error)
        await queue.put(end)

    task = asyncio.create_task(pump())
    try:
        while True:
            item = await queue.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
