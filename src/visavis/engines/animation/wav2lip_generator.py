"""Wav2Lip's networks as an engine uses them: a face is encoded once, and then says chunk after chunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from visavis.engines.neural.choice import Choice
from visavis.engines.neural.forms import installed
from visavis.engines.neural.network import Network, open_network
from visavis.errors import EngineFailed, EngineUnavailable
from visavis.settings import Settings

ADD = "visavis models add wav2lip FILE"
"""The command that brings its weights."""
LATENCY_BATCH = 2
"""Chunks at once where the first is awaited: within a fifth of the best speed."""
_BATCH, _CARD_BATCH = 8, 64
"""Chunks at once where many are needed: more are no faster, and take memory; on a graphics card or a Gaudi they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """What the network knows of one face; only the runtime that made it can use it."""

    features: tuple[NDArray[np.float32], ...]
    """(1, …) each."""


class Generator:
    """Both networks. Not thread-safe: one belongs to one worker. All its methods block."""

    def __init__(self, face: Network, mouth: Network, choice: Choice) -> None:
        self._face, self._mouth = face, mouth
        self.runtime: str = choice.runtime
        """What really runs."""
        self.precision: str = choice.precision
        """What the mouth computes with."""
        self.device: str = choice.device
        self.batch = _BATCH if choice.device == "cpu" else _CARD_BATCH
        """Chunks that are generated fastest together."""

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """The networks, ready. Raises `EngineUnavailable` or `BadConfiguration`, with the remedy."""
        form = installed("wav2lip")
        if form is None:
            raise EngineUnavailable(f"Wav2Lip's weights are not on this machine: {ADD}")
        face, _ = open_network(form, "face", settings)
        mouth, choice = open_network(form, "mouth", settings)
        return cls(face, mouth, choice)

    def encode(self, face: NDArray[np.float32]) -> Encoded:
        """A face (6, 96, 96), as `wav2lip_parts.seen` makes it, to speak with. Raises `EngineFailed`."""
        return Encoded(_run(self._face, face[None]))

    def generate(self, faces: Sequence[Encoded], mels: NDArray[np.float32]) -> NDArray[np.float32]:
        """The pictures (n, 3, 96, 96), BGR in [0, 1], of chunks (n, 80, 16); of n faces, or of one that says them all.

        Raises `EngineFailed`.
        """
        if len(faces) not in (1, len(mels)):
            raise ValueError(f"{len(faces)} faces for {len(mels)} chunks")
        made = np.empty((len(mels), 3, 96, 96), np.float32)
        for begin in range(0, len(mels), self.batch):
            where = slice(begin, begin + self.batch)
            features = _together(faces if len(faces) == 1 else faces[where])
            made[where] = _run(self._mouth, mels[where, None], *features)[0]
        return made


def _together(faces: Sequence[Encoded]) -> tuple[NDArray[np.float32], ...]:
    """The features of some faces in one batch; of one, where they are all the same."""
    if all(face is faces[0] for face in faces):
        return faces[0].features
    return tuple(np.concatenate(each) for each in zip(*(face.features for face in faces), strict=True))


def _run(network: Network, *inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    try:
        return network.run(*inputs)
    except (RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise EngineFailed("animation", "wav2lip", f"its network stopped: {said}") from error
