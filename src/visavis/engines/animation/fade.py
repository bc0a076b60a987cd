"""The smooth step that every edge of the rig's motion fades with."""

from __future__ import annotations

import numpy as np

from visavis.avatars.rig.sampling import Floats


def fade(x: Floats, begin: float, end: float) -> Floats:
    """1 up to `begin`, 0 from `end`, a smooth step between, nowhere steeper than 1.5 / (end - begin)."""
    # in place, and without np.clip: on arrays as small as these, calls are what costs
    part = np.asarray(np.subtract(x, np.float32(begin)), np.float32)
    part *= np.float32(1 / (end - begin))
    np.maximum(part, 0, out=part)
    np.minimum(part, 1, out=part)
    step = part * -2
    step += 3
    part *= part
    step *= part
    return np.subtract(1, step, out=step)
