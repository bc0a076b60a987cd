"""The report on a video: every measure with its unit, made from the pictures, the sound and, if given, the target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from visavis.errors import BadInput
from visavis.evaluation import lips, sound, stability
from visavis.evaluation.faces import READINGS, FaceTrack, length, track_face
from visavis.media.motion_file import MotionFile

_REACH = 5
"""Pictures: how far the target is shifted in search of the best lag."""


_UNLIKE = 0.5
"""Seconds by which a video's length may differ from its motion's."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured; None where there is nothing to measure it on.

    Openings are the gap between the inner lips in units of W, the mouth's width at rest, less `closed_reading`.
    """

    duration: float
    """Seconds of video."""
    fps: float
    """Pictures a second."""
    frames: int
    """Pictures."""
    frames_without_face: int
    """Pictures in which no face is found; they are left out of everything else."""
    closed_reading: float
    """What the mesh reads on this face's closed lips, in W; at its limit of .05 the mouth may never have closed."""
    jitter: float | None
    """Mean second difference of points that move only with the head, in thousandths of the distance between the
    outer eye corners. A still face reads 1 to 2, a head that sways 3, one that trembles by a pixel at 512 about 10."""
    mouth_sharpness: float | None
    """Variance of the Laplacian about the lips over that of the rest of the face, median. Well below a still
    picture's of the same face: a blurred mouth."""
    sound_excess: float | None = None
    """Seconds by which the sound lasts longer than the pictures."""
    envelope_r: float | None = None
    """Pearson's r of the opening and the sound's loudness, at the best lag. Loudness is a poor target: .3 is common."""
    envelope_lag_ms: float | None = None
    """Milliseconds by which the lips follow the sound, at the best r; negative: they lead."""
    pauses: int | None = None
    """Runs of at least 300 ms in which the sound says nobody speaks."""
    pause_opening_std: float | None = None
    """Standard deviation of the opening in them, 100 ms at both ends left out, in W."""
    pause_opening_max: float | None = None
    """The widest opening in them, in W."""
    opening_r: float | None = None
    """Pearson's r of the opening and the target's, picture by picture."""
    opening_lag_frames: int | None = None
    """The lag within ±5 pictures with the highest r; positive: the lips are late."""
    opening_best_r: float | None = None
    """Pearson's r at that lag."""
    width_r: float | None = None
    """Pearson's r of the mouth's width and the target's."""
    closures: int | None = None
    """How many p, b and m are said."""
    closure_recall: float | None = None
    """The share of them in which a picture shows lips closed: an opening under .04 W."""
    vowels: int | None = None
    """How many vowels are said."""
    vowel_open: float | None = None
    """The share of them that are open: over .08 W at the centre, give or take a picture."""
    silences: int | None = None
    """Silences of more than 300 ms between the phones."""
    silence_opening_std: float | None = None
    """Standard deviation of the opening in them, 100 ms at both ends left out, in W."""


def evaluate(
    video: Path,
    motion: MotionFile | None,
    progress: Callable[[float], None] = lambda seconds: None,
    readings: int = READINGS,
) -> Report:
    """Measure a video of a speaking face, against its target motion if there is one, telling the seconds done.

    Blocking; 10 ms CPU a picture and reading, see `track_face` for these. Raises `BadInput` if it is no video or shows
    no face, and for the motion of another video, which shows in its length.
    """
    if motion is not None and len(motion.frame_times) and (seconds := length(video)) is not None:
        meant = float(motion.frame_times[-1] + 1 / motion.fps)
        if abs(seconds - meant) > _UNLIKE:
            raise BadInput(
                f"the motion file belongs to another video: it lasts {meant:.1f} s, and '{video}' {seconds:.1f} s; "
                "give the one that was written with this video, or none"
            )
    return measure(track_face(video, progress, readings), video, motion)


def measure(face: FaceTrack, video: Path, motion: MotionFile | None) -> Report:
    """The report on a face that has been followed already, with the sound of `video`."""
    report = Report(
        duration=float(face.times[-1] + 1 / face.fps),
        fps=face.fps,
        frames=len(face.times),
        frames_without_face=int((~face.found).sum()),
        closed_reading=face.closed_reading,
        jitter=stability.jitter(face.still),
        mouth_sharpness=float(np.nanmedian(face.mouth_sharpness)),
    )
    report = _with_sound(report, face, video)
    return _plain(report if motion is None else _with_target(report, face, motion))


def _with_sound(report: Report, face: FaceTrack, video: Path) -> Report:
    try:
        level, seconds = sound.envelope(video)
    except BadInput:  # a silent film
        return report
    lag = lips.envelope_lag(face.opening, face.times, level)
    quiet = sound.pauses(level, lips.PAUSE)
    still = face.opening[lips.within(face.times, quiet) & face.found]
    return replace(
        report,
        sound_excess=seconds - report.duration,
        envelope_lag_ms=None if lag is None else lag[0],
        envelope_r=None if lag is None else lag[1],
        pauses=len(quiet),
        pause_opening_std=still.std() if len(still) else None,
        pause_opening_max=still.max() if len(still) else None,
    )


def _with_target(report: Report, face: FaceTrack, target: MotionFile) -> Report:
    if len(target.frame_aperture):
        # the target's picture that is on screen when the video's is in its middle
        row = np.searchsorted(target.frame_times, face.times + 0.5 / face.fps) - 1
        meant = np.clip(row, 0, len(target.frame_aperture) - 1)
        aperture, width = target.frame_aperture[meant], target.frame_width[meant]
        lags = lips.lagged(face.opening, aperture, _REACH)
        best = max(lags, key=lambda found: found[1], default=None)
        report = replace(
            report,
            opening_r=lips.correlation(face.opening, aperture),
            opening_lag_frames=None if best is None else best[0],
            opening_best_r=None if best is None else best[1],
            width_r=lips.correlation(face.width, width),
        )
    if target.phones is None:
        return report
    said, closed = lips.closures(face.opening, face.fps, target.phones)
    voiced, opened = lips.open_vowels(face.opening, face.fps, target.phones)
    quiet = lips.silences(target.phones, report.duration)
    still = face.opening[lips.within(face.times, quiet) & face.found]
    return replace(
        report,
        closures=said,
        closure_recall=closed / said if said else None,
        vowels=voiced,
        vowel_open=opened / voiced if voiced else None,
        silences=len(quiet),
        silence_opening_std=still.std() if len(still) else None,
    )


def _plain(report: Report) -> Report:
    """The same in Python's own numbers, rounded to what they mean; what is not a number is None."""
    values: dict[str, float | int | None] = {}
    for field in fields(report):
        value = getattr(report, field.name)
        if value is None or isinstance(value, int):
            values[field.name] = value
        else:
            values[field.name] = round(float(value), 4) if np.isfinite(value) else None
    return Report(**values)  # type: ignore[arg-type]  # the fields keep their kinds
