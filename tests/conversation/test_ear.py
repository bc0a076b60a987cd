"""What was said is settled in a pause, and goes on if the voice does; on a virtual clock, with a slow recogniser."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import numpy as np

from tests.virtual import virtually
from visavis.conversation.ear import Ear
from visavis.conversation.listen import FRAME, RATE
from visavis.engines.guests import Guests
from visavis.engines.protocols import Carry, Recognition, Transcript
from visavis.media.audio import Audio

SLOW = 0.3
"""Seconds that the recogniser takes for each call."""


class Counter:
    """Hears the number of frames: as many times 'x'."""

    async def recognize(
        self, chunk: Audio, carry: Carry | None, options: Recognition, final: bool
    ) -> tuple[Transcript, Carry]:
        await asyncio.sleep(SLOW)
        count = (carry.value if carry else 0) + len(chunk) // FRAME
        return Transcript("x" * count, final=final), Carry("", count)


def listening(act: Callable[[Ear], Awaitable[None]]) -> list[tuple[float, str, bool]]:
    """What an ear tells, and when, in whole calls of the recogniser."""
    told: list[tuple[float, str, bool]] = []

    async def play() -> None:
        loop = asyncio.get_running_loop()

        def tell(transcript: Transcript) -> None:
            told.append((round(loop.time() / SLOW, 3), transcript.text, transcript.final))

        ear = Ear(Counter(), "en", tell, Guests())  # type: ignore[arg-type]  # it only recognises
        running = asyncio.create_task(ear.run())
        await act(ear)
        await asyncio.sleep(10 * SLOW)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running

    virtually(play())
    return told


def frames(count: int) -> list[Audio]:
    return [Audio(np.zeros(FRAME, np.float32), RATE, i * FRAME) for i in range(count)]


def test_what_was_settled_in_the_pause_is_told_at_the_end_without_a_wait() -> None:
    async def act(ear: Ear) -> None:
        ear.begin(frames(4))
        ear.pause()
        await asyncio.sleep(2.5 * SLOW)
        for frame in frames(3):
            ear.add(frame)
        ear.end()

    assert listening(act) == [(1, "xxxx", False), (2, "xxxx", True), (2.5, "xxxx", True)]


def test_who_goes_on_after_a_pause_loses_nothing() -> None:
    async def act(ear: Ear) -> None:
        ear.begin(frames(4))
        ear.pause()
        assert ear.paused
        for frame in frames(3):
            ear.add(frame)
        ear.go_on()
        assert not ear.paused
        ear.add(frames(1)[0])
        ear.end()

    assert listening(act) == [(1, "xxxx", False), (2, "xxxx", True), (3, "x" * 8, False), (4, "x" * 8, True)]


def test_the_end_waits_for_what_is_not_settled_yet() -> None:
    async def act(ear: Ear) -> None:
        ear.begin(frames(4))
        ear.pause()
        ear.end()

    assert listening(act) == [(1, "xxxx", False), (2, "xxxx", True)]


def test_an_utterance_that_is_not_understood_yet_goes_on_with_the_next_voice() -> None:
    async def act(ear: Ear) -> None:
        ear.begin(frames(4))
        ear.end()
        await asyncio.sleep(0.5 * SLOW)
        ear.begin(frames(4))
        ear.end()

    assert listening(act)[-1][1:] == ("x" * 8, True)


def test_of_what_was_dropped_nothing_more_is_told() -> None:
    async def act(ear: Ear) -> None:
        ear.begin(frames(4))
        ear.end()
        await asyncio.sleep(0.5 * SLOW)
        ear.drop()
        ear.begin(frames(2))
        ear.end()

    assert [(text, final) for _, text, final in listening(act)] == [("xx", True)]
