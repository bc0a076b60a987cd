"""GFPGAN as it is converted: one network, for one face at a time.

There is no int8 of it: its ranges would have to be measured on photographs, with trained weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis.engines.neural.recipes import Part

if TYPE_CHECKING:
    from torch import nn

SIDE = 512
"""Pixels of the square that the network sees."""
STEM = "face"


def parts() -> tuple[Part, ...]:
    """The only one: a face in [-1, 1] to the same, restored."""
    return (Part(STEM, _network, {"face": (3, SIDE, SIDE)}, ("restored",), batch=1),)


def _network() -> nn.Module:
    from visavis.engines.restoration.gfpgan_network import Gfpgan

    return Gfpgan()
