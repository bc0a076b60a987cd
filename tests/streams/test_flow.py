"""Closing travels upstream, work overlaps only where asked, and errors arrive at the caller."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from visavis.streams.buffered import buffered
from visavis.streams.flow import Stream, flow
from visavis.streams.worker import Worker


class Source:
    """Numbers, and a record of how many were made and whether the source was closed."""

    def __init__(self, count: int, fail_at: int | None = None) -> None:
        self.count, self.fail_at = count, fail_at
        self.made = 0
        self.closed = False

    async def numbers(self) -> Stream[int]:
        try:
            for i in range(self.count):
                if i == self.fail_at:
                    raise ValueError("the source failed")
                await asyncio.sleep(0)
                self.made += 1
                yield i
        finally:
            self.closed = True


@flow
async def doubled(source: Stream[int]) -> Stream[int]:
    async for number in source:
        yield 2 * number


@flow
async def first(source: Stream[int], count: int) -> Stream[int]:
    async for number in source:
        yield number
        count -= 1
        if not count:
            return


async def test_closing_the_last_stage_closes_every_stage_before_it() -> None:
    source = Source(100)
    line = doubled(buffered(doubled(buffered(source.numbers(), ahead=2)), ahead=2))
    assert [await anext(line), await anext(line)] == [0, 4]
    await line.aclose()
    assert source.closed
    assert {task for task in asyncio.all_tasks() if not task.done()} == {asyncio.current_task()}


async def test_a_stage_that_stops_reading_early_closes_its_source() -> None:
    source = Source(100)
    assert [n async for n in first(doubled(source.numbers()), 3)] == [0, 2, 4]
    assert source.closed


async def test_a_stage_closed_before_it_began_closes_a_source_that_has_begun() -> None:
    source = Source(100)
    numbers = source.numbers()
    assert await anext(numbers) == 0
    line = doubled(numbers)
    await line.aclose()
    assert source.closed


async def test_an_error_arrives_at_the_caller_after_the_items_before_it() -> None:
    source = Source(5, fail_at=3)
    line = doubled(buffered(source.numbers(), ahead=8))
    assert [await anext(line) for _ in range(3)] == [0, 2, 4]
    with pytest.raises(ValueError, match="the source failed"):
        await anext(line)
    assert source.closed


async def test_a_buffer_reads_ahead_only_as_far_as_it_may() -> None:
    source = Source(100)
    line = buffered(source.numbers(), ahead=3)
    assert await anext(line) == 0
    for _ in range(50):
        await asyncio.sleep(0)
    # one read, three waiting, and one in the source's hand
    assert source.made == 5
    await line.aclose()


async def test_cancelling_the_reader_ends_the_whole_line() -> None:
    source = Source(10**9)
    line = doubled(buffered(source.numbers(), ahead=2))

    async def read() -> None:
        try:
            async for _ in line:
                await asyncio.sleep(0)
        finally:
            await line.aclose()

    task = asyncio.create_task(read())
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed
    assert {task for task in asyncio.all_tasks() if not task.done()} == {asyncio.current_task()}


async def test_a_blocking_iterator_is_closed_on_its_own_thread() -> None:
    closed = []

    def numbers() -> Iterator[int]:
        try:
            yield from range(100)
        finally:
            closed.append(True)

    worker = Worker("test")
    stream = worker.iterate(numbers)
    assert await anext(stream) == 0
    await stream.aclose()
    assert await worker.run(lambda: closed) == [True]
    worker.close()
