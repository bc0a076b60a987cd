"""Wav2Lip's generator makes the original's pictures, in two parts as in one, whatever runs it."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="the extra 'wav2lip' is not installed")
pytest.importorskip("nncf", reason="the extra 'wav2lip' is not installed")

import torch

from tests.engines.animation.seeded_wav2lip import SEED, checkpoint, chunks, drawn, faces, loaded
from visavis.engines.animation.wav2lip_generator import Generator
from visavis.engines.animation.wav2lip_mel import CHUNK
from visavis.engines.animation.wav2lip_parts import seen
from visavis.engines.neural import choice, convert, forms
from visavis.engines.neural.choice import fast
from visavis.errors import EngineFailed, EngineUnavailable
from visavis.settings import Settings

pytestmark = pytest.mark.slow
Floats = NDArray[np.float32]
Opened = Callable[..., Generator]
RUNTIMES = ("openvino", "onnxruntime", "torch")


@pytest.fixture(scope="module")
def state() -> dict[str, NDArray[Any]]:
    return checkpoint(SEED)


@pytest.fixture(scope="module")
def data(state: dict[str, NDArray[Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the converted networks."""
    folder = tmp_path_factory.mktemp("wav2lip")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_DATA_DIR", str(folder))
        patch.setattr(convert, "_SAMPLES", 9)  # each of the faces says three chunks, which takes a tenth of the time
        forms.install("wav2lip", state, f"{SEED:064x}")
    return folder


@pytest.fixture
def opened(data: Path, monkeypatch: pytest.MonkeyPatch) -> Opened:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(data))
    return _open


def _open(runtime: str, precision: str = "float32") -> Generator:
    return Generator.open(
        Settings.model_validate({"neural_runtime": runtime, "neural_precision": precision, "neural_device": "cpu"})
    )


def noise(made: Floats, true: Floats) -> float:
    """Decibels of a picture's lower half over what is wrong in it."""
    return float(-10.0 * np.log10(np.mean(np.square(made[:, :, 48:] - true[:, :, 48:]))))


@pytest.fixture(scope="module")
def pictures(state: dict[str, NDArray[Any]]) -> Floats:
    """(2, 3, 96, 96) the whole network's, in PyTorch."""
    made: Floats = loaded(state)(torch.from_numpy(chunks(2)[:, None]), torch.from_numpy(faces(2))).numpy()
    return made


def test_its_weights_are_the_published_ones_by_name_shape_and_number(state: dict[str, NDArray[Any]]) -> None:
    network = loaded(state)
    assert sum(each.numel() for each in network.parameters()) == 36_298_035
    assert len(state) == 352
    assert state["face_decoder_blocks.3.0.conv_block.0.weight"].shape == (768, 384, 3, 3)


def test_it_makes_the_pictures_that_it_always_made(pictures: Floats) -> None:
    stored = np.load(Path(__file__).with_name("wav2lip_pictures.npz"))["pictures"] / np.float32(65535.0)
    assert np.abs(pictures[:, :, ::2] - stored).max() < 1e-4


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_its_two_parts_make_what_the_whole_makes(opened: Opened, pictures: Floats, runtime: str) -> None:
    generator = opened(runtime)
    assert (generator.runtime, generator.precision) == (runtime, "float32")
    encoded = [generator.encode(face) for face in faces(2)]
    together = generator.generate(encoded, chunks(2))
    assert np.abs(together - pictures).max() < 1e-4
    for face, heard, picture in zip(encoded, chunks(2), pictures, strict=True):
        alone = generator.generate([face], heard[None])
        assert np.abs(alone[0] - picture).max() < 1e-4


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_one_face_says_many_chunks_and_each_is_its_own(opened: Opened, runtime: str) -> None:
    generator = opened(runtime)
    face = generator.encode(faces(1)[0])
    many = generator.generate([face], chunks(11))
    assert many.shape == (11, 3, 96, 96)
    assert np.abs(many[9:] - generator.generate([face] * 2, chunks(11)[9:])).max() < 1e-4
    assert np.abs(many[3] - many[4]).mean() > 1e-3
    assert generator.generate([face], chunks(0)).shape == (0, 3, 96, 96)


def test_less_exact_numbers_make_nearly_the_same(opened: Opened, pictures: Floats) -> None:
    for runtime, precision in (("openvino", "int8"), ("openvino", "bfloat16"), ("torch", "bfloat16")):
        if precision == "bfloat16" and not fast("bfloat16"):
            continue
        generator = opened(runtime, precision)
        assert generator.precision == precision
        made = generator.generate([generator.encode(face) for face in faces(2)], chunks(2))
        assert noise(made, pictures) > (40.0 if precision == "bfloat16" else 30.0)


def test_without_weights_the_command_that_adds_them_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"weights are not on this machine: visavis models add wav2lip FILE$"):
        Generator.open(Settings())


def test_a_runtime_that_fails_is_one_sentence(opened: Opened) -> None:
    generator = opened("openvino")
    with pytest.raises(EngineFailed, match=r"^animation engine 'wav2lip': its network stopped: .{1,200}$"):
        generator.encode(np.zeros((5, 96, 96), np.float32))


# ---- against the original


@pytest.fixture(scope="module")
def original(reference: Path) -> Path:
    return reference.parent / "neural" / "wav2lip"


@pytest.fixture(scope="module")
def originals(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the weights of the reference outputs, converted as any others are."""
    folder, seed = tmp_path_factory.mktemp("original"), json.loads((original / "manifest.json").read_text())["seed"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VISAVIS_DATA_DIR", str(folder))
        patch.setattr(convert, "_SAMPLES", 24)
        forms.install("wav2lip", checkpoint(seed, dict(np.load(original / "batchnorm.npz"))), f"{seed:064x}")
    return folder


@pytest.mark.reference
def test_it_is_the_original_in_every_runtime(
    originals: Path, original: Path, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(originals))
    monkeypatch.setattr(choice, "_graphics_card", lambda: False)
    about = json.loads((original / "manifest.json").read_text())
    top, bottom, left, right = about["box_top_bottom_left_right"]
    picture = np.asarray(cv2.imread(str(reference / "portraits" / "photo_woman.png")), np.uint8)
    face = seen(picture[top:bottom, left:right])
    heard = np.load(original / "mel.npy")
    every = np.stack([heard[:, start : start + CHUNK] for start in about["chunk_starts"]])
    expected = np.load(original / "output.npy")
    for runtime in RUNTIMES:
        generator = _open(runtime)
        made = generator.generate([generator.encode(face)], every[about["frames"]])
        assert np.abs(made - expected).max() < 1e-4
    generator = _open("openvino")
    true = generator.generate([generator.encode(face)], every)
    for precision, least in (("int8", 40.0), ("bfloat16", 45.0)):
        if fast("bfloat16") or precision == "int8":
            generator = _open("openvino", precision)
            assert noise(generator.generate([generator.encode(face)], every), true) > least


@pytest.mark.reference
def test_every_weight_is_drawn_as_for_the_reference_outputs(original: Path) -> None:
    recipe = runpy.run_path(str(original.parent / "seeded_weights.py"))
    layout = json.loads((original.parent / "state_dicts" / "wav2lip.json").read_text())["entries"]
    ours = loaded(checkpoint(SEED, {})).state_dict()
    assert {each["key"]: tuple(each["shape"]) for each in layout} == {key: tuple(x.shape) for key, x in ours.items()}
    for each in layout[:40]:
        shape = tuple(each["shape"])
        assert np.array_equal(drawn(each["key"], shape, 3), recipe["seeded_array"](each["key"], shape, 3, "wav2lip"))
