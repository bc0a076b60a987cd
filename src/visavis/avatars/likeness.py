"""A picture's face, framed: what a rig is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.framing import frame_faces, unbordered
from visavis.avatars.landmarks import MESH_SCORE, Face, FaceMesh
from visavis.avatars.pictures import load_picture
from visavis.errors import NoFace

MIN_FACE = 64
"""Pixels from forehead to chin in the source, below which a face is too coarse to speak."""
REMEDY = "use one that shows a face upright and from the front, in good light"

_SHARPEN = 0.35  # pays for the one resampling that each rendered frame goes through
_BLUR = 1 / 512  # of the frame's side: what the sharpening takes for softness
_MOST_FACES = 12  # looked at more closely


_SURER = 0.05
"""Of a face the other way up, beyond which the picture is taken to be turned."""


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """A framed face; the fields are those of `Avatar`."""

    plate: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    irises: NDArray[np.float32]
    alpha: NDArray[np.uint8] | None = None
    frames: tuple[bytes, ...] = ()
    tracks: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 468, 3), np.float32))
    reference: int = 0
    remarks: tuple[str, ...] = ()
    """What a person should know of the making."""


def from_picture(source: Path, size: int, mesher: FaceMesh) -> Likeness:
    """The largest face in a picture, in a square frame of `size` pixels.

    Raises `NoFace` if there is none or it is under `MIN_FACE`, `BadInput` if there is no picture to read.
    """
    picture = load_picture(source)
    inside = unbordered(picture.pixels)
    pixels = picture.pixels[inside]
    faces = faces_in(pixels, mesher)
    if not faces:
        raise NoFace(f"no face is found in {source}: {REMEDY}")
    check_size(faces[0].height, source)
    remarks = (f"{len(faces)} faces found: using the largest",) if len(faces) > 1 else ()

    square = frame_faces(faces[0].landmarks[None], pixels.shape[1], pixels.shape[0])
    plate = square.cut(pixels, size)
    _check_upright(plate, source, mesher)
    rough = square.to_frame(faces[0].landmarks, size)
    irises, landmarks = mesher.eyes(plate, _again(plate, rough, mesher))
    alpha = None if picture.alpha is None else square.cut(picture.alpha[inside], size)
    if alpha is not None and alpha.min() == 255:
        alpha = None
    return Likeness(_sharpened(plate), landmarks, irises, alpha, remarks=remarks)


def _check_upright(plate: NDArray[np.uint8], source: Path, mesher: FaceMesh) -> None:
    """Raises `NoFace` for a picture that lies on its side or stands on its head.

    The detector finds a turned face too, and the mesh then draws an upright one over it; but it is surer of the face
    the right way up, by .05 to .25 where the wrong way is never surer.
    """
    scores = []
    for quarter in range(4):
        found = mesher.detect(np.ascontiguousarray(np.rot90(plate, quarter)))
        scores.append(max((face.score for face in found), default=0.0))
    best = int(np.argmax(scores))
    if best and scores[best] > scores[0] + _SURER:
        turn = {1: "to the left", 2: "upside down", 3: "to the right"}[best]
        raise NoFace(f"the face in {source} is not upright: turn the picture {turn}, then try again")


def faces_in(pixels: NDArray[np.uint8], mesher: FaceMesh) -> list[Face]:
    """The faces in a picture, the tallest first: those detections that a mesh can be laid on."""
    faces = [mesher.mesh(pixels, found) for found in mesher.detect(pixels)[:_MOST_FACES]]
    return sorted((face for face in faces if face.score >= MESH_SCORE), key=lambda face: -face.height)


def _again(plate: NDArray[np.uint8], rough: NDArray[np.float32], mesher: FaceMesh) -> NDArray[np.float32]:
    """The mesh once more, on exactly what will move: of the face on the plate that lies where `rough` does."""
    centre = rough[:, :2].mean(axis=0)
    for face in faces_in(plate, mesher):
        if np.linalg.norm(face.landmarks[:, :2].mean(axis=0) - centre) < 0.3 * face.height:
            rough = face.landmarks
            break
    face = mesher.steady_mesh(plate, rough)
    return face.landmarks if face.score >= MESH_SCORE else rough


def check_size(height: float, source: Path) -> None:
    """Raises `NoFace` for a face that is too small."""
    if height < MIN_FACE:
        raise NoFace(
            f"the face in {source} is only {height:.0f} pixels high: use a picture in which it has at least {MIN_FACE}"
        )


def _sharpened(plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
    soft = cv2.GaussianBlur(plate, (0, 0), _BLUR * plate.shape[0])
    return np.asarray(cv2.addWeighted(plate, 1 + _SHARPEN, soft, -_SHARPEN, 0), np.uint8)
