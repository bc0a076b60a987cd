"""What the server measures of itself, for Prometheus and for whoever wants a percentile now."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

STAGES = ("endpoint", "transcript", "word", "audio", "sent", "shown")
"""Of a turn, as in `events.Timings`: seconds from the end of the question."""
TURNS = 500
"""That the percentiles are of."""
_QUANTILES = (0.5, 0.95)
_LAG_PERIOD = 0.02  # seconds
_LAG_SAMPLES = 3_000  # a minute
_TURN_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.4, 1.6, 2.0, 3.0, 5.0, 10.0, 20.0)
_LAG_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Metrics:
    """One server's; a registry of its own, so that two servers in a process do not add up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._turn = Histogram(
            "visavis_turn_seconds",
            "From the end of a question to each stage of its answer",
            ["stage"],
            buckets=_TURN_BUCKETS,
            registry=self.registry,
        )
        self._lag = Histogram(
            "visavis_event_loop_lag_seconds",
            "How late the event loop is",
            buckets=_LAG_BUCKETS,
            registry=self.registry,
        )
        self._sessions = Gauge("visavis_sessions", "Conversations now", registry=self.registry)
        self._waiting = Gauge("visavis_waiting", "Newcomers in line", registry=self.registry)
        self._skew = Gauge(
            "visavis_skew_seconds",
            "By how much sound is later than its picture, as a page last measured it",
            ["transport"],
            registry=self.registry,
        )
        self._frames = Counter(
            "visavis_frames", "Pictures: sent, shown, dropped as too late", ["fate"], registry=self.registry
        )
        self._interruptions = Counter(
            "visavis_interruptions", "Times that somebody spoke into an answer", ["kind"], registry=self.registry
        )
        self._errors = Counter("visavis_errors", "Failures of an engine", ["slot"], registry=self.registry)
        self._recent = {stage: deque[float](maxlen=TURNS) for stage in STAGES}
        self._lags = deque[float](maxlen=_LAG_SAMPLES)
        self.registry.register(_Percentiles(self))

    def turn(self, stage: str, seconds: float) -> None:
        """A turn has come to a `stage` (of STAGES) `seconds` after the end of its question."""
        self._turn.labels(stage).observe(seconds)
        self._recent[stage].append(seconds)

    def quantile(self, stage: str, q: float) -> float | None:
        """Seconds within which the share `q` (0 … 1) of the last TURNS turns came to `stage`; None before the first."""
        return _quantile(self._recent[stage], q)

    def lag(self, q: float) -> float | None:
        """The same of the event loop's lateness in the last minute."""
        return _quantile(self._lags, q)

    def skew(self, transport: str, seconds: float) -> None:
        """A page has measured by how much sound is later than its picture."""
        self._skew.labels(transport).set(seconds)

    def frames(self, sent: int = 0, shown: int = 0, dropped: int = 0) -> None:
        """So many more pictures were sent, shown, and dropped as too late."""
        for fate, count in (("sent", sent), ("shown", shown), ("dropped", dropped)):
            if count > 0:
                self._frames.labels(fate).inc(count)

    def interruption(self, kind: str) -> None:
        """Somebody spoke into an answer: it was a "hold", that became an "interrupt" or a "resume"."""
        self._interruptions.labels(kind).inc()

    def error(self, slot: str) -> None:
        """An engine has failed."""
        self._errors.labels(slot).inc()

    def count(self, sessions: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Where to look for how many there are, whenever the metrics are read."""
        self._sessions.set_function(sessions)
        self._waiting.set_function(waiting)

    @contextmanager
    def sampling(self) -> Generator[None, None, None]:
        """Measure the running event loop's lateness, 50 times a second, until the block ends."""
        loop = asyncio.get_running_loop()
        handle: asyncio.TimerHandle

        def sample(due: float) -> None:
            nonlocal handle
            now = loop.time()
            late = max(0.0, now - due)
            self._lag.observe(late)
            self._lags.append(late)
            handle = loop.call_at(now + _LAG_PERIOD, sample, now + _LAG_PERIOD)

        begin = loop.time() + _LAG_PERIOD
        handle = loop.call_at(begin, sample, begin)
        try:
            yield
        finally:
            handle.cancel()

    def exposition(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)


class _Percentiles(Collector):
    """Percentiles of the recent past, worked out when they are read."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        turns = GaugeMetricFamily(
            "visavis_turn_seconds_recent", f"Percentiles of the last {TURNS} turns", labels=["stage", "quantile"]
        )
        for stage, q in ((stage, q) for stage in STAGES for q in _QUANTILES):
            if (value := self._metrics.quantile(stage, q)) is not None:
                turns.add_metric([stage, str(q)], value)
        lag = GaugeMetricFamily(
            "visavis_event_loop_lag_seconds_recent", "99th percentile of the last minute", labels=["quantile"]
        )
        if (late := self._metrics.lag(0.99)) is not None:
            lag.add_metric(["0.99"], late)
        return (turns, lag)

    def describe(self) -> Iterator[Metric]:
        return iter(())


def _quantile(values: deque[float], q: float) -> float | None:
    """The smallest value that the share `q` does not exceed."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]
