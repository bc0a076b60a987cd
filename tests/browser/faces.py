"""How far a mouth is open in pictures of a page: measured on the face's mesh, which a moving head does not fool."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from visavis.avatars.landmarks import Face, FaceMesh
from visavis.evaluation.faces import INNER_CORNERS, lip_gap


def openings(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """(n,) the gap between the lips of each (h, w, 3) RGB picture, in widths of the mouth."""
    mesher = FaceMesh()
    face: Face | None = None
    found = []
    for picture in pictures:
        face = mesher.follow(picture, face)
        assert face is not None, "there is no face in the picture"
        left, right = face.landmarks[list(INNER_CORNERS), :2]
        found.append(lip_gap(face.landmarks) / float(np.linalg.norm(right - left)))
    return np.array(found)
