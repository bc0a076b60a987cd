"""The report for a person: every number has a name, a unit, a meaning and good values, and the verdict fits them."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from visavis.evaluation import Report, explained
from visavis.evaluation.verdict import MEASURES

GOOD = Report(
    duration=5.92,
    fps=25.0,
    frames=148,
    frames_without_face=0,
    closed_reading=0.0129,
    jitter=5.1,
    mouth_sharpness=1.338,
    sound_excess=-0.01,
    envelope_r=0.27,
    envelope_lag_ms=-75.4,
    pauses=2,
    pause_opening_std=0.001,
    pause_opening_max=0.006,
    opening_r=0.99,
    opening_lag_frames=0,
    opening_best_r=0.99,
    width_r=0.85,
    closures=6,
    closure_recall=1.0,
    vowels=23,
    vowel_open=1.0,
    silences=2,
    silence_opening_std=0.001,
)


def _line(report: Report, name: str) -> str:
    return next(line for line in explained(report) if line[4:].startswith(name))


def test_every_number_of_the_report_is_explained_in_its_order() -> None:
    explanations = [measure.key for several in MEASURES.values() for measure in several]
    assert explanations == [field.name for field in fields(Report)]
    assert all(measure.name and measure.meaning for several in MEASURES.values() for measure in several)


def test_good_lip_sync_gets_a_good_verdict_with_units() -> None:
    lines = list(explained(GOOD))
    assert lines[-1] == "verdict: good in all 13 measures"
    assert not any(line.startswith(("  ✗", "warning")) for line in lines)
    assert _line(GOOD, "length").split()[:3] == ["length", "5.92", "s"]
    assert "-75.4 ms" in _line(GOOD, "lips behind loudness")
    assert "good: -150 to 60 ms" in _line(GOOD, "lips behind loudness")
    assert "100 %   good: at least 90 %" in _line(GOOD, "closed on p, b and m")


@pytest.mark.parametrize(
    ("worse", "name"),
    [
        ({"closure_recall": 0.5}, "closed on p, b and m"),
        ({"opening_lag_frames": 3}, "lips behind intention"),
        ({"envelope_lag_ms": 200.0}, "lips behind loudness"),
        ({"closed_reading": 0.05}, "closed lips read"),
        ({"frames_without_face": 7}, "without a face"),
        ({"jitter": 30.0}, "trembling"),
    ],
)
def test_what_is_not_good_is_marked_and_named_in_the_verdict(worse: dict[str, float], name: str) -> None:
    report = replace(GOOD, **worse)  # type: ignore[arg-type]  # each value is of its field's kind
    assert _line(report, name).startswith(f"  ✗ {name}")
    assert list(explained(report))[-1] == f"verdict: not good in 1 of 13 measures: {name}"


def test_what_was_not_measured_is_not_shown_or_judged() -> None:
    report = Report(5.92, 25.0, 148, 0, 0.0129, None, 1.338)
    lines = list(explained(report))
    assert [line for line in lines if line.endswith(":")] == ["the pictures:"]
    assert not any("trembling" in line for line in lines)
    assert lines[-1] == "verdict: good in all 2 measures"


def test_lips_that_do_something_else_bring_a_warning_about_the_motion_file() -> None:
    other = replace(GOOD, opening_r=0.05, opening_best_r=0.2)
    assert "warning: the lips do not do what the motion file says: is it this video's?" in list(explained(other))
    late = replace(GOOD, opening_r=0.05, opening_best_r=0.95, opening_lag_frames=4)
    assert not any(line.startswith("warning") for line in explained(late))
