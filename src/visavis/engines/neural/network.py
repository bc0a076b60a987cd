"""A network that runs, whichever runtime it runs on."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from visavis.engines.neural.choice import Choice, choose
from visavis.engines.neural.libraries import brief
from visavis.errors import EngineUnavailable, VisavisError
from visavis.settings import Settings, cores


class Network(Protocol):
    """A network in memory. Not thread-safe: one belongs to one worker."""

    def run(self, *inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Its outputs, all with the batch as their first axis, which may be another at each call. Blocks.

        What is returned belongs to the caller. Raises `RuntimeError` or `ValueError` where the runtime fails.
        """
        ...


def open_network(form: Path, stem: str, settings: Settings) -> tuple[Network, Choice]:
    """The part `stem` of the converted networks in the folder `form`, and on what it runs. Blocks for seconds.

    Raises `EngineUnavailable` or `BadConfiguration`, with the remedy, where the settings ask for what cannot run here.
    """
    choice = choose(form, stem, settings)
    threads = settings.threads or cores()
    try:
        if choice.runtime == "openvino":
            from visavis.engines.neural.openvino import OpenVinoNetwork

            return OpenVinoNetwork(form, stem, choice.precision, threads), choice
        if choice.runtime == "onnxruntime":
            from visavis.engines.neural.onnx import OnnxNetwork

            return OnnxNetwork(form, stem, threads), choice
        from visavis.engines.neural.pytorch import TorchNetwork

        return TorchNetwork(form, stem, choice.precision, choice.device, threads), choice
    except VisavisError:
        raise
    except Exception as error:  # the runtimes throw what they like
        raise EngineUnavailable(
            f"{form.parent.name}'s network '{stem}' cannot be loaded in {choice}: {brief(error)} (set neural_runtime to"
            " another, or add its checkpoint again)"
        ) from None
