"""A recording as speech whose words nobody knows: the face must follow the sound alone."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path

import numpy as np

from visavis.errors import BadInput
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.codecs import read_audio
from visavis.media.speech import Line, Speech
from visavis.streams.flow import Stream, flow
from visavis.streams.worker import Worker

SHORTEST = 0.1
"""Seconds. Less is a click, and no picture would be seen of it."""
QUIETEST = 10 ** (-60 / 20)
"""Peak amplitude (-60 dBFS) below which a recording is silent."""


@flow
async def recording(path: Path) -> Stream[Speech]:
    """The recording at the session's rate, in pieces, one line of unknown text; memory is bounded however long it is.

    Raises `BadInput` if it is not audio, shorter than 0.1 s, or silent from beginning to end.
    """
    worker = Worker("read")
    peak = 0.0
    held: Audio | None = None
    try:
        async with aclosing(worker.iterate(lambda: read_audio(path, SESSION_RATE))) as pieces:
            async for piece in pieces:
                peak = max(peak, float(np.abs(piece.samples).max(initial=0.0)))
                if held is not None:
                    yield Speech(held, Line(""), final=False)
                held = piece
    finally:
        worker.close()
    if held is None or held.end < SHORTEST * SESSION_RATE:
        raise BadInput(f"{path} is shorter than {SHORTEST} s: there is nothing to say")
    if peak < QUIETEST:
        raise BadInput(f"{path} is silent: there is nothing to say")
    yield Speech(held, Line(""), final=True)
