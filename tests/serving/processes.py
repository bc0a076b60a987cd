"""Services in processes of their own, on real ports."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import numpy as np
from numpy.typing import NDArray

from visavis.media.audio import Audio
from visavis.serving.sound import encoded

SILENCE = "UklGRigAAABXQVZFZm10IBIAAAABAAEARKwAAIhYAQACABAAAABkYXRhAgAAAAEA"
"""OPEA's own smoke test: a WAV of one sample."""


@asynccontextmanager
async def started(name: str, *options: str, **environment: str) -> AsyncGenerator[str, None]:
    """`visavis service NAME`: its address, without a slash at its end."""
    command = [sys.executable, "-m", "visavis", "service", name, "--port", "0", *options]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    assert process.stdout is not None
    try:
        told = ""
        while not (found := re.search(rf"^{name}: +(\S+)/", told, re.MULTILINE)):
            line = await process.stdout.readline()
            assert line, f"the service did not start: {told}"
            told += line.decode()
        yield found[1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


def file(samples: NDArray[np.float32], rate: int, kind: str = "wav") -> bytes:
    return encoded(Audio(samples, rate), kind)


def text(data: bytes) -> str:
    """Base64, as OPEA's clients send it."""
    return base64.b64encode(data).decode("ascii")
