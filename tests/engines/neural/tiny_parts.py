"""Networks small enough to be converted in a moment: an encoder with two results, and a speaker that hears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from visavis.engines.neural.recipes import Part, Samples


class Encoder(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8))

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        made = torch.relu(self.down(picture))
        return made, made.mean((2, 3), keepdim=True)


class Speaker(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.hear = nn.Conv2d(1, 8, 4)
        self.up = nn.Sequential(nn.ConvTranspose2d(16, 3, 3, 2, 1, 1), nn.BatchNorm2d(3))

    def forward(self, sound: torch.Tensor, face: torch.Tensor) -> torch.Tensor:
        heard = self.hear(sound)
        size = face.shape[-2:]
        both = torch.cat((heard.expand(-1, -1, *size), face.expand(heard.shape[0], -1, -1, -1)), dim=1)
        return torch.sigmoid(self.up(both))


def parts() -> tuple[Part, ...]:
    return (
        Part("encoder", Encoder, {"picture": (3, 8, 8)}, ("face", "mean")),
        Part("speaker", Speaker, {"sound": (1, 4, 4), "face": (8, 4, 4)}, ("picture",), calibration=_samples),
    )


def modules(state: Mapping[str, NDArray[Any]]) -> tuple[Encoder, Speaker]:
    """The networks as they are before anything is converted."""
    made = Encoder().eval(), Speaker().eval()
    for module in made:
        module.load_state_dict({key: torch.from_numpy(state[key]) for key in module.state_dict()})
        module.requires_grad_(False)
    return made


def weights(seed: int = 0) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(seed)
    made: dict[str, NDArray[Any]] = {}
    for module in (Encoder(), Speaker()):
        for key, value in module.state_dict().items():
            drawn = random.normal(0.0, 0.4, tuple(value.shape)).astype(np.float32)
            made[key] = np.abs(drawn) + np.float32(0.3) if key.endswith("running_var") else drawn
            if key.endswith("num_batches_tracked"):
                made[key] = np.zeros((), np.int64)
    return made


def _samples(modules: Mapping[str, nn.Module]) -> Samples:
    random = np.random.default_rng(1)
    for _ in range(20):
        face, _mean = modules["encoder"](torch.from_numpy(random.random((1, 3, 8, 8), np.float32)))
        yield random.normal(size=(1, 1, 4, 4)).astype(np.float32), face.numpy()
