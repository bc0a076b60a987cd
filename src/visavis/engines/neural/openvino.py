"""Networks in OpenVINO, on a processor."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.engines.neural.choice import Precision, fast
from visavis.engines.neural.libraries import load

_CACHE = "compiled"
"""Folder inside the form's: what was compiled for this processor, by OpenVINO's own names."""


class OpenVinoNetwork:
    """A compiled model and its one request."""

    def __init__(self, form: Path, stem: str, precision: Precision, threads: int) -> None:
        openvino = load("openvino")
        core = openvino.Core()
        # what int8 leaves out is quicker in bfloat16, too
        lean = precision == "bfloat16" or (precision == "int8" and fast("bfloat16"))
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "bf16" if lean else "f32",
        }
        if os.access(form, os.W_OK):
            options["CACHE_DIR"] = str(form / _CACHE)
        file = form / f"{stem}{'.int8' if precision == 'int8' else ''}.xml"
        self._request = core.compile_model(file, "CPU", options).create_infer_request()

    def run(self, *inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """As `Network.run`."""
        made = self._request.infer([np.ascontiguousarray(each) for each in inputs], share_inputs=True)
        return tuple(made.to_tuple())
