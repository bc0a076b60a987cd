"""Smart Turn v3 (pipecat-ai, BSD-2-Clause): whether somebody has finished speaking, by how it sounds.

A Whisper encoder of 8 million weights looks at the last 8 s: tone and pace tell it what words alone do not.
https://github.com/pipecat-ai/smart-turn
"""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from visavis.engines.protocols import Availability, EngineInfo
from visavis.engines.turn.log_mel import RATE, log_mel
from visavis.errors import EngineFailed, EngineUnavailable
from visavis.media.audio import Audio
from visavis.settings import Settings
from visavis.streams.priority import give_way
from visavis.streams.worker import Worker
from visavis.weights.models import find_model, installed

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_MODEL = "smart-turn"
_PULL = f"visavis models pull {_MODEL}"


class SmartTurn:
    """Asks the network on onnxruntime, one thread, some 80 ms a question."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="smart-turn",
        slot="turn",
        summary="Smart Turn v3: hears by your tone whether you have finished",
        licence="BSD-2-Clause",
        languages=find_model(_MODEL).languages,
        rank=20,
    )

    def __init__(self, settings: Settings) -> None:
        self._session: InferenceSession | None = None
        self._worker: Worker | None = None

    @classmethod
    def availability(cls) -> Availability:
        """Ready where onnxruntime is, and the model was pulled."""
        if importlib.util.find_spec("onnxruntime") is None:
            return Availability(False, "onnxruntime is not installed", "pip install onnxruntime")
        if installed(_MODEL) is None:
            return Availability(False, "its model is not on this machine", _PULL)
        return Availability(True)

    async def __aenter__(self) -> Self:
        if (folder := installed(_MODEL)) is None:
            raise EngineUnavailable(f"turn engine 'smart-turn' cannot run here: its model is not here ({_PULL})")
        self._worker = Worker("smart-turn")
        try:
            self._session = await self._worker.run(_load, folder)
            await self.complete(Audio.silence(RATE, RATE))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._worker is not None:
            await asyncio.to_thread(self._worker.close)
        self._worker = self._session = None

    async def complete(self, audio: Audio) -> float:
        """The probability that whoever spoke, 16 kHz, has finished. Of more than 8 s the last count."""
        if audio.rate != RATE:
            raise ValueError(f"{audio.rate} Hz: complete takes {RATE}")
        if self._worker is None or self._session is None:
            raise EngineFailed("turn", "smart-turn", "used before it was entered")
        try:
            probability = await self._worker.run(_asked, self._session, audio.samples)
        except Exception as error:  # onnxruntime throws what it likes
            raise EngineFailed("turn", "smart-turn", f"stopped: {' '.join(str(error).split())[:200]}") from error
        if not 0.0 <= probability <= 1.0:
            raise EngineFailed("turn", "smart-turn", f"said {probability}, which is no probability ({_PULL})")
        return probability


def _load(folder: Path) -> InferenceSession:
    import onnxruntime

    give_way()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    (file,) = (folder / file.path for file in find_model(_MODEL).files)
    try:
        return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise EngineUnavailable(f"Smart Turn cannot load {file}: {said} ({_PULL})") from None


def _asked(session: InferenceSession, samples: NDArray[np.float32]) -> float:
    answers = session.run(None, {"input_features": log_mel(samples)[None]})
    return float(np.ravel(answers[0])[0])
