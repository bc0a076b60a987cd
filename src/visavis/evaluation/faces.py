"""What the face does in each picture of a video: its mesh is found again in every one, and a few numbers are kept.

The mesh network reads the gap between lips that do not change as anything within ±.03 mouth widths, depending on how
the face lies in the network's crop (s.d. .015 on still portraits shifted by up to 8 of its 192 pixels). So each
picture is read in several crops and the mean taken, which leaves .006; and on lips that touch it reads up to .05 of
its own, the same through a video, which `FaceTrack.opening` takes off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.landmarks import MESH_SCORE, Face, FaceMesh
from visavis.errors import BadInput

Floats = NDArray[np.float32]

INNER_CORNERS = (78, 308)
"""Of the lips, on the viewer's left and right."""
INNER_PAIRS = ((82, 87), (13, 14), (312, 317))
"""Points on the inner edges of the upper and the lower lip that face each other, about the middle of the mouth."""
EYE_CORNERS = (33, 263)
"""The outer ones: their distance is the face's scale, because nothing in the face moves them."""
STILL_POINTS = (6, 10, 33, 67, 109, 127, 133, 168, 195, 197, 234, 263, 297, 338, 356, 362, 454, 4)
"""Forehead, eye corners, temples and nose: what moves only with the head."""
CLOSED_READING = (-0.05, 0.05)
"""What the network may read on lips that touch, in mouth widths; a larger gap at the most closed is a mouth ajar."""
_CLOSED_SHARE = 0.1
"""The gap that a tenth of the pictures stay below is the middle of a talking face's closed lips."""
_CROPS = (
    (0.0, -5.0, 1.0), (-4.3, 2.5, 0.9), (4.3, 2.5, 0.8),
    (-4.0, -4.0, 1.05), (4.0, -4.0, 0.95), (-4.0, 4.0, 0.85),
    (4.0, 4.0, 1.05), (-4.0, -4.0, 0.95), (4.0, -4.0, 0.85),
)  # fmt: skip
"""Shift right and down in the network's pixels, and scale, of the crops a picture is read in. The network's error is
unlike for crops some 4 pixels apart; smaller crops show it more of the mouth."""
READINGS = 3
"""Of these crops, as many as are read unless more are asked for: each takes 10 ms."""
CAREFUL = len(_CROPS)
_CROP_SIDE = 192
_LIPS = (61, 291, 0, 17)
_OVAL = (10, 152, 234, 454)
_CONTAINERS = "mov,matroska,webm,avi,asf,flv,mpeg,mpegts,ogg"


@dataclass(frozen=True, slots=True, eq=False)
class FaceTrack:
    """A face through a video, one row a picture; rows of pictures without a face are NaN."""

    times: NDArray[np.float64]
    """(t,) seconds: when each picture appears."""
    fps: float
    """Pictures a second."""
    gap: Floats
    """(t,) from the inner edge of the upper lip down to the lower one's, square to the line of the mouth's corners;
    the mean of `INNER_PAIRS`, in distances between the outer eye corners. Slightly negative: lips that overlap."""
    width: Floats
    """(t,) between the inner corners of the lips, in the same unit."""
    still: Floats
    """(t, n, 2) `STILL_POINTS`, in the same unit, but the video's median one: a noisy scale is no motion."""
    mouth_sharpness: Floats
    """(t,) variance of the Laplacian about the lips, over that of the rest of the face."""

    @property
    def found(self) -> NDArray[np.bool_]:
        """(t,) whether there is a face."""
        return np.isfinite(self.gap)

    @property
    def rest_width(self) -> float:
        """W: the mouth's width at rest, the median over the quarter of the pictures whose lips are closest."""
        gap, width = self.gap[self.found], self.width[self.found]
        return float(np.median(width[gap <= np.quantile(gap, 0.25)]))

    @property
    def closed_reading(self) -> float:
        """What the mesh reads on this face's closed lips, in units of W, within `CLOSED_READING`."""
        closed = np.quantile(self.gap[self.found], _CLOSED_SHARE) / self.rest_width
        return float(np.clip(closed, *CLOSED_READING))

    @property
    def opening(self) -> Floats:
        """(t,) the gap in units of W, less what the mesh reads on closed lips."""
        return np.asarray(self.gap / self.rest_width - self.closed_reading, np.float32)


def track_face(video: Path, progress: Callable[[float], None], readings: int = READINGS) -> FaceTrack:
    """Follow the (largest) face through a video, telling `progress` the seconds done.

    The face is read so many times in each picture, at most `CAREFUL`, and the mean taken: the network's own error, a
    hundredth of the mouth's width in a painting, becomes less.
    About 100 numbers a picture are kept, so memory is bounded by the length only slightly. Raises `BadInput` for what
    is no video, and where no picture shows a face.
    """
    mesher = FaceMesh()
    times: list[float] = []
    rows: list[Floats] = []
    face: Face | None = None
    fps = 0.0
    for time, fps, picture in _pictures(video):  # noqa: B007  # the last picture's rate is the video's
        face = mesher.follow(picture, face)
        if face is not None:
            face = _averaged(mesher, picture, face, readings)
        times.append(time)
        rows.append(_ABSENT if face is None else _measure(picture, face.landmarks))
        progress(time)
    if not any(np.isfinite(row[0]) for row in rows):
        raise BadInput(f"no face is found in '{video}': give a video of one speaking face")
    table = np.stack(rows)
    scale = np.nanmedian(table[:, 3])
    return FaceTrack(
        times=np.array(times) - times[0],
        fps=fps,
        gap=table[:, 0],
        width=table[:, 1],
        mouth_sharpness=table[:, 2],
        still=table[:, 4:].reshape(len(table), -1, 2) / scale,
    )


def length(video: Path) -> float | None:
    """Seconds of a video's pictures as its header has it; None where it does not say, or is no video."""
    try:
        with _opened(video) as file:
            stream = file.streams.video[0]
            if stream.duration and stream.time_base:
                return float(stream.duration * stream.time_base)
            return file.duration / av.time_base if file.duration else None
    except (av.error.FFmpegError, OSError, IndexError):
        return None


def lip_gap(landmarks: Floats) -> float:
    """Pixels between the inner lips, as `FaceTrack.gap` has it; landmarks (468, 2 or 3)."""
    left, right = landmarks[list(INNER_CORNERS), :2]
    along = (right - left) / max(float(np.linalg.norm(right - left)), 1e-6)
    down = np.array((-along[1], along[0]))
    return float(np.mean([(landmarks[low, :2] - landmarks[up, :2]) @ down for up, low in INNER_PAIRS]))


_ABSENT = np.full(4 + 2 * len(STILL_POINTS), np.nan, np.float32)


def _averaged(mesher: FaceMesh, picture: NDArray[np.uint8], face: Face, readings: int) -> Face | None:
    """The mean mesh of the first of `_CROPS` about the face; None if that is no face."""
    low, high = face.landmarks.min(axis=0), face.landmarks.max(axis=0)
    middle = (low + high) / 2
    pixel = 1.5 * float((high - low)[:2].max()) / _CROP_SIDE
    read = []
    for right, down, scale in _CROPS[:readings]:
        shift = np.array((right * pixel, down * pixel, 0), np.float32)
        read.append(mesher.mesh(picture, previous=middle + scale * (face.landmarks - middle) + shift))
    score = float(np.mean([one.score for one in read]))
    return Face(np.mean([one.landmarks for one in read], axis=0), score) if score >= MESH_SCORE else None


def _measure(picture: NDArray[np.uint8], landmarks: Floats) -> Floats:
    points = landmarks[:, :2]
    scale = max(float(np.linalg.norm(points[EYE_CORNERS[1]] - points[EYE_CORNERS[0]])), 1e-6)
    width = float(np.linalg.norm(points[INNER_CORNERS[1]] - points[INNER_CORNERS[0]]))
    head = (lip_gap(landmarks) / scale, width / scale, _mouth_sharpness(picture, points), scale)
    return np.concatenate([np.array(head, np.float32), points[list(STILL_POINTS)].ravel()])


def _mouth_sharpness(picture: NDArray[np.uint8], points: Floats) -> float:
    """Variance of the Laplacian in the box of the lips over that in the rest of the face's box."""
    left, top, right, bottom = _box(points[list(_OVAL)], picture.shape, 0.0)
    if right - left < 8 or bottom - top < 8:
        return float("nan")
    grey = cv2.cvtColor(np.ascontiguousarray(picture[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    rest = np.ones(edges.shape, bool)
    x0, y0, x1, y1 = _box(points[list(_LIPS)], picture.shape, 0.15)
    x0, y0, x1, y1 = max(x0 - left, 0), max(y0 - top, 0), max(x1 - left, 0), max(y1 - top, 0)
    rest[y0:y1, x0:x1] = False
    mouth = edges[y0:y1, x0:x1]
    if not mouth.size or not rest.any():
        return float("nan")
    return float(mouth.var() / max(float(edges[rest].var()), 1e-6))


def _box(points: Floats, shape: tuple[int, ...], margin: float) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a box about the points, widened by a share of its size and kept in the picture."""
    low, high = points.min(axis=0), points.max(axis=0)
    low, high = low - margin * (high - low), high + margin * (high - low)
    left, right = (int(np.clip(v, 0, shape[1])) for v in (low[0], high[0]))
    top, bottom = (int(np.clip(v, 0, shape[0])) for v in (low[1], high[1]))
    return left, top, right, bottom


def _opened(video: Path) -> av.container.InputContainer:
    return av.open(f"file:{video}", options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"})


def _pictures(video: Path) -> Iterator[tuple[float, float, NDArray[np.uint8]]]:
    """The time in seconds, pictures a second and (h, w, 3) RGB pixels of each picture; a damaged file ends early."""
    if not video.is_file():
        raise BadInput(f"there is no file '{video}': check the path")
    count = 0
    try:
        with _opened(video) as file:
            if not file.streams.video:
                raise BadInput(f"there is no picture in '{video}': give a video of one speaking face")
            stream = file.streams.video[0]
            rate = float(stream.average_rate or 25)
            for frame in file.decode(stream):
                time = frame.time if frame.time is not None else count / rate
                count += 1
                yield time, rate, frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    except (av.error.FFmpegError, OSError):
        if not count:
            raise BadInput(
                f"'{video}' is not a video that can be read (corrupt or mislabelled): use MP4 or WebM"
            ) from None
