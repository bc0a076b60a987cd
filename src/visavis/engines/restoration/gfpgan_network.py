"""GFPGAN's network of versions 1.3 and 1.4 ("clean") in PyTorch, whose entries bear the published checkpoints' names.

After the papers: a U-Net reads the damaged face (GFPGAN, arXiv:2101.04061); its deepest features become one style for
each layer of a StyleGAN2 decoder (arXiv:1912.04958), and its features on the way up scale and shift half of the
decoder's channels (the channel-split spatial feature transform). "Clean" is StyleGAN2 without operators of its own:
bilinear resizing, and a gain of √2 where the original has its fused activation.

Weights stay as they are while it runs: a style scales a convolution's input, and its output is normalised, which is
the same as scaling and normalising the weights (arXiv:1912.04958, appendix B), but is compiled once for all faces.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SIZE = 512
"""Pixels of a side of what goes in and comes out."""
STYLE = 512
"""Numbers of a style."""
_CHANNELS = {4: 512, 8: 512, 16: 512, 32: 512, 64: 512, 128: 256, 256: 128, 512: 64}
"""Of the decoder, by the side of its features; the U-Net has half."""
_SLOPE = 0.2
_GAIN = 2**0.5
_LEAST = 1e-8
"""Keeps the normalisation of weights from a division by 0."""
_MAPPING = 8
"""Layers that turn noise into styles: in the checkpoint, and of no use to a restorer, which has the styles."""
Resizing = Callable[[Tensor], Tensor]


def halved(features: Tensor) -> Tensor:
    """Bilinear resizing to half the side: the mean of each two by two."""
    return functional.avg_pool2d(features, 2)


def doubled(features: Tensor) -> Tensor:
    """Bilinear resizing to twice the side."""
    return functional.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)


def _condition(channels: int) -> nn.Module:
    """Features of the U-Net to what scales or shifts as many of the decoder."""
    first, second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
    return nn.Sequential(first, nn.LeakyReLU(_SLOPE), second)


class Gfpgan(nn.Module):
    """(n, 3, 512, 512) RGB in [-1, 1] to the same, restored; what comes out may lie a little beyond."""

    def __init__(self) -> None:
        super().__init__()
        sides = [*_CHANNELS]
        half = [_CHANNELS[side] // 2 for side in sides]
        falling = [*pairwise(half[::-1])]
        rising = [*pairwise(half)]
        self.conv_body_first = nn.Conv2d(3, half[-1], 1)
        self.conv_body_down = nn.ModuleList(Residual(i, o, halved) for i, o in falling)
        self.final_conv = nn.Conv2d(half[0], half[0], 3, padding=1)
        self.conv_body_up = nn.ModuleList(Residual(i, o, doubled) for i, o in rising)
        # the picture at every side: training looks at it
        self.toRGB = nn.ModuleList(nn.Conv2d(o, 3, 1) for _, o in rising)
        self.final_linear = nn.Linear(half[0] * sides[0] ** 2, 2 * len(sides) * STYLE)
        self.stylegan_decoder = Decoder()
        self.condition_scale = nn.ModuleList(_condition(o) for _, o in rising)
        self.condition_shift = nn.ModuleList(_condition(o) for _, o in rising)

    def forward(self, faces: Tensor) -> Tensor:
        """The faces restored."""
        seen = functional.leaky_relu(self.conv_body_first(faces), _SLOPE)
        passed = []
        for down in self.conv_body_down:
            seen = down(seen)
            passed.append(seen)
        seen = functional.leaky_relu(self.final_conv(seen), _SLOPE)
        styles = self.final_linear(seen.flatten(1)).unflatten(1, (-1, STYLE))
        conditions = []
        for up, scale, shift in zip(self.conv_body_up, self.condition_scale, self.condition_shift, strict=True):
            seen = up(seen + passed.pop())
            conditions.append((scale(seen), shift(seen)))
        return self.stylegan_decoder(styles, conditions)


class Residual(nn.Module):
    """Two convolutions with a resizing between them, beside a shorter way."""

    def __init__(self, channels: int, out: int, resize: Resizing) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, out, 3, padding=1)
        self.skip = nn.Conv2d(channels, out, 1, bias=False)
        self._resize = resize

    def forward(self, seen: Tensor) -> Tensor:
        """(n, channels, h, w) to (n, out, h', w')."""
        inner = self._resize(functional.leaky_relu(self.conv1(seen), _SLOPE))
        inner = functional.leaky_relu(self.conv2(inner), _SLOPE)
        return inner + self.skip(self._resize(seen))


class Decoder(nn.Module):
    """StyleGAN2's generator, from a constant of 4 x 4 up to the picture."""

    def __init__(self) -> None:
        super().__init__()
        sides = [*_CHANNELS]
        steps = [*pairwise(sides)]
        layers: list[nn.Module] = [nn.Identity()]
        for _ in range(_MAPPING):
            layers += [nn.Linear(STYLE, STYLE), nn.LeakyReLU(_SLOPE)]
        self.style_mlp = nn.Sequential(*layers)
        self.constant_input = Constant(_CHANNELS[4], 4)
        self.style_conv1 = StyleConvolution(_CHANNELS[4], _CHANNELS[4])
        self.to_rgb1 = ToRgb(_CHANNELS[4])
        self.style_convs = nn.ModuleList()
        self.to_rgbs = nn.ModuleList()
        for smaller, side in steps:
            self.style_convs.append(StyleConvolution(_CHANNELS[smaller], _CHANNELS[side]))
            self.style_convs.append(StyleConvolution(_CHANNELS[side], _CHANNELS[side]))
            self.to_rgbs.append(ToRgb(_CHANNELS[side]))
        self.noises = nn.Module()
        for number, side in enumerate([4, *(side for _, side in steps for _ in range(2))]):
            self.noises.register_buffer(f"noise{number}", torch.zeros(1, 1, side, side))

    def forward(self, styles: Tensor, conditions: list[tuple[Tensor, Tensor]]) -> Tensor:
        """`styles` (n, 16, 512), one a layer; `conditions` the scale and shift of each side above 4."""
        style = styles.unbind(1)
        noise = [*self.noises.buffers()]
        features = self.constant_input.weight.expand(len(styles), -1, -1, -1)
        features = self.style_conv1(features, style[0], noise[0])
        picture = self.to_rgb1(features, style[1])
        for step, (scale, shift) in enumerate(conditions):
            first = 2 * step + 1
            features = doubled(features)
            features = self.style_convs[first - 1](features, style[first], noise[first])
            kept, guided = features.chunk(2, 1)
            features = torch.cat((kept, guided * scale + shift), 1)
            features = self.style_convs[first](features, style[first + 1], noise[first + 1])
            # with the style of the convolution that comes next
            picture = doubled(picture) + self.to_rgbs[step](features, style[first + 2])
        return picture


class Constant(nn.Module):
    """What the decoder starts from."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1, channels, side, side))


class Modulated(nn.Module):
    """A convolution whose weights a style scales, input channel by input channel."""

    def __init__(self, channels: int, out: int, kernel: int, normalised: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(out, channels, kernel, kernel))
        self.modulation = nn.Linear(STYLE, channels)
        self._normalised = normalised
        # in a checkpoint they have an axis more, for the batch; in memory, four can be laid out channels last
        self.register_state_dict_post_hook(_with_batch)
        self.register_load_state_dict_pre_hook(_without_batch)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """(n, channels, h, w) and (n, 512) to (n, out, h, w)."""
        scale = self.modulation(style)
        features = functional.conv2d(features * scale[..., None, None], self.weight, padding=self.weight.shape[-1] // 2)
        if not self._normalised:
            return features
        # the energy of each output channel's scaled weights
        energy = functional.linear(scale.square(), self.weight.square().sum((2, 3)))
        return features * torch.rsqrt(energy + _LEAST)[..., None, None]


def _with_batch(module: Modulated, state: dict[str, Tensor], prefix: str, _: Any) -> None:
    state[f"{prefix}weight"] = state[f"{prefix}weight"][None]


def _without_batch(module: Modulated, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    state[f"{prefix}weight"] = state[f"{prefix}weight"][0]


class StyleConvolution(nn.Module):
    """A modulated convolution with its noise and activation."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.modulated_conv = Modulated(channels, out, 3, normalised=True)
        self.weight = nn.Parameter(torch.zeros(1))
        """Of the noise."""
        self.bias = nn.Parameter(torch.zeros(1, out, 1, 1))

    def forward(self, features: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        """(n, channels, h, w), (n, 512) and (1, 1, h, w) to (n, out, h, w)."""
        features = self.modulated_conv(features, style) * _GAIN
        return functional.leaky_relu(features + self.weight * noise + self.bias, _SLOPE)


class ToRgb(nn.Module):
    """What a layer adds to the picture."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.modulated_conv = Modulated(channels, 3, 1, normalised=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """(n, channels, h, w) and (n, 512) to (n, 3, h, w)."""
        return self.modulated_conv(features, style) + self.bias
