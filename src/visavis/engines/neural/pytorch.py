"""Networks in PyTorch: on a processor, a graphics card (CUDA) or a Gaudi (HPU)."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visavis.engines.neural.choice import Device, Precision
from visavis.engines.neural.forms import manifest
from visavis.engines.neural.libraries import load
from visavis.engines.neural.recipes import parts
from visavis.errors import EngineUnavailable


class TorchNetwork:
    """A module in evaluation, its convolutions in the order of channels that processors and cards like best."""

    def __init__(self, form: Path, stem: str, precision: Precision, device: Device, threads: int) -> None:
        # OpenMP's threads would spin while they wait, on cores that the others need
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        torch = load("torch")
        if device == "hpu":
            load("habana_frameworks.torch.core")
        from visavis.engines.neural.convert import folded

        read = manifest(form)
        if read is None:
            raise EngineUnavailable(f"{form} is damaged: add its checkpoint again")
        torch.set_num_threads(threads)
        (part,) = (each for each in parts(read.name) if each.stem == stem)
        with torch.device("meta"):
            module = folded(part.build())
        weights = load("safetensors.torch").load_file(form / f"{stem}.safetensors")
        module.load_state_dict(weights, assign=True)
        self._module = module.requires_grad_(False).to(device, memory_format=torch.channels_last)
        self._device, self._lean = device, precision == "bfloat16"

    def run(self, *inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """As `Network.run`."""
        import torch

        given = [torch.from_numpy(np.ascontiguousarray(each)).to(self._device) for each in inputs]
        with torch.inference_mode(), torch.autocast(self._device, torch.bfloat16, enabled=self._lean):
            made = self._module(*given)
        if self._device == "hpu":
            import_module("habana_frameworks.torch.core").mark_step()
        return tuple(each.float().cpu().numpy() for each in (made if isinstance(made, tuple) else (made,)))
