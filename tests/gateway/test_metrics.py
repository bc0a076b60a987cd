"""The server knows how fast it is, and tells it in a form that Prometheus reads."""

from __future__ import annotations

import asyncio
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from visavis.gateway.events import Timings
from visavis.gateway.metrics import STAGES, TURNS, Metrics


def _told(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every sample by its name and its labels' values, sorted."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def test_the_stages_are_those_of_the_wire() -> None:
    assert set(STAGES) == set(Timings.model_fields) - {"type", "turn"}


def test_percentiles_are_of_the_last_turns_only() -> None:
    metrics = Metrics()
    assert metrics.quantile("shown", 0.5) is None
    for _ in range(TURNS):
        metrics.turn("shown", 100.0)
    for number in range(1, TURNS + 1):
        metrics.turn("shown", number / TURNS)
    assert metrics.quantile("shown", 0.5) == 0.5
    assert metrics.quantile("shown", 0.95) == 0.95
    assert metrics.quantile("shown", 1.0) == 1.0
    assert metrics.quantile("shown", 0.0) == 1 / TURNS
    assert metrics.quantile("audio", 0.5) is None


def test_everything_is_told_to_prometheus() -> None:
    metrics = Metrics()
    metrics.turn("word", 0.3)
    metrics.turn("word", 0.5)
    metrics.skew("webrtc", -0.02)
    metrics.frames(sent=10, shown=9, dropped=1)
    metrics.frames(sent=5)
    metrics.interruption("hold")
    metrics.error("tts")
    metrics.count(lambda: 3, lambda: 2)
    told = _told(metrics)
    assert told[("visavis_turn_seconds_count", "word")] == 2
    assert told[("visavis_turn_seconds_sum", "word")] == pytest.approx(0.8)
    assert told[("visavis_turn_seconds_recent", "0.5", "word")] == 0.3
    assert told[("visavis_turn_seconds_recent", "0.95", "word")] == 0.5
    assert told[("visavis_skew_seconds", "webrtc")] == -0.02
    assert told[("visavis_frames_total", "sent")] == 15
    assert told[("visavis_frames_total", "dropped")] == 1
    assert told[("visavis_interruptions_total", "hold")] == 1
    assert told[("visavis_errors_total", "tts")] == 1
    assert told[("visavis_sessions",)] == 3
    assert told[("visavis_waiting",)] == 2


def test_two_servers_in_a_process_do_not_add_up() -> None:
    one, other = Metrics(), Metrics()
    one.error("llm")
    assert ("visavis_errors_total", "llm") not in _told(other)


async def test_a_step_that_blocks_the_event_loop_is_seen_as_its_lag() -> None:
    metrics = Metrics()
    assert metrics.lag(0.99) is None
    with metrics.sampling():
        await asyncio.sleep(0.1)
        time.sleep(0.3)  # noqa: ASYNC251  # that is what is measured
        await asyncio.sleep(0.1)
    worst = metrics.lag(1.0)
    assert worst is not None
    assert worst >= 0.25
    assert _told(metrics)[("visavis_event_loop_lag_seconds_recent", "0.99")] >= 0.25
    counted = _told(metrics)[("visavis_event_loop_lag_seconds_count",)]
    await asyncio.sleep(0.1)
    assert _told(metrics)[("visavis_event_loop_lag_seconds_count",)] == counted
