"""GFPGAN out of a checkpoint that was added, with weights that were never trained."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.engines.neural import forms, libraries
from visavis.engines.neural.network import open_network
from visavis.engines.restoration.gfpgan import Restorer
from visavis.engines.restoration.gfpgan_parts import STEM
from visavis.errors import BadInput, EngineFailed, EngineUnavailable
from visavis.settings import Settings, load_settings

Floats = NDArray[np.float32]
RUNTIMES = ("torch", "openvino")
added = [
    pytest.mark.skipif(
        any(importlib.util.find_spec(each) is None for each in (*RUNTIMES, "safetensors")),
        reason="PyTorch or OpenVINO is not installed",
    ),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def data_dir(checkpoint: dict[str, Floats], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where a checkpoint was added, for two runtimes."""
    folder = tmp_path_factory.mktemp("gfpgan")
    everything = libraries.here
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_DATA_DIR", str(folder))
        patch.setattr(libraries, "here", lambda *names: "onnx" not in names and everything(*names))
        forms.install("gfpgan", checkpoint, "0f" * 32)
    yield folder
    shutil.rmtree(folder)  # a gigabyte


@pytest.fixture
def settings(data_dir: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Settings:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(data_dir))
    return load_settings(neural_runtime=request.param, neural_precision="float32", neural_device="cpu", threads=2)


class Broken:
    """A network that fails, or gives what it was told to."""

    def __init__(self, made: Floats | None) -> None:
        self._made = made

    def run(self, *inputs: Floats) -> tuple[Floats, ...]:
        if self._made is None:
            raise RuntimeError("no memory\nat all")
        return (self._made,)


def test_without_a_checkpoint_it_says_how_to_add_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="visavis models add gfpgan FILE"):
        Restorer.open(load_settings())


@pytest.mark.parametrize(("made", "says"), [(None, "no memory at all"), (np.full((1, 3, 2, 2), np.nan), "again")])
def test_a_network_that_fails_is_told_in_one_line(made: Floats | None, says: str) -> None:
    with pytest.raises(EngineFailed, match=says):
        Restorer(Broken(made), "torch", "float32").restore(np.zeros((512, 512, 3), np.uint8))


def test_what_comes_out_is_a_picture_however_far_beyond_it_lies() -> None:
    made = np.linspace(-3, 3, 3 * 512 * 512, dtype=np.float32).reshape(1, 3, 512, 512)
    picture = Restorer(Broken(made), "torch", "float32").restore(np.zeros((512, 512, 3), np.uint8))
    assert picture.shape == (512, 512, 3)
    assert picture.dtype == np.float32
    assert (picture.min(), picture.max()) == (0, 255)
    assert (picture[..., 0] == 0).all(), "the first plane is red"


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
@pytest.mark.slow
def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    with pytest.raises(BadInput, match="it has no conv_body_first"):
        forms.install("gfpgan", {"weight": np.zeros(3, np.float32)}, "0f" * 32)
    assert forms.installed("gfpgan") is None


@pytest.mark.parametrize("settings", RUNTIMES, indirect=True)
class TestAdded:
    pytestmark = added

    def test_each_runtime_makes_of_a_face_what_the_network_always_made(self, settings: Settings) -> None:
        from tests.engines.restoration.seeded import face

        restorer = Restorer.open(settings)
        assert (restorer.runtime, restorer.precision) == (settings.neural_runtime, "float32")
        made = restorer.restore(face()) / 127.5 - 1
        with np.load(Path(__file__).parent / "gfpgan_seeded.npz") as expected:
            middle = np.clip(expected["middle"][0], -1, 1).transpose(1, 2, 0)
        np.testing.assert_allclose(made[236:276, 236:276], middle, atol=5e-4)

    @pytest.mark.reference
    def test_each_runtime_makes_of_a_face_what_the_original_makes_of_it(
        self, settings: Settings, reference: Path
    ) -> None:
        from tests.engines.restoration.seeded import shown

        form = forms.installed("gfpgan")
        assert form is not None
        network, _ = open_network(form, STEM, settings)
        folder = reference.parent / "neural/gfpgan"
        picture = np.asarray(cv2.imread(str(folder / "gfpgan_input.png")), np.uint8)[..., ::-1]
        made = network.run(shown(picture))[0][0]
        with np.load(folder / "gfpgan_output.npz") as output:
            expected = output["output"]
        assert np.abs(made - expected).max() <= 5e-3
        for channel, original in zip(made, expected, strict=True):
            assert np.corrcoef(channel.ravel(), original.ravel())[0, 1] >= 0.9999
