"""A video's face, framed: followed through the frames, the longest unbroken stretch of it, and its best moment."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.footage import FPS, Footage, open_footage
from visavis.avatars.framing import frame_faces
from visavis.avatars.landmarks import Face, FaceMesh
from visavis.avatars.likeness import REMEDY, Likeness, check_size, faces_in
from visavis.avatars.regions import Region
from visavis.avatars.video import decode_frame, encode_frame
from visavis.errors import NoFace

Floats = NDArray[np.float32]

MAX_FRAMES = 60 * FPS
_MAX_GAP = FPS // 2  # frames without a face that are bridged
_MIN_FRAMES = FPS // 2
_JUMP = 0.5  # of the face's height between two frames: another shot, or another person


def from_video(source: Path, size: int, mesher: FaceMesh, tell: Callable[[float, str], None]) -> Likeness:
    """The face of a video, in square frames of `size` pixels at 25 a second, of its first minute at most.

    The video is read twice, so that no more than a frame of it is in memory besides the finished ones. Raises
    `NoFace` if no face is seen for half a second on end, or it is under `MIN_FACE`; `BadInput` if there is no video.
    """
    footage = open_footage(source)
    remarks: list[str] = []
    faces: list[Face | None] = []
    sharpness: list[float] = []
    expected = min(MAX_FRAMES, max(1, round((footage.duration or 60) * FPS)))
    frames = footage.frames()
    face: Face | None = None
    lost, shape = 0, (0, 0)
    for index, frame in enumerate(islice(frames, MAX_FRAMES)):
        if not index:
            shape = frame.shape[:2]
            if (several := len(faces_in(frame, mesher))) > 1:
                remarks.append(f"{several} faces found: using the largest")
        face = mesher.follow(frame, face, lost)
        lost = 0 if face else lost + 1
        faces.append(face)
        sharpness.append(_sharpness(frame, face.landmarks) if face else 0.0)
        tell(0.05 + 0.5 * min(1.0, index / expected), "following the face")
    remarks += _shortened(footage, len(faces), more=next(frames, None) is not None)
    frames.close()

    start, meshes = longest_stretch(faces)
    if len(meshes) < _MIN_FRAMES:
        raise NoFace(f"no face is seen for half a second on end in {source}: {REMEDY}")
    if len(meshes) < len(faces):
        begin, end = start / FPS, (start + len(meshes)) / FPS
        remarks.append(f"the face is not always seen: using the video from {begin:.1f} s to {end:.1f} s")
    check_size(float(np.median([Face(mesh, 1.0).height for mesh in meshes])), source)

    square = frame_faces(meshes, shape[1], shape[0])
    tracks = square.to_frame(smoothed(meshes), size)
    kept = []
    for index, frame in enumerate(islice(footage.frames(), start, start + len(meshes))):
        kept.append(encode_frame(square.cut(frame, size)))
        tell(0.55 + 0.35 * index / len(meshes), "framing the face")
    tracks = tracks[: len(kept)]
    best = best_moment(tracks, np.array(sharpness[start : start + len(kept)]))
    plate = decode_frame(kept[best]).copy()
    irises = mesher.irises(plate, tracks[best])
    return Likeness(plate, tracks[best], irises, None, tuple(kept), tracks, best, tuple(remarks))


def longest_stretch(faces: list[Face | None]) -> tuple[int, Floats]:
    """Where the longest run of one face begins, and its meshes (t, 468, 3); losses of up to half a second are bridged.

    A face that jumps is another shot's: it ends a run as a longer loss does.
    """
    best: tuple[int, list[Floats]] = (0, [])
    start, lost = 0, 0
    run: list[Floats] = []
    for index, face in enumerate(faces):
        if face is None:
            lost += 1
            continue
        if run and lost <= _MAX_GAP and not _jumped(run[-1], face.landmarks, lost + 1):
            steps = np.arange(1, lost + 1, dtype=np.float32) / (lost + 1)
            run += [run[-1] + step * (face.landmarks - run[-1]) for step in steps]
        else:
            start, run = index, []
        run.append(face.landmarks)
        lost = 0
        if len(run) > len(best[1]):
            best = (start, run)
    return best[0], np.array(best[1], np.float32).reshape(-1, 468, 3)


def smoothed(meshes: Floats) -> Floats:
    """(t, 468, 3) with the frame-to-frame jitter of the mesh taken out, and no delay: a binomial filter over time.

    Its three taps keep .94 of what moves at 2 a second, as heads do, and .65 at 5, as fast lips do.
    """
    padded = np.concatenate([meshes[:1], meshes, meshes[-1:]])
    return np.asarray(0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:], np.float32)


def best_moment(meshes: Floats, sharpness: NDArray[np.float64]) -> int:
    """The frame to make the rig from: mouth closed, eyes open, and sharp."""
    xy = meshes[..., :2]
    width = np.linalg.norm(xy[:, 308] - xy[:, 78], axis=-1)
    gap = np.linalg.norm(xy[:, 14] - xy[:, 13], axis=-1) / width
    opening = np.linalg.norm(xy[:, (159, 386)] - xy[:, (145, 374)], axis=-1).mean(axis=-1) / width
    wide = np.minimum(opening / np.quantile(opening, 0.8), 1.0)
    clear = np.log(np.maximum(sharpness, 1e-6) / max(float(np.median(sharpness)), 1e-6))
    return int(np.argmin(8 * gap + 3 * (1 - wide) - 0.5 * clear))


def _jumped(before: Floats, after: Floats, frames: int) -> bool:
    moved = float(np.linalg.norm((after - before)[:, :2].mean(axis=0)))
    height = min(Face(before, 1.0).height, Face(after, 1.0).height)
    return bool(moved > _JUMP * height * frames**0.5)


def _sharpness(frame: NDArray[np.uint8], landmarks: Floats) -> float:
    """Variance of the Laplacian over the face, at a fixed scale so that frames compare."""
    grey = cv2.cvtColor(Region.around_mesh(landmarks).cut(frame, 192), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def _shortened(footage: Footage, frames: int, more: bool) -> list[str]:
    if more:
        return ["longer than a minute: using the first one"]
    if footage.duration is not None and frames / FPS < min(footage.duration, 60) - 0.5:
        return [f"the file breaks off after {frames / FPS:.1f} s: using what comes before"]
    return []
