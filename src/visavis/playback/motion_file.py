"""What a face was meant to do, written beside its video: curves, phones, words and times (docs/motion-file.md)."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from visavis.media.clip import Clip
from visavis.media.face import ARKIT, from_curves, lip_gap
from visavis.media.motion import Motion
from visavis.media.motion_file import VERSION, MotionFile, Span, read_motion
from visavis.media.video import frame_times
from visavis.playback.parts import check_place, part_of, writing

__all__ = ["MotionFile", "MotionWriter", "check_motion", "read_motion"]

_DIGITS = 4
_BLOCK = 1_000
_CLIP = ("start", "duration", "sentence", "frames")


def check_motion(path: Path) -> None:
    """See that a motion file can be written at `path`, before any work is done for it: `OutputFailed` if not."""
    check_place(path, "name a file in it for the motion")


class MotionWriter:
    """Writes the motion of clips as they pass by: `with MotionWriter(path, fps) as motion: … motion.add(clip)`.

    The curves go to the disk at once, so a long answer needs little memory. The file is in its place after the
    block, and is not there if the block failed. With a path of None all of it does nothing. Raises `OutputFailed`
    where the file cannot be written, a missing folder on entering.
    """

    def __init__(self, path: Path | None, fps: Fraction) -> None:
        self._path = path
        self._fps = fps
        self._origin: int | None = None
        self._rate = 0
        self._motion_rate = 0
        self._first_row = 0.0
        self._rows = 0
        self._head = array("f")
        self._extra: dict[str, array[float]] = {}
        self._aperture = array("f")
        self._frame_times = array("d")
        self._frame_aperture = array("f")
        self._frame_width = array("f")
        self._phones: list[Span] | None = None
        self._words: list[Span] = []
        self._clips: list[tuple[float, float, int, int]] = []
        self._sentences: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        if self._path is not None:
            check_motion(self._path)
            self._part = part_of(self._path)
            with writing(self._path):
                self._file: IO[str] = self._part.open("w", encoding="utf-8")
                self._file.write(f'{{"version": {VERSION}, "names": {json.dumps(ARKIT)},\n"curves": [')
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        if self._path is None:
            return
        try:
            with writing(self._path):
                if kind is None:
                    self._finish()
                self._file.close()
                if kind is None:
                    self._part.replace(self._path)
        finally:
            self._file.close()
            self._part.unlink(missing_ok=True)

    def add(self, clip: Clip) -> None:
        """Take a clip's motion, phones, words and times."""
        if self._path is None:
            return
        if self._origin is None:
            self._origin, self._rate = clip.audio.start, clip.audio.rate
        start = self._seconds(clip, 0)
        times = [(t - self._origin) / self._rate for t in _frame_starts(clip, self._fps)]
        self._frame_times.extend(times)
        self._clips.append((_rounded(start), _rounded(clip.audio.duration), clip.sentence, len(times)))
        if clip.text:
            self._sentences.append({"start": _rounded(start), "text": clip.text})
        self._words += [Span(w.text, self._seconds(clip, w.start), self._seconds(clip, w.end)) for w in clip.words]
        for phone in clip.phones or ():
            self._add_phone(Span(phone.symbol, self._seconds(clip, phone.start), self._seconds(clip, phone.end)))
        if clip.motion is not None:
            self._add_motion(clip.motion, [t + self._origin / self._rate for t in times])

    def _seconds(self, clip: Clip, samples: int) -> float:
        assert self._origin is not None
        return (clip.audio.start - self._origin + samples) / self._rate

    def _add_phone(self, phone: Span) -> None:
        """A phone that overlaps two clips is told by both."""
        if self._phones is None:
            self._phones = []
        last = self._phones[-1] if self._phones else None
        if last is None or phone.start > last.start + 1e-9:
            self._phones.append(phone)
        elif phone.end > last.end:
            self._phones[-1] = Span(last.label, last.start, phone.end)

    def _add_motion(self, motion: Motion, times: Sequence[float]) -> None:
        assert self._path is not None
        assert self._origin is not None
        if not self._rows:
            self._motion_rate = motion.rate
            self._first_row = motion.start - self._origin / self._rate
        if len(motion):
            rows = json.dumps(np.round(motion.curves.astype(np.float64), _DIGITS).tolist())[1:-1]
            with writing(self._path):
                self._file.write((",\n" if self._rows else "\n") + rows.replace("], [", "],\n["))
        for name in motion.extra.keys() - self._extra.keys():
            self._extra[name] = array("f", bytes(4 * self._rows))
        for name, channel in self._extra.items():
            channel.extend(motion.extra.get(name, np.zeros(len(motion), np.float32)).tolist())
        self._rows += len(motion)
        self._head.extend(motion.head.astype(float).ravel().tolist())
        self._aperture.extend(lip_gap(motion.curves).tolist())
        if times:
            shown = motion.sample(times, float(1 / self._fps))
            controls = from_curves(shown.curves)
            self._frame_aperture.extend(controls.aperture.tolist())
            self._frame_width.extend((controls.width - controls.round).tolist())

    def _finish(self) -> None:
        self._file.write("\n]")
        self._numbers("head", np.frombuffer(self._head, np.float32).reshape(-1, 6))
        self._file.write(',\n"extra": {')
        for i, (name, channel) in enumerate(sorted(self._extra.items())):
            self._file.write(", " if i else "")
            self._numbers(name, np.frombuffer(channel, np.float32), before="")
        self._file.write("}")
        self._numbers("aperture", np.frombuffer(self._aperture, np.float32))
        self._value("rate", self._rate)
        self._value("fps", str(self._fps))
        self._value("motion_rate", self._motion_rate)
        self._value("motion_start", _rounded(self._first_row))
        self._numbers("frame_times", np.frombuffer(self._frame_times, np.float64), digits=6)
        self._numbers("frame_aperture", np.frombuffer(self._frame_aperture, np.float32))
        self._numbers("frame_width", np.frombuffer(self._frame_width, np.float32))
        self._value("phones", None if self._phones is None else [_record("symbol", phone) for phone in self._phones])
        self._value("words", [_record("text", word) for word in self._words])
        self._value("sentences", self._sentences)
        self._value("clips", [dict(zip(_CLIP, clip, strict=True)) for clip in self._clips])
        self._file.write("}\n")

    def _value(self, name: str, value: Any) -> None:
        self._file.write(f",\n{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}")

    def _numbers(self, name: str, values: NDArray[Any], digits: int = _DIGITS, before: str = ",\n") -> None:
        """A list of numbers or rows, a block at a time: Python's numbers take ten times an array's memory."""
        self._file.write(f"{before}{json.dumps(name)}: [")
        for begin in range(0, len(values), _BLOCK):
            block = np.round(values[begin : begin + _BLOCK].astype(np.float64), digits).tolist()
            self._file.write((", " if begin else "") + json.dumps(block)[1:-1])
        self._file.write("]")


def _frame_starts(clip: Clip, fps: Fraction) -> list[int]:
    if clip.frames:
        return [frame.start for frame in clip.frames]
    return frame_times(clip.audio.start, clip.audio.end, clip.audio.rate, fps)


def _rounded(seconds: float) -> float:
    return round(seconds, 6)


def _record(name: str, span: Span) -> dict[str, str | float]:
    return {name: span.label, "start": _rounded(span.start), "end": _rounded(span.end)}
