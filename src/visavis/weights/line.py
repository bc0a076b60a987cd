"""A connection to servers on a thread of its own, so that whoever waits for it is told, and can leave, at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
_TICK = 0.2


class Line:
    """What requests go through, one after another. Who leaves while one hangs leaves the thread to its time-out."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        threading.Thread(target=self._run, name="visavis-pull", daemon=True).start()

    def wait(self, work: Callable[[], T], tick: Callable[[], None]) -> T:
        """What `work` returns, or raises; `tick` is called every 0.2 s until then, and may raise."""
        future = self.later(work)
        while True:
            try:
                return future.result(_TICK)
            except TimeoutError:
                if future.done():  # it was the work's own
                    raise
                tick()

    def later(self, work: Callable[[], T]) -> Future[T]:
        """Do `work` after all that was asked for before."""
        future: Future[T] = Future()
        self._work.put((future, work))
        return future

    def close(self) -> None:
        """End the thread, after all that was asked for before."""
        self.later(self.client.close)
        self._work.put(None)

    def _run(self) -> None:
        while (asked := self._work.get()) is not None:
            future, work = asked
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)
            del asked, future, work


@contextmanager
def opened(client: httpx.Client) -> Generator[Line, None, None]:
    """A line through a client, which is closed with it."""
    line = Line(client)
    try:
        yield line
    finally:
        line.close()
