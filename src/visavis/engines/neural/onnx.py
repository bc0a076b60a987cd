"""Networks in ONNX Runtime, on a processor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.engines.neural.libraries import load


class OnnxNetwork:
    """A session."""

    def __init__(self, form: Path, stem: str, threads: int) -> None:
        runtime = load("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # threads that wait would spin, on cores that the others need
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = str(form / f"{stem}.onnx")
        self._session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._names = [each.name for each in self._session.get_inputs()]

    def run(self, *inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """As `Network.run`."""
        return tuple(self._session.run(None, dict(zip(self._names, inputs, strict=True))))
