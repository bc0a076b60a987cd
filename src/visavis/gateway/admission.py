"""A place for each conversation that the machine can carry; beyond that, newcomers wait in line and are told so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from visavis.errors import Overloaded
from visavis.settings import Settings, cores


def places(settings: Settings) -> int:
    """How many conversations there may be at once."""
    return settings.sessions or 2 * cores()


def calls(settings: Settings) -> int:
    """How many of them may be by WebRTC: each has an encoder, which takes a third of a core."""
    return settings.sessions or cores()


class Place:
    """Room for one conversation, until it is left."""

    def __init__(self, admission: Admission) -> None:
        self._admission: Admission | None = admission

    def leave(self) -> None:
        """Give the place to whoever has waited longest; only the first time counts."""
        if (admission := self._admission) is not None:
            self._admission = None
            admission._left()


class Admission:
    """First come, first served: `capacity` inside, at most `waiting` in line."""

    def __init__(self, capacity: int, waiting: int = 100) -> None:
        self._capacity = capacity
        self._most = waiting
        self._inside = 0
        self._line: deque[_Waiter] = deque()

    @property
    def capacity(self) -> int:
        """Places altogether."""
        return self._capacity

    @property
    def inside(self) -> int:
        """Places that are taken."""
        return self._inside

    @property
    def waiting(self) -> int:
        """How many are in line."""
        return len(self._line)

    async def enter(self, tell: Callable[[int], Awaitable[None]]) -> Place:
        """A place, at once or when it is one's turn.

        While there is none, `tell` is called with how many are before: at first, and whenever that has changed. Who
        is cancelled, or whose `tell` raises, has left the line. Raises `Overloaded` where the line is full.
        """
        if self._inside < self._capacity and not self._line:
            self._inside += 1
            return Place(self)
        if len(self._line) >= self._most:
            raise Overloaded(f"everybody is busy and {len(self._line)} are waiting already: try again in some minutes")
        waiter = _Waiter()
        self._line.append(waiter)
        told = -1
        try:
            while waiter.place is None:
                if (before := self._line.index(waiter)) != told:
                    told = before
                    await tell(before)
                else:
                    waiter.moved.clear()
                    await waiter.moved.wait()
        except BaseException:
            if waiter.place is not None:  # it came at the same moment
                waiter.place.leave()
            else:
                self._line.remove(waiter)
                self._move()
            raise
        return waiter.place

    def _left(self) -> None:
        self._inside -= 1
        while self._line and self._inside < self._capacity:
            self._inside += 1
            waiter = self._line.popleft()
            waiter.place = Place(self)
            waiter.moved.set()
        self._move()

    def _move(self) -> None:
        for waiter in self._line:
            waiter.moved.set()


class _Waiter:
    """One in line; everybody's own task tells them, so that a slow one holds up nobody."""

    def __init__(self) -> None:
        self.place: Place | None = None
        self.moved = asyncio.Event()
