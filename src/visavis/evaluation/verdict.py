"""What a report's numbers mean, for a person: a name, a unit, good values, and in the end a verdict.

Good values are where the product's own videos of every reference picture and voice lie (benchmarks/results), with
some room; what no value is good or bad for has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from visavis.evaluation.report import Report

SHARE = "%"
"""The unit of a share, which is kept as 0 … 1."""
_UNRELATED = 0.3
"""Pearson's r under which lips and intended motion have nothing to do with each other."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of the report, explained."""

    key: str
    """Its field in `Report`."""
    name: str
    unit: str
    meaning: str
    least: float = -inf
    most: float = inf

    @property
    def judged(self) -> bool:
        """Whether there are good values."""
        return self.least > -inf or self.most < inf

    @property
    def good(self) -> str:
        """The good values, in words."""
        if not self.judged:
            return ""
        if self.most == inf:
            return f"at least {self.shown(self.least)}"
        if self.least == -inf:
            return f"at most {self.shown(self.most)}"
        return f"{self.least:g} to {self.shown(self.most)}"

    def shown(self, value: float) -> str:
        """A value with its unit."""
        if self.unit == SHARE:
            return f"{100 * value:.0f} %"
        number = f"{value:.3g}" if isinstance(value, int) or abs(value) < 1000 else f"{value:.0f}"
        return f"{number} {self.unit}".rstrip()


MEASURES = {
    "the pictures": (
        Measure("duration", "length", "s", "of the pictures"),
        Measure("fps", "rate", "pictures/s", "pictures a second"),
        Measure("frames", "pictures", "", "how many there are"),
        Measure("frames_without_face", "without a face", "pictures", "left out of everything else", most=0),
        Measure("closed_reading", "closed lips read", "W", "at 0.05 the mouth may never have closed", most=0.049),
        Measure("jitter", "trembling", "‰", "of the distance between the eyes; a still face has 1 or 2", most=12),
        Measure("mouth_sharpness", "sharpness of the mouth", "×", "the rest of the face's; low: a blurred mouth"),
    ),
    "lips and sound": (
        Measure("sound_excess", "sound beyond the pictures", "s", "negative: it ends before them", -0.1, 0.1),
        Measure("envelope_r", "opening and loudness", "r", "1: alike, 0: unrelated; 0.3 is common for good lips"),
        Measure("envelope_lag_ms", "lips behind loudness", "ms", "negative: ahead, as lips are by nature", -150, 60),
        Measure("pauses", "pauses", "", "in which nobody speaks for 300 ms"),
        Measure("pause_opening_std", "movement in pauses", "W", "how much the opening varies", most=0.02),
        Measure("pause_opening_max", "widest opening in pauses", "W", "0: closed", most=0.08),
    ),
    "lips and the intended motion": (
        Measure("opening_r", "opening as intended", "r", "1: alike, 0: unrelated", 0.8),
        Measure("opening_lag_frames", "lips behind intention", "pictures", "negative: ahead", -1, 1),
        Measure("opening_best_r", "opening at that lag", "r", "1: alike, 0: unrelated"),
        Measure("width_r", "width as intended", "r", "1: alike, 0: unrelated", 0.3),
        Measure("closures", "p, b and m", "", "how many are said"),
        Measure("closure_recall", "closed on p, b and m", SHARE, "of them show lips that touch", 0.9),
        Measure("vowels", "vowels", "", "how many are said"),
        Measure("vowel_open", "open on vowels", SHARE, "of them show a mouth that is open", 0.85),
        Measure("silences", "silences", "", "of more than 300 ms between the sounds"),
        Measure("silence_opening_std", "movement in silences", "W", "how much the opening varies", most=0.02),
    ),
}
"""Every field of the report, in its order."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A measure and its value."""

    measure: Measure
    value: float

    @property
    def good(self) -> bool:
        """Whether the value is among the good ones, which any is where there are none."""
        return self.measure.least <= self.value <= self.measure.most


def judge(report: Report) -> dict[str, list[Judged]]:
    """What was measured, by subject; a subject of which nothing was measured is left out."""
    found = {
        subject: [Judged(measure, value) for measure in measures if (value := getattr(report, measure.key)) is not None]
        for subject, measures in MEASURES.items()
    }
    return {subject: judged for subject, judged in found.items() if judged}


def explained(report: Report) -> Iterator[str]:
    """The report in lines for a person, the verdict last."""
    found = judge(report)
    every = [judged for several in found.values() for judged in several]
    for subject, several in found.items():
        yield f"{subject}:"
        for each in several:
            measure = each.measure
            sign = " " if not measure.judged else "✓" if each.good else "✗"
            good = f"good: {measure.good}" if measure.judged else ""
            yield f"  {sign} {measure.name:25} {measure.shown(each.value):>14}   {good:27} {measure.meaning}"
    yield "W: the mouth's width at rest   r: Pearson's correlation"
    if report.opening_r is not None and max(report.opening_r, report.opening_best_r or 0) < _UNRELATED:
        yield "warning: the lips do not do what the motion file says: is it this video's?"
    bad = [each.measure.name for each in every if not each.good]
    judged = sum(each.measure.judged for each in every)
    if bad:
        yield f"verdict: not good in {len(bad)} of {judged} measures: {', '.join(bad)}"
    else:
        yield f"verdict: good in all {judged} measures"
