"""The avatar: a face made ready to speak, built once from a picture or a video and kept as one portable file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

SCHEMA = 6
"""Version of an avatar's contents, the rig's included; one of another version must be built again from its source."""


@dataclass(frozen=True, slots=True, eq=False)
class Avatar:
    """A face ready to speak. Immutable; two avatars are the same if their digests are."""

    name: str
    kind: Literal["picture", "video"]
    plate: NDArray[np.uint8]
    """(h, w, 3) RGB: the framed picture, mouth at rest; of a video, its reference frame."""
    landmarks: NDArray[np.float32]
    """(468, 3) MediaPipe's face mesh on the plate, in pixels; z in the same scale, smaller is nearer."""
    irises: NDArray[np.float32]
    """(2, 5, 2) centre and four rim points of the viewer's left and right iris, in pixels."""
    rig: Mapping[str, NDArray[Any]]
    """What the rig's renderer precomputed, by name (`avatars.rig`)."""
    digest: str
    """SHA-256 of the source, the size and the schema: the same source gives the same avatar."""
    voice: str | None = None
    """The voice it speaks with where none is asked for."""
    note: str = ""
    """Where the source comes from, and who agreed to its use."""
    alpha: NDArray[np.uint8] | None = None
    """(h, w) opacity of the plate, where the picture has any transparency."""
    frames: tuple[bytes, ...] = ()
    """Of a video: its frames as JPEG, normalised (at most 1080p, 25 a second, 60 s)."""
    tracks: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 468, 3), np.float32))
    """(t, 468, 3) of a video: the mesh in each of its frames, in pixels."""
    reference: int = 0
    """Of a video: which of its frames the plate is; `tracks[reference]` is `landmarks`."""
