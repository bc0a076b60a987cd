"""Networks that others have published: what they are for, what their licences say, and how a checkpoint is laid out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from visavis.errors import BadInput

Layout = Mapping[str, tuple[int, ...]]
"""By a tensor's name: its shape."""


@dataclass(frozen=True, slots=True)
class Published:
    """A network whose weights everyone gets from where they were published; they are never fetched unasked."""

    name: str
    """What it is added by, as in `visavis models add wav2lip`."""
    title: str
    """What its makers call it."""
    purpose: str
    """What it does, in a few words."""
    licence: str
    """What may be done with the weights, in sentences."""
    terms: str
    """The licence in a few words, for lists."""
    licence_url: str
    """Where that is written."""
    non_commercial: bool
    layout: Layout = field(repr=False)
    """Every tensor that a checkpoint must have; BatchNorm's counters, which serve training, are none of them."""
    releases: Mapping[str, str] = field(default_factory=dict, repr=False)
    """By the SHA-256 of a file that is widely known: which one it is."""


@cache
def published() -> Mapping[str, Published]:
    """Every network that can be added, under its name."""
    networks = (
        Published(
            name="wav2lip",
            title="Wav2Lip",
            purpose="moves the mouth by the sound",
            licence=(
                "Wav2Lip's weights are for research, academic and personal use only: any commercial use is forbidden, "
                "because they were trained on the LRS2 dataset."
            ),
            terms="research and personal use only",
            licence_url="https://github.com/Rudrabha/Wav2Lip",
            non_commercial=True,
            layout=_layout("wav2lip"),
            releases={
                "b78b681b68ad9fe6c6fb1debc6ff43ad05834a8af8a62ffc4167b7b34ef63c37": "Wav2Lip",
                "ca9ab7b7b812c0e80a6e70a5977c545a1e8a365a6c49d5e533023c034d7ac3d8": "Wav2Lip-GAN",
            },
        ),
        Published(
            name="gfpgan",
            title="GFPGAN",
            purpose="sharpens the face",
            licence=(
                "GFPGAN's code and weights are under the Apache License 2.0 (Tencent ARC). The faces that they were "
                "trained on (FFHQ) are a dataset for non-commercial use: whether that binds you is yours to judge."
            ),
            terms="Apache-2.0, trained on faces for non-commercial use",
            licence_url="https://github.com/TencentARC/GFPGAN",
            non_commercial=False,
            layout=_layout("gfpgan"),
            releases={
                "c953a88f2727c85c3d9ae72e2bd4846bbaf59fe6972ad94130e23e7017524a70": "GFPGAN v1.3",
                "e2cd4703ab14f4d01fd1383a8a8b266f9a5833dacee8e6a79d3bf21a1b6be5ad": "GFPGAN v1.4",
            },
        ),
    )
    return {network.name: network for network in networks}


def find_published(name: str) -> Published:
    """The network called `name`. Raises `BadInput`, with the name that was probably meant."""
    networks = published()
    if (network := networks.get(name)) is not None:
        return network
    near = difflib.get_close_matches(name.lower(), networks, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {' and '.join(networks)}"
    raise BadInput(f"there is no network '{name}' to add; {hint}")


def recognised(names: Layout) -> str:
    """Whose tensors these are, as far as names and shapes tell; '' where nobody's who is known here."""
    known = {network.title: network.layout for network in published().values()}
    known["S3FD, the face detector that comes beside Wav2Lip"] = _layout("s3fd")
    for title, layout in known.items():
        if 2 * sum(names.get(name) == shape for name, shape in layout.items()) > len(layout):
            return title
    return ""


@cache
def _layout(name: str) -> Layout:
    """Read `layouts/NAME.txt`: a line for each tensor, its name, a tab, and its lengths with blanks between them."""
    lines = (Path(__file__).with_name("layouts") / f"{name}.txt").read_text("utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return {key: tuple(map(int, shape.split())) for key, shape in pairs}
