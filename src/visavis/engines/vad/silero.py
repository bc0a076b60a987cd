"""Silero VAD: a small recurrent network that tells speech from everything else, every 32 ms.

https://github.com/snakers4/silero-vad (MIT). Its whole state is two small arrays, so the carry holds the state itself.
"""

from __future__ import annotations

import asyncio
import importlib.util
import uuid
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from visavis import weights
from visavis.engines.protocols import Availability, Carry, EngineInfo
from visavis.errors import EngineFailed
from visavis.media.audio import Audio
from visavis.settings import Settings
from visavis.streams.worker import Worker
from visavis.weights.store import PULL

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

RATE, CHUNK = 16_000, 512
"""Hertz, and samples in a call."""
_CONTEXT = 64
"""Samples of the chunk before that the network sees again."""
_FILE = "silero_vad_16k_op15.onnx"

_State = tuple[NDArray[np.float32], NDArray[np.float32]]
"""The recurrent state (2, 1, 128) and the last `_CONTEXT` samples heard."""


class Silero:
    """Speech probability by Silero's network on onnxruntime, one thread."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="silero",
        slot="vad",
        summary="Silero VAD 6: speech or not, every 32 ms, half a percent of a core",
        licence="MIT",
        rank=20,
        weights=(_FILE,),
    )

    def __init__(self, settings: Settings) -> None:
        self._session: InferenceSession | None = None
        self._worker: Worker | None = None

    @classmethod
    def availability(cls) -> Availability:
        """Ready where onnxruntime and the network's file are."""
        if importlib.util.find_spec("onnxruntime") is None:
            return Availability(False, "onnxruntime is not installed", "pip install onnxruntime")
        if not weights.present(_FILE):
            return Availability(False, f"its data file {_FILE} is missing", PULL)
        return Availability(True)

    async def __aenter__(self) -> Self:
        path = weights.require(_FILE)
        self._worker = Worker("silero")
        self._session = await self._worker.run(_load, str(path))
        await self.detect(Audio.silence(CHUNK, RATE), None)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._worker is not None:
            await asyncio.to_thread(self._worker.close)
        self._worker = self._session = None

    async def detect(self, audio: Audio, carry: Carry | None) -> tuple[float, Carry]:
        """The probability of speech in 512 samples at 16 kHz; fewer are filled up with silence."""
        if audio.rate != RATE or len(audio) > CHUNK:
            raise ValueError(f"{len(audio)} samples at {audio.rate} Hz: detect takes {CHUNK} at {RATE}")
        if self._worker is None or self._session is None:
            raise EngineFailed("vad", "silero", "used before it was entered")
        state: _State = carry.value if carry else (np.zeros((2, 1, 128), np.float32), np.zeros(_CONTEXT, np.float32))
        probability, state = await self._worker.run(_step, self._session, audio.samples, state)
        return probability, Carry(uuid.uuid4().hex, state)


def _load(path: str) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _step(session: InferenceSession, samples: NDArray[np.float32], state: _State) -> tuple[float, _State]:
    recurrent, context = state
    heard = np.zeros((1, _CONTEXT + CHUNK), np.float32)
    heard[0, :_CONTEXT] = context
    heard[0, _CONTEXT : _CONTEXT + len(samples)] = samples
    probability, recurrent = session.run(None, {"input": heard, "state": recurrent, "sr": np.array(RATE, np.int64)})
    return float(probability[0, 0]), (recurrent, heard[0, -_CONTEXT:].copy())
