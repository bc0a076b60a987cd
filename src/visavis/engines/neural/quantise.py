"""int8: NNCF measures on samples how large the numbers between layers become, and rounds them to 256 steps."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.engines.neural import libraries


def quantised(model: Any, samples: Sequence[tuple[NDArray[np.float32], ...]], keep: Sequence[str]) -> Any:
    """An OpenVINO model in int8, but for the layers whose names match a regular expression of `keep`.

    Each bias is corrected for the error that the samples show before it, which takes longest and is worth a decibel.
    """
    nncf = libraries.load("nncf")
    nncf.set_log_level(logging.ERROR)
    # its bars go to the terminal; this installation tells its progress itself
    with contextlib.redirect_stdout(io.StringIO()):
        return nncf.quantize(
            model,
            nncf.Dataset(list(samples)),
            preset=nncf.QuantizationPreset.PERFORMANCE,
            subset_size=len(samples),
            fast_bias_correction=False,
            ignored_scope=nncf.IgnoredScope(patterns=list(keep), validate=False) if keep else None,
        )
