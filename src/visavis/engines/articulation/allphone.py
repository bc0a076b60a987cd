"""Lips from the sound alone, seen twice: by a streaming phone recogniser, and by the network of `lips`.

The recogniser knows phones and so whole gestures; the network knows moments, shut lips above all, and voices the
recogniser was not made for. Each row is their weighted mean; lips are shut by what both think.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.acoustic import listen
from visavis.engines.articulation.coarticulation import HORIZON, Array, Sound
from visavis.engines.articulation.life import Life
from visavis.engines.articulation.lips import Lips, Seen, settled
from visavis.engines.articulation.mouth import ROWS, Mouth
from visavis.engines.articulation.phone_stream import STEP, PhoneStream, Utterance, to_int16
from visavis.engines.articulation.spectrum import BLOCK
from visavis.engines.articulation.stream import Face, from_phones, from_rows, row_numbers
from visavis.engines.live import LiveStates
from visavis.engines.protocols import Availability, Carry, EngineInfo
from visavis.errors import EngineFailed
from visavis.media.clip import Window
from visavis.media.motion import Motion
from visavis.settings import Settings
from visavis.streams.worker import Worker

DELAY = 6
"""Blocks (120 ms) between a row and the moment at which its phones are read."""
SESSIONS = 4
"""Searches kept alive, about 10 MB each; a session beyond them is rebuilt when it speaks."""
_FADE = 0.06  # seconds in which the mouth gets over a change of mind
_REBUILT = 50  # blocks fed to a rebuilt search in one step: 100 ms of work
_NETWORK = 0.85  # the network's share of a row
_AGREED, _DENIED = 2.0, 0.25  # what the recogniser adds to, or takes from, the network's log odds that lips are shut


@dataclass(frozen=True, slots=True, eq=False)
class Listening:
    """What is carried beside the face where phones are recognised."""

    utterance: Utterance
    waiting: NDArray[np.int16]
    """(n · BLOCK,) sound that does not fill a step yet."""
    ready: Array
    """(n, 7) rows after the window that the last step gave."""
    mouth: Mouth
    """The mouth as the recogniser alone would move it; smooths over its changes of mind."""


class Allphone:
    """Speech to face motion: from phones where they are known, else from those PocketSphinx hears."""

    info: ClassVar[EngineInfo] = EngineInfo(
        "allphone",
        "articulation",
        "known phones, or those a phone recogniser hears",
        "Apache-2.0 AND BSD-2-Clause",
        rank=10,
    )

    def __init__(self, settings: Settings, seed: int = 0) -> None:
        self._life = Life(seed)
        self._lips: Lips | None = None
        self._worker: Worker | None = None
        self._spare: list[PhoneStream] = []
        self.live: LiveStates[PhoneStream] = LiveStates(SESSIONS, self._spare.append)

    @classmethod
    def availability(cls) -> Availability:
        """Needs the pocketsphinx package."""
        if importlib.util.find_spec("pocketsphinx"):
            return Availability(True)
        return Availability(False, "pocketsphinx is not installed", "pip install pocketsphinx (has no wheel for 3.12)")

    async def __aenter__(self) -> Self:
        self._worker = Worker(self.info.name)
        self._lips = await self._worker.run(Lips)
        self._spare.append(await self._worker.run(PhoneStream.open))
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.live.clear()
        self._spare.clear()
        if self._worker is not None:
            self._worker.close()
        self._worker = self._lips = None

    async def articulate(self, window: Window, carry: Carry | None) -> tuple[Motion, Carry]:
        """The motion for exactly `window.audio`'s time; raises `EngineFailed` if the engine is not entered."""
        worker, lips = self._worker, self._lips
        if worker is None or lips is None:
            raise EngineFailed("articulation", self.info.name, "used before it was entered")
        face, listening = carry.value if carry else (Face(), None)
        stream = self.live.take(carry.id) if carry else None
        if window.phones is not None:
            if stream is not None:
                self._spare.append(stream)
            motion, face = await worker.run(from_phones, window, face, self._life)
            return motion, Carry("", (face, None))
        if face.hearing is None or face.hearing.end != window.audio.start:
            listening = None
        stream = await self._search(worker, stream, listening)
        try:
            motion, face, listening = await worker.run(_from_sound, window, face, self._life, lips, stream, listening)
        except RuntimeError as error:
            raise EngineFailed("articulation", self.info.name, f"PocketSphinx stopped: {error}") from error
        return motion, Carry(self.live.put(stream), (face, listening))

    async def _search(self, worker: Worker, stream: PhoneStream | None, listening: Listening | None) -> PhoneStream:
        """The search that is in the state `listening` names: the live one, or one that hears it all again."""
        if stream is not None and listening is not None:
            return stream
        if stream is None:
            stream = self._spare.pop() if self._spare else await worker.run(PhoneStream.open)
        if listening is not None:
            past = listening.utterance
            again = await worker.run(stream.begin, past.start, past.cepstra)
            for begin in range(0, len(past.sound), _REBUILT * BLOCK):
                again = await worker.run(stream.feed, again, past.sound[begin : begin + _REBUILT * BLOCK])
        return stream


def _from_sound(
    window: Window, face: Face, life: Life, lips: Lips, stream: PhoneStream, listening: Listening | None
) -> tuple[Motion, Face, Listening]:
    blocks, seen, hearing = listen(window, face.hearing, lips)
    first, last = row_numbers(window.audio)
    if listening is None:
        # steps stand on the clock's grid, so that they are the same however the sound is cut
        start = hearing.block - len(blocks)
        lead = start % STEP
        listening = Listening(
            stream.begin(start - lead, ""), np.zeros(lead * BLOCK, np.int16), np.zeros((0, 7)), Mouth()
        )
    heard, after = _recognised(stream, listening, to_int16(blocks), first, last)
    rows = _agreed(seen, heard)
    motion, face = from_rows(window, rows, replace(face, hearing=hearing), life)
    return motion, face, after


def _recognised(
    stream: PhoneStream, listening: Listening, sound: NDArray[np.int16], first: int, last: int
) -> tuple[Array, Listening]:
    """(last - first, 7) the controls of the phones heard, each row read `DELAY` blocks after it if there is sound."""
    utterance, sound = listening.utterance, np.concatenate([listening.waiting, sound])
    pieces, mouth = [listening.ready], listening.mouth
    row = first + len(listening.ready)
    step = STEP * BLOCK
    while len(sound) >= step:
        utterance = stream.renewed(utterance)
        utterance = stream.feed(utterance, sound[:step])
        sound = sound[step:]
        upto = utterance.end - DELAY
        if upto > row:
            rows, mouth = _follow(mouth, stream.sounds(utterance), row, upto, goes_on=True)
            pieces.append(rows)
            row = upto
    if row < last:
        # the sound ends here: nothing better will be known
        rows, mouth = _follow(mouth, stream.sounds(utterance), row, last, goes_on=False)
        pieces.append(rows)
    rows = np.concatenate(pieces)
    return rows[: last - first], Listening(utterance, sound, rows[last - first :], mouth)


def _follow(mouth: Mouth, sounds: Sequence[Sound], first: int, last: int, *, goes_on: bool) -> tuple[Array, Mouth]:
    """(last - first, 7) controls of rows; the last sound is not over where the speech `goes_on`."""
    if sounds and goes_on:
        sounds = [*sounds[:-1], replace(sounds[-1], end=sounds[-1].end + HORIZON)]
    rows, mouth = mouth.follow(sounds, np.arange(first, last) / ROWS, _FADE)
    return np.asarray(rows, np.float64), mouth


def _agreed(seen: Seen, heard: Array) -> NDArray[np.float32]:
    """(t, 7) the weighted mean of both opinions, shut and quiet where they agree to be."""
    shut_by_phones = (heard[:, 0] <= 0.01) & (heard[:, 5] > 0.4)
    odds = np.log(seen.shut + 1e-6) - np.log(1.0 - seen.shut + 1e-6)
    odds += np.where(shut_by_phones, _AGREED, -_DENIED)
    # where only the phones shut the lips, what the network sees of them still counts
    return settled(_NETWORK * seen.controls + (1.0 - _NETWORK) * heard, 1.0 / (1.0 + np.exp(-odds)), seen.rest)
