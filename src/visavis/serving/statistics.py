"""How long requests took, as OPEA's services tell it."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

_KEPT = 1000


class Statistics:
    """Of the last thousand requests of one service."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._whole: deque[float] = deque(maxlen=_KEPT)
        self._first: deque[float] = deque(maxlen=_KEPT)

    @contextmanager
    def timed(self) -> Generator[Timer, None, None]:
        """Count a request, if it succeeds."""
        timer = Timer()
        yield timer
        self._whole.append(time.perf_counter() - timer.began)
        if timer.first is not None:
            self._first.append(timer.first)

    def told(self) -> dict[str, dict[str, float | None]]:
        """Seconds, by OPEA's names; None before the first request."""
        return {self._name: _summary(self._whole) | _summary(self._first, "_first_token")}


class Timer:
    """Of one request."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.first: float | None = None

    def token(self) -> None:
        """A piece of the answer was sent; the first one counts."""
        if self.first is None:
            self.first = time.perf_counter() - self.began


def _summary(values: deque[float], suffix: str = "") -> dict[str, float | None]:
    ordered = sorted(values)

    def quantile(q: float) -> float | None:
        return ordered[min(int(q * len(ordered)), len(ordered) - 1)] if ordered else None

    return {
        f"p50_latency{suffix}": quantile(0.5),
        f"p99_latency{suffix}": quantile(0.99),
        f"average_latency{suffix}": statistics.fmean(ordered) if ordered else None,
    }
