"""GFPGAN, versions 1.3 and 1.4: a blurred or blocky face, made sharp. Its checkpoint is brought, and converted once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.engines.neural import forms
from visavis.engines.neural.libraries import brief
from visavis.engines.neural.network import Network, open_network
from visavis.engines.restoration.gfpgan_parts import SIDE, STEM
from visavis.errors import EngineFailed, EngineUnavailable
from visavis.settings import Settings

NAME = "gfpgan"
REMEDY = "visavis models add gfpgan FILE"


class Restorer:
    """The network in memory. Not thread-safe: one belongs to one worker."""

    def __init__(self, network: Network, runtime: str, precision: str) -> None:
        self._network = network
        self.runtime = runtime
        """openvino, onnxruntime or torch."""
        self.precision = precision
        """float32 or bfloat16."""

    @classmethod
    def open(cls, settings: Settings) -> Restorer:
        """The converted checkpoint, on what the settings choose or is fastest here. Blocks for seconds.

        Raises `EngineUnavailable`, with the remedy, where none was added or the settings ask for what cannot run here.
        """
        form = forms.installed(NAME)
        if form is None:
            raise EngineUnavailable(f"faces cannot be restored: GFPGAN's checkpoint has not been added ({REMEDY})")
        network, choice = open_network(form, STEM, settings)
        return cls(network, choice.runtime, choice.precision)

    def restore(self, crop: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
        """An aligned face (512, 512, 3) RGB, 0 to 255, restored: the same shape, order and range. Blocks.

        The same face gives the same, whatever was restored before. Raises `EngineFailed` where the runtime fails.
        """
        shown = _shown(crop)
        try:
            (made,) = self._network.run(shown)
        except (RuntimeError, ValueError) as error:
            raise EngineFailed("animation", NAME, brief(error)) from None
        if not np.isfinite(made).all():
            raise EngineFailed("animation", NAME, f"its picture holds no numbers: add its checkpoint again ({REMEDY})")
        picture = np.clip(made[0], -1, 1).transpose(1, 2, 0) * np.float32(127.5) + np.float32(127.5)
        return np.ascontiguousarray(picture, np.float32)


def _shown(crop: NDArray[Any]) -> NDArray[np.float32]:
    """(1, 3, 512, 512) in [-1, 1]."""
    if crop.shape != (SIDE, SIDE, 3):
        raise ValueError(f"a face of {SIDE} x {SIDE} pixels is restored, not an array of {crop.shape}")
    return np.ascontiguousarray((crop.astype(np.float32) / np.float32(127.5) - 1).transpose(2, 0, 1)[None])
