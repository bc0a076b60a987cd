"""Another pace for a voice that knows one only: FFmpeg's stretching, which keeps the pitch."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


def paced(sound: NDArray[np.float32], rate: int, speed: float) -> NDArray[np.float32]:
    """(n,) the sound `speed` times as fast; blocking, some milliseconds for a second of speech."""
    if speed == 1.0 or not len(sound):
        return sound
    import av
    from av.filter import Graph

    graph = Graph()
    source = graph.add_abuffer(sample_rate=rate, format="flt", layout="mono", time_base=Fraction(1, rate))
    sink = graph.add("abuffersink")
    slowest = max(speed, 0.5)  # what the filter can do at once
    filters = [graph.add("atempo", f"{each:.6f}") for each in (slowest, speed / slowest) if each != 1.0]
    for one, next_ in zip([source, *filters], [*filters, sink], strict=True):
        one.link_to(next_)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None], np.float32), "flt", "mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    graph.push(frame)
    graph.push(None)
    made: list[NDArray[np.float32]] = []
    while True:
        try:
            pulled = graph.pull()
        except (av.error.EOFError, av.error.BlockingIOError):
            break
        assert isinstance(pulled, av.AudioFrame)
        made.append(np.asarray(pulled.to_ndarray(), np.float32).reshape(-1))
    return np.concatenate(made) if made else np.zeros(0, np.float32)
