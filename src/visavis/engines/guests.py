"""Who is using engines now: those that were replaced are freed when everybody has gone who may still use them.

The idea is read-copy-update's grace period: nobody is asked what he uses. Whoever comes after engines were replaced
gets the new ones, so the old ones are free when those have left who were there at that moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


class Guest:
    """One of them. To leave twice does nothing."""

    def __init__(self, among: set[Guest]) -> None:
        self._among, self._gone = among, asyncio.Event()
        among.add(self)

    def leave(self) -> None:
        """It uses nothing any more."""
        self._among.discard(self)
        self._gone.set()

    async def gone(self) -> None:
        """Until it has left."""
        await self._gone.wait()


class Guests:
    """Of the engines of one process. To be used in one event loop."""

    def __init__(self) -> None:
        self._here: set[Guest] = set()

    def __len__(self) -> int:
        return len(self._here)

    def enter(self) -> Guest:
        """Somebody uses engines from now on, those of this moment."""
        return Guest(self._here)

    @contextmanager
    def inside(self) -> Generator[None]:
        """The same, for the time of a block."""
        guest = self.enter()
        try:
            yield
        finally:
            guest.leave()

    def dismiss(self) -> None:
        """All leave: the engines are about to end."""
        for guest in list(self._here):
            guest.leave()

    async def left(self) -> None:
        """Until all have left who are here now; those who come meanwhile are not waited for."""
        for guest in list(self._here):
            await guest.gone()
