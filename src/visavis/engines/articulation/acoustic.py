"""Lips from the sound alone with nothing but NumPy: a small network over the spectrum, wherever Visavis runs."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.hearing import Hearing
from visavis.engines.articulation.life import Life
from visavis.engines.articulation.lips import FUTURE, PAST, WAKING, Lips, Seen, settled
from visavis.engines.articulation.stream import Face, from_phones, from_rows, row_numbers
from visavis.engines.protocols import Availability, Carry, EngineInfo
from visavis.errors import EngineFailed
from visavis.media.clip import Window
from visavis.media.motion import Motion
from visavis.settings import Settings
from visavis.streams.worker import Worker


class Acoustic:
    """Speech to face motion: from phones where they are known, else from what a network sees in the sound.

    Its carry is its whole state, a few kilobytes.
    """

    info: ClassVar[EngineInfo] = EngineInfo(
        "acoustic",
        "articulation",
        "known phones, or lips from the sound's spectrum",
        "Apache-2.0",
        rank=5,
    )

    def __init__(self, settings: Settings, seed: int = 0) -> None:
        self._life = Life(seed)
        self._lips: Lips | None = None
        self._worker: Worker | None = None

    @classmethod
    def availability(cls) -> Availability:
        """Always: it needs NumPy only."""
        return Availability(True)

    async def __aenter__(self) -> Self:
        self._worker = Worker(self.info.name)
        self._lips = await self._worker.run(Lips)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._worker is not None:
            self._worker.close()
        self._worker = self._lips = None

    async def articulate(self, window: Window, carry: Carry | None) -> tuple[Motion, Carry]:
        """The motion for exactly `window.audio`'s time; raises `EngineFailed` if the engine is not entered."""
        if self._worker is None or self._lips is None:
            raise EngineFailed("articulation", self.info.name, "used before it was entered")
        face = carry.value if carry else Face()
        if window.phones is not None:
            motion, face = await self._worker.run(from_phones, window, face, self._life)
        else:
            motion, face = await self._worker.run(_from_sound, window, face, self._life, self._lips)
        return motion, Carry("", face)


def _from_sound(window: Window, face: Face, life: Life, lips: Lips) -> tuple[Motion, Face]:
    _, seen, hearing = listen(window, face.hearing, lips)
    rows = settled(seen.controls, seen.shut, seen.rest)
    return from_rows(window, rows, replace(face, hearing=hearing), life)


def listen(window: Window, hearing: Hearing | None, lips: Lips) -> tuple[NDArray[np.float32], Seen, Hearing]:
    """What `window` brings: its new blocks, (n, BLOCK) samples at 16 kHz, and what is seen in its rows.

    A row is seen with 140 ms of what follows it; the blocks go 20 ms further. The rows before tell how long the mouth
    has been awake: before a stream it was at rest.
    """
    audio = window.audio
    begins = hearing is None or hearing.end != audio.start
    if hearing is None or begins:
        hearing = Hearing.begin(audio)
    first, last = row_numbers(audio)
    begin, end = first - WAKING - PAST, last + FUTURE + 1
    blocks, features, hearing = hearing.hear(audio, window.ahead, begin, end)
    seen = lips.see(features[:-1])
    if begins:
        seen.rest[:WAKING] = 1.0
    return blocks, seen.roused(), hearing
