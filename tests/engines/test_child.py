"""A process of ours and its requests: what is asked is answered, whatever a library prints, raises, or takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from visavis.engines.child import Child
from visavis.errors import EngineFailed

MODULE = "tests.engines.chatty"


@pytest_asyncio.fixture(params=[False, True], ids=["hasty", "patient"])
async def child(request: pytest.FixtureRequest) -> AsyncIterator[Child]:
    process = Child(MODULE, "tts", "chatty", patient=request.param)
    yield process
    await process.stop(2.0)


async def said(child: Child, text: str, **more: Any) -> Any:
    head, body = await child.ask({"say": text, **more}, within=30)
    assert body == text.encode()
    return head


async def test_what_a_library_prints_is_no_answer(child: Child) -> None:
    assert (await said(child, "hello"))["said"] == "hello"
    assert (await said(child, "größer"))["said"] == "größer"


async def test_a_failure_is_told_in_one_line_and_the_next_request_is_answered(child: Child) -> None:
    with pytest.raises(EngineFailed, match="KeyError"):
        await said(child, "fail")
    assert (await said(child, "still here"))["said"] == "still here"


async def test_a_process_that_cannot_begin_says_why() -> None:
    with pytest.raises(EngineFailed, match="the model is damaged"):
        await Child(MODULE, "tts", "chatty", ["broken"]).start()


async def test_requests_take_turns_and_one_that_is_cancelled_before_its_turn_is_never_made(child: Child) -> None:
    first = asyncio.ensure_future(said(child, "one", seconds=0.3))
    second = asyncio.ensure_future(said(child, "two", seconds=30))
    third = asyncio.ensure_future(said(child, "three"))
    await asyncio.sleep(0.1)
    second.cancel()
    one, three = await asyncio.gather(first, third)
    assert (one["said"], three["said"]) == ("one", "three")
    assert one["pid"] == three["pid"]
    assert second.cancelled()


async def test_a_patient_ones_answer_that_nobody_wants_any_more_is_waited_for() -> None:
    child = Child(MODULE, "tts", "chatty", patient=True)
    pid = (await said(child, "begin"))["pid"]
    unwanted = asyncio.ensure_future(said(child, "one", seconds=0.3))
    await asyncio.sleep(0.1)
    unwanted.cancel()
    assert (await said(child, "two"))["pid"] == pid
    await child.stop(2.0)
    assert not child.alive


async def test_a_hasty_ones_request_that_is_cancelled_ends_the_process() -> None:
    child = Child(MODULE, "tts", "chatty")
    pid = (await said(child, "begin"))["pid"]
    unwanted = asyncio.ensure_future(said(child, "one", seconds=30))
    await asyncio.sleep(0.1)
    unwanted.cancel()
    assert (await said(child, "two"))["pid"] != pid
    await child.stop(2.0)
