"""Live state an engine keeps between calls, bounded: losing it costs time, never correctness."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

StateT = TypeVar("StateT")


class LiveStates(Generic[StateT]):
    """States under the id of the carry that names them; the least recently used is dropped beyond `limit`.

    A state is taken out when it is used and put back under a new id, so an old carry passed twice finds nothing and
    is rebuilt, and two callers never share a state.
    """

    def __init__(self, limit: int, drop: Callable[[StateT], None] = lambda state: None) -> None:
        self._limit = limit
        self._drop = drop
        self._states: OrderedDict[str, StateT] = OrderedDict()

    def __len__(self) -> int:
        return len(self._states)

    def take(self, id: str) -> StateT | None:
        """The state under `id`, no longer kept here; None if it was dropped."""
        return self._states.pop(id, None)

    def put(self, state: StateT) -> str:
        """Keep `state`; returns the new id that names it."""
        id = uuid.uuid4().hex
        self._states[id] = state
        while len(self._states) > self._limit:
            self._drop(self._states.popitem(last=False)[1])
        return id

    def clear(self) -> None:
        """Drop every state, as if memory had run short."""
        while self._states:
            self._drop(self._states.popitem()[1])
