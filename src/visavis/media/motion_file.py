"""The motion file read back: what a face was meant to do in a video, as values (docs/motion-file.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.errors import BadInput
from visavis.media.face import ARKIT
from visavis.media.motion import Motion

VERSION = 1
_REMEDY = "make it with `visavis ask … --motion FILE.json`"


@dataclass(frozen=True, slots=True)
class Span:
    """A phone or a word: its symbol or text, and when it is heard, in seconds from the video's start."""

    label: str
    start: float
    end: float


@dataclass(frozen=True, slots=True, eq=False)
class MotionFile:
    """The contents of a motion file. All times are seconds from the video's start."""

    fps: Fraction
    motion: Motion
    """All of it; no rows where the animator went from sound to pictures without it."""
    frame_times: NDArray[np.float64]
    """(n,) when each picture appears."""
    frame_aperture: NDArray[np.float32]
    """(n,) lip gap each picture is to show, 0 … 1; closures between two pictures are in the first of them."""
    frame_width: NDArray[np.float32]
    """(n,) mouth width each picture is to show, -2 rounded … 0 at rest … 1 spread."""
    phones: tuple[Span, ...] | None
    """IPA, silence ''; None: unknown."""
    words: tuple[Span, ...]


def read_motion(path: Path) -> MotionFile:
    """The contents of a motion file. Raises `BadInput` for a file that is missing or is not one."""
    try:
        record = json.loads(path.read_text("utf-8"))
        if record["version"] != VERSION:
            raise BadInput(f"'{path}' is a motion file of version {record['version']}, not {VERSION}: {_REMEDY}")
        return _parse(record)
    except FileNotFoundError:
        raise BadInput(f"there is no file '{path}': check the path") from None
    except OSError as error:
        raise BadInput(f"'{path}' cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadInput(f"'{path}' is not a motion file: {_REMEDY}") from None


def _parse(record: Mapping[str, Any]) -> MotionFile:
    curves = np.array(record["curves"], np.float32).reshape(-1, len(ARKIT))
    fps = Fraction(record["fps"])
    motion = Motion(
        curves,
        np.array(record["head"], np.float32).reshape(len(curves), 6),
        int(record["motion_rate"]),
        float(record["motion_start"]),
        {name: np.array(channel, np.float32) for name, channel in record["extra"].items()},
    )
    return MotionFile(
        fps=fps,
        motion=motion,
        frame_times=np.array(record["frame_times"], np.float64),
        frame_aperture=np.array(record["frame_aperture"], np.float32),
        frame_width=np.array(record["frame_width"], np.float32),
        phones=None if record["phones"] is None else _spans("symbol", record["phones"]),
        words=_spans("text", record["words"]),
    )


def _spans(name: str, records: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    return tuple(Span(str(r[name]), float(r["start"]), float(r["end"])) for r in records)
