"""Speech with known phone times, made by the project's own voice; and how to cut it into windows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from visavis.conversation.windows import AHEAD
from visavis.engines.protocols import Articulator, Carry
from visavis.engines.tts.espeak import Espeak
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Window
from visavis.media.motion import Motion
from visavis.media.speech import Line, Phone, Speech, rescaled
from visavis.settings import Settings

SENTENCES = (
    "Maybe Pam should bring a pumpkin pie.",
    "Both boys improved their maps before summer.",
    "My computer can compile a simple program.",
    "A small boat moved slowly past the harbour.",
)


Cut = Callable[..., list[Window]]
"""(audio, phones or None, size in samples, start = 0, more = the look-ahead in samples) to windows."""
Run = Callable[..., Awaitable[Motion]]
"""(engine, windows) to their motion."""


@pytest.fixture(scope="session")
def spoken() -> list[Speech]:
    """The sentences at the session's rate, each in one piece, with their phones."""
    return asyncio.run(_speak())


async def _speak() -> list[Speech]:
    found = []
    async with Espeak(Settings()) as espeak:
        for text in SENTENCES:
            samples: list[NDArray[np.float32]] = []
            phones: list[Phone] = []
            at = 0
            async for piece in espeak.synthesize(Line(text), None):
                factor = SESSION_RATE / piece.audio.rate
                phones += rescaled(piece.phones or (), factor, at)
                samples.append(soxr.resample(piece.audio.samples, piece.audio.rate, SESSION_RATE))
                at += len(samples[-1])
            audio = Audio(np.concatenate(samples).astype(np.float32), SESSION_RATE)
            found.append(Speech(audio, Line(text), (), tuple(phones)))
    return found


@pytest.fixture(scope="session")
def windows() -> Cut:
    """Cuts speech into windows of `size` samples that begin at `start` on the media clock."""

    def cut(
        audio: Audio, phones: tuple[Phone, ...] | None, size: int, start: int = 0, more: int = AHEAD
    ) -> list[Window]:
        found = []
        for begin in range(0, len(audio), size):
            ahead = audio.slice(begin + size, begin + size + more) if phones is None else audio.slice(0, 0)
            found.append(
                Window(
                    audio=Audio(audio.samples[begin : begin + size], audio.rate, start + begin),
                    ahead=Audio(ahead.samples, audio.rate, start + begin + size),
                    phones=None if phones is None else rescaled(phones, 1, -begin),
                )
            )
        return found

    return cut


@pytest.fixture(scope="session")
def articulated() -> Run:
    """The motion of windows that follow one another, by an engine that is entered."""

    async def run(engine: Articulator, windows: list[Window], carry: Carry | None = None) -> Motion:
        pieces = []
        for window in windows:
            motion, carry = await engine.articulate(window, carry)
            pieces.append(motion)
        return Motion.join(pieces)

    return run
