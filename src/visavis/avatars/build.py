"""Picture or video → avatar: the face found and framed, the mesh laid, the rig made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from visavis.avatars.avatar import SCHEMA, Avatar
from visavis.avatars.film import from_video
from visavis.avatars.headers import sniff
from visavis.avatars.landmarks import FaceMesh
from visavis.avatars.likeness import from_picture
from visavis.avatars.pictures import open_file
from visavis.avatars.rig import build_rig
from visavis.avatars.rig.cutout import find_person
from visavis.errors import BadInput

Progress = Callable[[float, str], None]
"""Called with how much is done, 0 … 1, and what is being done or worth knowing."""


def build_avatar(
    source: Path,
    name: str,
    *,
    size: int = 512,
    voice: str | None = None,
    note: str = "",
    progress: Progress | None = None,
) -> Avatar:
    """An avatar from a picture or a video, told apart by content; `size` is its side in pixels, even.

    What a person should know of the making ("3 faces found: using the largest") is told to `progress` and added to
    the note. Raises `NoFace` where no face is found or the largest is too small, `BadInput` for a file that is
    neither picture nor video, and `EngineUnavailable` without the face networks' weights.
    """
    if size < 128 or size % 2:
        raise BadInput(f"an avatar of {size} pixels cannot be made: its size must be even and at least 128")
    tell = progress or (lambda done, doing: None)
    tell(0.0, "reading")
    digest = source_digest(source, size)
    with open_file(source) as file:
        picture = sniff(file.read(16)) is not None
    mesher = FaceMesh()
    likeness = from_picture(source, size, mesher) if picture else from_video(source, size, mesher, tell)
    for remark in likeness.remarks:
        tell(0.9, remark)
    tell(0.9, "making the rig")
    matte = None
    if picture and likeness.alpha is None:
        matte = find_person(likeness.plate, likeness.landmarks[:, :2] - np.float32(0.5))
    rig = build_rig(likeness.plate, likeness.landmarks, likeness.irises, likeness.alpha, matte)
    tell(1.0, "done")
    return Avatar(
        name=name,
        kind="picture" if picture else "video",
        plate=likeness.plate,
        landmarks=likeness.landmarks,
        irises=likeness.irises,
        rig=rig,
        digest=digest,
        voice=voice,
        note="; ".join(filter(None, (note, *likeness.remarks))),
        alpha=likeness.alpha,
        frames=likeness.frames,
        tracks=likeness.tracks,
        reference=likeness.reference,
    )


def source_digest(source: Path, size: int) -> str:
    """What an avatar made from this file at this size has as its digest. Raises `BadInput` for an unreadable file."""
    digest = hashlib.sha256(f"visavis avatar {SCHEMA} {size}\n".encode())
    with open_file(source) as file:
        try:
            while piece := file.read(1 << 20):
                digest.update(piece)
        except OSError as error:
            raise BadInput(f"cannot read {source}: {error.strerror}") from None
    return digest.hexdigest()
