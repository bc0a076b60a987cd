"""First come, first served: whoever waits knows how many are before, and no place is ever lost."""

from __future__ import annotations

import asyncio
import random

import pytest

from visavis.errors import Overloaded
from visavis.gateway.admission import Admission, Place, places
from visavis.settings import Settings


class Newcomer:
    """Somebody at the door, and what was told them."""

    def __init__(self, admission: Admission) -> None:
        self.told: list[int] = []
        self.task = asyncio.create_task(admission.enter(self._tell))

    async def _tell(self, before: int) -> None:
        self.told.append(before)

    @property
    def place(self) -> Place:
        return self.task.result()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_while_there_is_room_nobody_waits_and_nobody_is_told_to() -> None:
    admission = Admission(2)
    people = [Newcomer(admission) for _ in range(2)]
    await _settle()
    assert [person.told for person in people] == [[], []]
    assert (admission.inside, admission.waiting) == (2, 0)
    assert all(person.place for person in people)


async def test_who_waits_is_told_how_many_are_before_and_enters_in_turn() -> None:
    admission = Admission(1)
    first, second, third, fourth = (Newcomer(admission) for _ in range(4))
    await _settle()
    assert [each.told for each in (second, third, fourth)] == [[0], [1], [2]]
    first.place.leave()
    await _settle()
    assert second.task.done()
    assert not third.task.done()
    assert [each.told for each in (second, third, fourth)] == [[0], [1, 0], [2, 1]]
    second.place.leave()
    third.task.cancel()
    await _settle()
    assert third.told == [1, 0]
    assert fourth.task.done()
    assert (admission.inside, admission.waiting) == (1, 0)


async def test_who_gives_up_in_the_middle_of_the_line_moves_the_others() -> None:
    admission = Admission(1)
    first, second, third, fourth = (Newcomer(admission) for _ in range(4))
    await _settle()
    third.task.cancel()
    await _settle()
    assert second.told == [0]
    assert fourth.told == [2, 1]
    first.place.leave()
    second.task.cancel()  # at the very moment that it is its turn
    await _settle()
    assert fourth.task.done()
    assert admission.inside == 1


async def test_a_full_line_is_said_at_once() -> None:
    admission = Admission(1, waiting=2)
    people = [Newcomer(admission) for _ in range(4)]
    await _settle()
    with pytest.raises(Overloaded, match="2 are waiting already"):
        people[3].task.result()
    for person in people[1:3]:
        person.task.cancel()
    await _settle()


async def test_leaving_twice_frees_one_place() -> None:
    admission = Admission(1)
    first, second, third = (Newcomer(admission) for _ in range(3))
    await _settle()
    first.place.leave()
    first.place.leave()
    await _settle()
    assert second.task.done()
    assert not third.task.done()
    assert admission.inside == 1
    third.task.cancel()
    await _settle()


async def test_nobody_overtakes_those_who_wait() -> None:
    admission = Admission(1)
    first, second = Newcomer(admission), Newcomer(admission)
    await _settle()
    first.place.leave()
    third = Newcomer(admission)
    await _settle()
    assert second.task.done()
    assert not third.task.done()
    third.task.cancel()
    await _settle()


async def test_one_whose_line_is_slow_holds_up_nobody_behind() -> None:
    admission = Admission(2)
    first, second = Newcomer(admission), Newcomer(admission)
    stuck = asyncio.Event()

    async def tell(before: int) -> None:
        await stuck.wait()

    slow = asyncio.create_task(admission.enter(tell))
    await _settle()
    last = Newcomer(admission)
    await _settle()
    first.place.leave()
    second.place.leave()
    await _settle()
    assert last.task.done()
    stuck.set()
    await _settle()
    assert slow.done()
    assert admission.inside == 2


async def test_one_who_cannot_be_told_has_left_the_line() -> None:
    admission = Admission(1)
    first = Newcomer(admission)

    async def tell(before: int) -> None:
        raise ConnectionError("gone")

    await _settle()
    with pytest.raises(ConnectionError):
        await admission.enter(tell)
    assert admission.waiting == 0
    first.place.leave()
    assert admission.inside == 0


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_people_do_no_place_is_lost_or_made(seed: int) -> None:
    chance = random.Random(seed)
    admission = Admission(3, waiting=5)
    people: list[Newcomer] = []
    for _ in range(300):
        if chance.random() < 0.5:
            people.append(Newcomer(admission))
        elif people:
            person = people.pop(chance.randrange(len(people)))
            if not person.task.done():
                person.task.cancel()
            elif not person.task.cancelled() and person.task.exception() is None:
                person.place.leave()
        if chance.random() < 0.7:
            await asyncio.sleep(0)
        assert admission.inside <= 3
        assert admission.waiting <= 5
    await _settle()
    people = [each for each in people if not each.task.done() or each.task.exception() is None]  # no full line's
    assert admission.inside == sum(each.task.done() for each in people)
    while people:
        for person in people:
            if person.task.done():
                person.place.leave()
        people = [each for each in people if not each.task.done()]
        await _settle()
    assert (admission.inside, admission.waiting) == (0, 0)


def test_there_are_two_places_for_each_core_unless_set() -> None:
    assert places(Settings(sessions=7)) == 7
    assert places(Settings()) >= 2
    assert places(Settings()) % 2 == 0
