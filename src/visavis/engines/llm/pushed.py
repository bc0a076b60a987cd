"""What a blocking call pushes out, piece by piece, as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from visavis.streams.flow import Stream

T = TypeVar("T")


async def pushed(pool: Executor, call: Callable[[Callable[[T], bool]], None]) -> Stream[T]:
    """Run `call(push)` on a thread of `pool` and yield what it pushes, in order; its error is raised here.

    `push` returns True when nothing more is wanted, and `call` should then return. Closing the stream does not wait
    for that: a thread cannot be cancelled, only told. At most what one call pushes is waiting here.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[T | _End] = asyncio.Queue()
    wanted = True

    def push(item: T) -> bool:
        if wanted:
            loop.call_soon_threadsafe(queue.put_nowait, item)
        return not wanted

    running = loop.run_in_executor(pool, call, push)
    running.add_done_callback(lambda _: queue.put_nowait(_END))
    try:
        while not isinstance(item := await queue.get(), _End):
            yield item
        await running
    finally:
        wanted = False
        running.cancel()  # one that has not begun never does


class _End:
    """Stands behind the last item."""


_END = _End()
