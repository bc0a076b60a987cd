"""Nothing leaves the machine: the runtime under the voice detector keeps no report for its maker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from visavis.weights import require

SCRIPT = """
import visavis
import onnxruntime, sys
onnxruntime.InferenceSession(sys.argv[1])
"""


def test_loading_a_network_leaves_no_trace_in_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ORT_", "XDG_"))} | {"HOME": str(home)}
    command = [sys.executable, "-c", SCRIPT, str(require("silero_vad_16k_op15.onnx"))]
    subprocess.run(command, env=environment, check=True)
    assert list(home.rglob("*")) == []
