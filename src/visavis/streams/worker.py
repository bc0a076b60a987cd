"""Blocking work beside the event loop: one thread, one step at a time, in the order asked for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from visavis.streams.flow import Stream

T = TypeVar("T")
P = ParamSpec("P")


class Worker:
    """A thread of its own for an engine. Threads cannot be cancelled: at most the running step is wasted.

    So steps are kept under 100 ms, and what must be undone after a cancelled step is queued behind it.
    """

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)

    async def run(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `step(*args, **kwargs)`, run on the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: step(*args, **kwargs))

    async def iterate(self, begin: Callable[[], Iterator[T]]) -> Stream[T]:
        """The items of a blocking iterator, each made in a step of its own; closing closes it on its thread."""
        iterator = await self.run(begin)
        done = object()
        try:
            while (item := await self.run(lambda: next(iterator, done))) is not done:
                yield item  # type: ignore[misc]  # everything but the marker is a T
        finally:
            close = getattr(iterator, "close", None)
            if close is not None:
                # not awaited under cancellation: it waits behind the running step and needs nobody
                with contextlib.suppress(RuntimeError):  # a worker that is closed drops the iterator itself
                    self._pool.submit(close)

    def close(self) -> None:
        """Let the running step finish and drop what waits behind it."""
        self._pool.shutdown(wait=True, cancel_futures=True)
