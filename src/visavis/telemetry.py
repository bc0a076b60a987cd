"""What the program says about itself: log lines with the session's and the turn's ids, never with anybody's words."""

from __future__ import annotations

import logging
from contextvars import ContextVar

session_id: ContextVar[str] = ContextVar("session_id", default="-")
turn_id: ContextVar[int] = ContextVar("turn_id", default=0)


class _Ids(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.session = session_id.get()
        record.turn = turn_id.get()
        return True


def configure_logging(verbose: bool) -> None:
    """Log to standard error: warnings, or everything of ours if `verbose`."""
    handler = logging.StreamHandler()
    handler.addFilter(_Ids())
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s [%(session)s/%(turn)s] %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("visavis").setLevel(logging.DEBUG if verbose else logging.WARNING)
