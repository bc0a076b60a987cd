"""A stage of the line: an async generator that owns the streams it reads, so that closing travels upstream."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Iterable
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
Stream = AsyncGenerator[T, None]
"""What flows between stages. The loop ending means it is over; closing it stops its work."""


def flow(stage: Callable[P, Stream[T]]) -> Callable[P, Stream[T]]:
    """Make an async generator function a stage: the stream it returns closes the streams passed to it.

    A plain generator that is closed, or that stops reading early, leaves its sources running; a flow closes them,
    the nearest first, however it ends: exhausted, failed, cancelled, closed, or closed before it began.
    """

    @functools.wraps(stage)
    def start(*args: P.args, **kwargs: P.kwargs) -> Stream[T]:
        sources = [value for value in (*args, *kwargs.values()) if isinstance(value, AsyncGenerator)]
        return _Flow(stage(*args, **kwargs), sources)

    return start


@flow
async def each(items: Iterable[T]) -> Stream[T]:
    """Items that are all there already, as a stream."""
    for item in items:
        yield item


class _Flow(AsyncGenerator[T, None]):
    def __init__(self, stage: Stream[T], sources: list[AsyncGenerator[Any, None]]) -> None:
        self._stage = stage
        self._sources = sources

    async def __anext__(self) -> T:
        try:
            return await self._stage.__anext__()
        except BaseException:  # the end of the stream included: it may have stopped reading early
            await self.aclose()
            raise

    async def asend(self, value: None, /) -> T:
        return await self.__anext__()

    async def athrow(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
        /,
    ) -> T:
        try:
            return await self._stage.athrow(typ if isinstance(typ, BaseException) else typ())
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        closing: list[AsyncGenerator[Any, None]] = [self._stage, *self._sources]
        self._sources = []
        failure: BaseException | None = None
        for stream in closing:
            try:
                await stream.aclose()
            except BaseException as error:  # every source is closed, whatever one of them does
                failure = failure or error
        if failure is not None:
            raise failure
