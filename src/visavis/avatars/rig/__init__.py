"""A picture and its face mesh to a rig: everything the renderer needs, worked out once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.avatars.rig.cutout import measure_cutout
from visavis.avatars.rig.eyes import measure_eyes
from visavis.avatars.rig.frame import fit_frame
from visavis.avatars.rig.fringe import hang_fringe
from visavis.avatars.rig.head import measure_head
from visavis.avatars.rig.interior import paint_interior
from visavis.avatars.rig.lips import measure_lips


def build_rig(
    plate: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    irises: NDArray[np.float32],
    alpha: NDArray[np.uint8] | None = None,
    matte: NDArray[np.uint8] | None = None,
) -> dict[str, NDArray[Any]]:
    """The rig of a plate (h, w, 3) RGB, from its mesh (468, 3) and irises (2, 5, 2) in pixels: named arrays.

    `alpha` (h, w) is the plate's own opacity; `matte` (h, w) tells the person of an opaque one from the background.

    Its names and contents belong to `visavis.avatars.SCHEMA`'s version; only `visavis.engines.animation` reads them.
    """
    # landmarks count from the picture's corner, arrays from the first pixel's middle
    points = np.asarray(landmarks[:, :2] - 0.5, np.float32)
    eyes = np.asarray(irises - 0.5, np.float32)
    interocular = float(np.linalg.norm(eyes[1, 0] - eyes[0, 0]))
    frame = fit_frame(points, interocular)
    lips = measure_lips(plate, points, frame)
    return {
        **frame.to_arrays(),
        **lips,
        **paint_interior(plate, points, eyes, frame, lips["lips.seam"]),
        **({} if lips["lips.open"] else hang_fringe(plate, points, frame, lips["lips.seam"])),
        **measure_eyes(plate, points, eyes),
        **measure_head(
            plate.shape[:2],
            points,
            np.asarray(landmarks[:, 2], np.float32),
            interocular,
            matte if alpha is None else alpha,
        ),
        **({} if matte is None else measure_cutout(plate, matte)),
    }
