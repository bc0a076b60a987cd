"""The smooth step that every edge of the rig's motion fades with."""

from __future__ import annotations

import numpy as np

from visavis.avatars.rig.sampling import Floats


def fade(x: Floats, begin: float, end: float) -> Floats:
    """1 up to `begin`, 0 from `end`, a smooth step between, nowhere steeper than 1.5 / (end - begin)."""
    part = np.clip((x - np.float32(begin)) * np.float32(1 / (end - begin)), 0, 1)
    return np.asarray(1 - part * part * (3 - 2 * part), np.float32)
