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
async def process(
    *command: str, says: str, **environment: str
) -> AsyncGenerator[tuple[str, asyncio.subprocess.Process], None]:
    """`visavis` with a command, once it prints what is to be found (`says`, with a group): that group, and itself."""
    made = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "visavis", *command), stdout=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    assert made.stdout is not None
    try:
        told = ""
        while not (found := re.search(says, told, re.MULTILINE)):
            line = await made.stdout.readline()
            assert line, f"it did not start: {told}"
            told += line.decode()
        yield found[1], made
    finally:
        if made.returncode is None:
            made.terminate()
        await made.communicate()


@asynccontextmanager
async def started(name: str, *options: str, **environment: str) -> AsyncGenerator[str, None]:
    """`visavis service NAME`: its address, without a slash at its end."""
    command = ("service", name, "--port", "0", *options)
    async with process(*command, says=rf"^{name}: +(\S+)/", **environment) as (address, _):
        yield address


def file(samples: NDArray[np.float32], rate: int, kind: str = "wav") -> bytes:
    return encoded(Audio(samples, rate), kind)


def text(data: bytes) -> str:
    """Base64, as OPEA's clients send it."""
    return base64.b64encode(data).decode("ascii")
