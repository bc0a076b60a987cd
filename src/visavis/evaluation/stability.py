"""How steady a face is where nothing should tremble."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def jitter(points: NDArray[np.float32]) -> float | None:
    """Mean length of the second difference over time of (t, n, 2) points, in thousandths of their unit.

    Steady motion has none, whatever its speed. None for fewer than three pictures in a row.
    """
    bends = np.linalg.norm(np.diff(points.astype(np.float64), n=2, axis=0), axis=-1)
    bends = bends[np.isfinite(bends)]
    return 1000 * float(bends.mean()) if len(bends) else None
