"""Wav2Lip's generator in PyTorch (Prajwal et al., 2020, arXiv:2008.10010), in two parts that run one after the other.

A face goes down seven blocks, from 96 pixels to one; a chunk of sound becomes as many numbers as are left of it, and
comes up again through seven blocks, each of which also sees what the face was on its way down. The way down does not
hear, so it is a network of its own (`FaceEncoder`): a picture goes down once, and then speaks (`Mouth`). Names of
weights are those of the published checkpoints.

Imported only when the network is converted or runs in PyTorch, which takes seconds.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

_DOWN = ((16, 0), (32, 2), (64, 3), (128, 2), (256, 2), (512, 1))
"""Channels of a face block, and how many of its layers keep its size."""
_HEARING = (
    (32, 1, 2),
    (64, (3, 1), 2),
    (128, 3, 2),
    (256, (3, 2), 1),
)
"""Channels, stride and layers that keep the size."""
_UP = ((512, 2), (512, 2), (384, 2), (256, 2), (128, 2), (64, 2))
"""The same as on the way down, of the blocks that make the picture."""
_DEEPEST = 512


class Layer(nn.Module):
    """A convolution, normalised, and ReLU; one that keeps the size adds what it was given."""

    def __init__(
        self,
        given: int,
        made: int,
        kernel: int,
        stride: int | tuple[int, int] = 1,
        padding: int = 0,
        same: bool = False,
    ) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(nn.Conv2d(given, made, kernel, stride, padding), nn.BatchNorm2d(made))
        self._same = same

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, given, h, w) → (n, made, h', w')"""
        made = self.conv_block(x)
        return torch.relu(made + x if self._same else made)


class Upward(nn.Module):
    """A transposed convolution, normalised, and ReLU: makes a picture larger."""

    def __init__(self, given: int, made: int, stride: int, padding: int, more: int) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(nn.ConvTranspose2d(given, made, 3, stride, padding, more), nn.BatchNorm2d(made))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, given, h, w) → (n, made, h', w')"""
        return torch.relu(self.conv_block(x))


def _same(channels: int, count: int) -> list[nn.Module]:
    return [Layer(channels, channels, 3, padding=1, same=True) for _ in range(count)]


class FaceEncoder(nn.Module):
    """What the mouth has to know of a face, at seven sizes."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [nn.Sequential(Layer(6, _DOWN[0][0], 7, padding=3))]
        for (given, _), (made, count) in pairwise(_DOWN):
            blocks.append(nn.Sequential(Layer(given, made, 3, 2, 1), *_same(made, count)))
        blocks.append(nn.Sequential(Layer(_DEEPEST, _DEEPEST, 3), Layer(_DEEPEST, _DEEPEST, 1)))
        self.face_encoder_blocks = nn.ModuleList(blocks)

    def forward(self, face: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(n, 6, 96, 96) BGR in [0, 1], without its lower half and whole → the blocks' results, the smallest first."""
        made = []
        for block in self.face_encoder_blocks:
            face = block(face)
            made.append(face)
        return tuple(reversed(made))


class Mouth(nn.Module):
    """The picture of a face that says what is heard."""

    def __init__(self) -> None:
        super().__init__()
        hearing: list[nn.Module] = []
        given = 1
        for made, stride, count in _HEARING:
            hearing += [Layer(given, made, 3, stride, 1), *_same(made, count)]
            given = made
        self.audio_encoder = nn.Sequential(*hearing, Layer(given, _DEEPEST, 3), Layer(_DEEPEST, _DEEPEST, 1))
        seen = [_DEEPEST, *(channels for channels, _ in reversed(_DOWN))]
        blocks = [nn.Sequential(Layer(_DEEPEST, _DEEPEST, 1))]
        given = _DEEPEST
        for index, (made, count) in enumerate(_UP):
            first = index == 0  # from one pixel to three; each other one doubles
            widened = Upward(given + seen[index], made, 1 if first else 2, 0 if first else 1, 0 if first else 1)
            blocks.append(nn.Sequential(widened, *_same(made, count - 1 if first else count)))
            given = made
        self.face_decoder_blocks = nn.ModuleList(blocks)
        self.output_block = nn.Sequential(Layer(given + seen[-1], 32, 3, padding=1), nn.Conv2d(32, 3, 1), nn.Sigmoid())

    def forward(self, mel: torch.Tensor, *features: torch.Tensor) -> torch.Tensor:
        """(n, 1, 80, 16), and features of n faces or of one → (n, 3, 96, 96) BGR in [0, 1]"""
        x = self.audio_encoder(mel)
        for block, feature in zip(self.face_decoder_blocks, features, strict=True):
            x = block(x)
            x = torch.cat((x, feature.expand(x.shape[0], -1, -1, -1)), dim=1)
        made: torch.Tensor = self.output_block(x)
        return made


class Generator(nn.Module):
    """The whole network, as it was published; it hears and sees n times."""

    def __init__(self) -> None:
        super().__init__()
        encoder, mouth = FaceEncoder(), Mouth()
        self.face_encoder_blocks = encoder.face_encoder_blocks
        self.audio_encoder = mouth.audio_encoder
        self.face_decoder_blocks = mouth.face_decoder_blocks
        self.output_block = mouth.output_block

    def forward(self, mel: torch.Tensor, face: torch.Tensor) -> torch.Tensor:
        """(n, 1, 80, 16) and (n, 6, 96, 96) → (n, 3, 96, 96)"""
        seen = []
        for block in self.face_encoder_blocks:
            face = block(face)
            seen.append(face)
        x = self.audio_encoder(mel)
        for block in self.face_decoder_blocks:
            x = torch.cat((block(x), seen.pop()), dim=1)
        made: torch.Tensor = self.output_block(x)
        return made
