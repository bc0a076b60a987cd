"""Transcripts as subtitle files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Segment:
    """An utterance and when it was said, in seconds."""

    text: str
    begin: float
    end: float
    words: tuple[tuple[str, float, float], ...] = ()
    """Text, begin and end of each."""


def srt(segments: Sequence[Segment]) -> str:
    """SubRip."""
    return "\n".join(
        f"{k}\n{_time(each.begin, ',')} --> {_time(each.end, ',')}\n{each.text}\n"
        for k, each in enumerate(segments, start=1)
    )


def vtt(segments: Sequence[Segment]) -> str:
    """WebVTT."""
    cues = (f"{_time(each.begin, '.')} --> {_time(each.end, '.')}\n{each.text}\n" for each in segments)
    return "WEBVTT\n\n" + "\n".join(cues)


def _time(seconds: float, point: str) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"
