"""GFPGAN: seconds a face in each runtime, the arithmetic that is, and what this machine can do at all.

    python -m benchmarks.gfpgan [--rounds N]

Weights are stand-ins. The peak is that of a large matrix product in the same library and precision; a convolution may
do better than that where an algorithm needs fewer products than its definition has.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, stolen
from benchmarks.wav2lip import own_data
from tests.engines.restoration.seeded import face, network, shown, weights
from visavis.settings import cores, load_settings

RESULT = Path(__file__).parent / "results" / "gfpgan.json"
GFLOP = 395.5
"""Of a face: twice its 197.77 billion multiplications with an addition."""
_SIDE = 2048


def measure(rounds: int) -> dict[str, object]:
    """Every way in turns."""
    import torch

    from visavis.engines.neural import forms
    from visavis.engines.restoration.gfpgan import Restorer

    torch.set_num_threads(cores())
    state = weights()
    forms.install("gfpgan", state, "0" * 64)
    plain = network(state)
    picture = face()
    seen = torch.from_numpy(shown(picture))

    def original() -> None:
        with torch.no_grad():
            plain(seen)

    ways: dict[str, Callable[[], object]] = {"torch float32, as loaded": original}
    for precision in ("float32", "bfloat16"):
        ours = Restorer.open(load_settings(neural_runtime="openvino", neural_precision=precision))
        ways[f"openvino {precision}"] = partial(ours.restore, picture)
    for kind in (torch.float32, torch.bfloat16):
        factor = torch.rand(_SIDE, _SIDE).to(kind)
        ways[f"peak {kind}".replace("torch.", "")] = partial(_products, factor)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for make in ways.values():
        make()
    taken, begun = stolen(), time.perf_counter()
    for _ in range(rounds):
        for name, make in ways.items():
            start = time.perf_counter()
            make()
            seconds[name].append(time.perf_counter() - start)
    lost = (stolen() - taken) / (time.perf_counter() - begun)
    base = seconds["torch float32, as loaded"]
    rows: dict[str, object] = {}
    for name, times in seconds.items():
        peak = name.startswith("peak")
        work = 8 * 2 * _SIDE**3 / 1e9 if peak else GFLOP
        rows[name] = {"GFLOP/s": round(work / statistics.median(times))} | (
            {}
            if peak
            else {
                "s a face": round(statistics.median(times), 3),
                "against torch float32": round(statistics.median(a / b for a, b in zip(base, times, strict=True)), 2),
            }
        )
    return rows | {"cores stolen": round(lost, 3)}


def _products(factor: Any) -> None:
    for _ in range(8):
        factor @ factor


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["VISAVIS_DATA_DIR"] = str(own_data(Path(name)))
        results = measure(options.rounds) | {"machine": describe()}
    print(json.dumps(results, indent=2))
    RESULT.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
