"""Raw pictures against the plate they are made from: what changes where nothing should, seams, flicker. Grey levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def change_outside(plate: Picture, frame: Picture, inside: Mask) -> int:
    """The largest difference of any channel between two (h, w, 3) pictures outside the (h, w) mask, in grey levels."""
    difference = np.abs(plate[..., :3].astype(np.int16) - frame[..., :3])[~inside]
    return int(difference.max(initial=0))


def seam_excess(plate: Picture, frame: Picture, inside: Mask) -> float:
    """The step that was put into the picture at the mask's border, in grey levels: 0.3 cannot be seen.

    The mean, over the pairs of neighbours on either side of the border, of how much more their luma differs in the
    frame than in the plate. What is warped inside must have come to rest where it meets what is not.
    """
    added = _luma(frame) - _luma(plate)
    across = np.concatenate(
        [np.abs(np.diff(added, axis=axis))[np.diff(inside.astype(np.int8), axis=axis) != 0] for axis in (0, 1)]
    )
    return float(across.mean()) if len(across) else 0.0


def static_flicker(frames: Sequence[Picture]) -> int:
    """The largest difference of any channel between pictures of a face that does not move, in grey levels."""
    first = frames[0].astype(np.int16)
    return max((int(np.abs(first - frame).max()) for frame in frames[1:]), default=0)


def _luma(picture: Picture) -> NDArray[np.float32]:
    return np.asarray(picture[..., :3] @ np.array((0.2126, 0.7152, 0.0722), np.float32), np.float32)
