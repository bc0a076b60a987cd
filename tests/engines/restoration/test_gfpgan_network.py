"""GFPGAN's network, with weights that were never trained: what it makes of a face is what the original makes of it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

if TYPE_CHECKING:
    from visavis.engines.restoration.gfpgan_network import Gfpgan

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed"),
    pytest.mark.slow,
]
EXPECTED = Path(__file__).parent / "gfpgan_seeded.npz"
"""Of the seeded network and face: a part of what comes out, and the whole, shrunk; the same for a mirrored one."""


def restored(network: Gfpgan, faces: NDArray[np.float32]) -> NDArray[np.float32]:
    import torch

    with torch.inference_mode():
        return np.asarray(network(torch.from_numpy(faces)).numpy(), np.float32)


def test_it_has_the_checkpoint_s_entries(seeded_network: Gfpgan) -> None:
    sizes = {name: value.numel() for name, value in seeded_network.state_dict().items()}
    noises = {name: size for name, size in sizes.items() if ".noises." in name}
    assert len(sizes) == 285
    assert len(noises) == 15
    assert sum(noises.values()) == 699_024
    assert sum(sizes.values()) == 699_024 + 86_444_252


def test_it_makes_of_each_face_what_it_always_made(seeded_network: Gfpgan) -> None:
    from tests.engines.restoration.seeded import face, shown

    made = restored(seeded_network, np.concatenate([shown(face()), shown(face()[:, ::-1])]))
    with np.load(EXPECTED) as expected:  # of one at a time
        np.testing.assert_allclose(made[..., 236:276, 236:276], expected["middle"], atol=5e-4)
        small = made.reshape(2, 3, 32, 16, 32, 16).mean(axis=(3, 5))
        np.testing.assert_allclose(small, expected["shrunk"], atol=5e-4)
    assert np.abs(made[0] - made[1]).max() > 0.05


@pytest.mark.reference
def test_it_has_the_names_and_shapes_of_the_original(seeded_network: Gfpgan, reference: Path) -> None:
    listed = json.loads((reference.parent / "neural/state_dicts/gfpgan_v1.3_v1.4_clean.json").read_text())["entries"]
    assert {name: [*value.shape] for name, value in seeded_network.state_dict().items()} == {
        entry["key"]: entry["shape"] for entry in listed
    }


@pytest.mark.reference
def test_it_makes_of_a_face_what_the_original_makes_of_it(seeded_network: Gfpgan, reference: Path) -> None:
    from tests.engines.restoration.seeded import shown

    folder = reference.parent / "neural/gfpgan"
    picture = np.asarray(cv2.imread(str(folder / "gfpgan_input.png")), np.uint8)[..., ::-1]
    (made,) = restored(seeded_network, shown(picture))
    with np.load(folder / "gfpgan_output.npz") as output:
        expected = output["output"]
    assert np.abs(made - expected).max() <= 5e-3
    for channel, original in zip(made, expected, strict=True):
        assert np.corrcoef(channel.ravel(), original.ravel())[0, 1] >= 0.9999
