"""Reading pictures and fields between their pixels, with types."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
"""float32 in all that is stored or drawn with; what NumPy makes of it in between."""
Picture = NDArray[np.uint8]


def sample(values: NDArray[Any], at: Floats) -> NDArray[Any]:
    """Values (h, w) or (h, w, c) at float32 pixel indices (m, n, 2), x first; the nearest pixel's outside."""
    return np.asarray(
        cv2.remap(values, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
    )


def enlarge(values: Floats, size: tuple[int, int]) -> Floats:
    """A float32 grid as (width, height) samples, linear between its nodes."""
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_LINEAR))
