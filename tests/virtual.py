"""A clock that jumps: minutes of conversation in a moment, the same every time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from visavis.media.audio import SESSION_RATE
from visavis.media.clip import Clip

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time goes on only when nothing is left to do, and then at once to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def virtually(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it on a virtual clock."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(coroutine)


class VirtualSink:
    """Plays by the loop's clock, as a good player does, and keeps what was seen and heard."""

    def __init__(self, start: int = 0, lead: float = 0.12) -> None:
        self.lead = lead
        self.strained = False
        self.sent: list[Clip] = []
        """What will have been shown: what is flushed is taken out."""
        self.flushes: list[tuple[int, int]] = []
        self._start, self._began = start, self._now()
        self._flushed = asyncio.Event()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def position(self) -> int:
        elapsed = round((self._now() - self._began) * SESSION_RATE)
        end = self.sent[-1].audio.end if self.sent else self._start
        return min(self._start + elapsed, end)

    async def play(self, clip: Clip, epoch: int) -> None:
        self.sent.append(clip)
        self._flushed.clear()
        ahead = clip.audio.end / SESSION_RATE - self.lead
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ahead - self._start / SESSION_RATE + self._began - self._now()):
                await self._flushed.wait()

    def flush(self, position: int, epoch: int) -> None:
        self.flushes.append((position, epoch))
        now = self._now()
        self._start, self._began = min(self.position(), position), now
        self.sent = [clip for clip in self.sent if clip.audio.start < position]
        self._flushed.set()
