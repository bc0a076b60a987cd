"""What goes wrong in a conversation: told in words that a person can use, and not over and over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from visavis.conversation import events
from visavis.errors import EngineFailed, VisavisError

_AGAIN = 5.0
"""Seconds in which the same failure is not told again."""
_log = logging.getLogger(__name__)


class Failures:
    """Of one conversation."""

    def __init__(self, tell: Callable[[events.Event], None]) -> None:
        self._tell = tell
        self._before, self._at = "", float("-inf")

    def add(self, error: BaseException, slot: str, turn: int = 0) -> None:
        """A stage failed: of engine `slot`, if the error does not know better. What we did not foresee is logged."""
        if isinstance(error, VisavisError):
            message = str(error)
        else:
            message = "something went wrong inside; the conversation goes on"
            _log.error("a stage failed: %s", type(error).__name__, exc_info=error)
        now = asyncio.get_running_loop().time()
        if message != self._before or now > self._at + _AGAIN:
            self._before, self._at = message, now
            self._tell(events.Failed(turn, error.slot if isinstance(error, EngineFailed) else slot, message))
