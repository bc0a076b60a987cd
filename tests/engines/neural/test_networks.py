"""Whatever runs a network, it makes what the network makes; and what cannot run says what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'wav2lip' is not installed")
pytest.importorskip("safetensors", reason="the extra 'wav2lip' is not installed")

from tests.engines.neural.tiny_parts import modules, weights
from visavis.engines.neural import choice, libraries
from visavis.engines.neural.choice import Choice, choose
from visavis.engines.neural.network import open_network
from visavis.errors import BadConfiguration, EngineUnavailable, VisavisError
from visavis.settings import Settings

pytestmark = pytest.mark.slow
FAST = frozenset({"avx512_vnni", "avx512_bf16"})


@pytest.fixture
def flags(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor with the instructions for int8 and bfloat16, and no other device."""
    monkeypatch.setattr(choice, "_flags", lambda: FAST)
    monkeypatch.setattr(choice, "_graphics_card", lambda: False)


def settings(runtime: str = "auto", precision: str = "auto", device: str = "auto") -> Settings:
    return Settings.model_validate(
        {"neural_runtime": runtime, "neural_precision": precision, "neural_device": device, "threads": 1}
    )


def expected(picture: np.ndarray, sound: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import torch

    encoder, speaker = modules(weights())
    face, mean = encoder(torch.from_numpy(picture))
    return face.numpy(), mean.numpy(), speaker(torch.from_numpy(sound), face).numpy()


@pytest.mark.parametrize(
    ("runtime", "precision", "tolerance"),
    [
        ("openvino", "float32", 1e-5),
        ("openvino", "int8", 0.2),
        ("onnxruntime", "float32", 1e-5),
        ("torch", "float32", 1e-5),
    ],
)
def test_each_runtime_makes_what_the_network_makes(form: Path, runtime: str, precision: str, tolerance: float) -> None:
    random = np.random.default_rng(7)
    encoder, _ = open_network(form, "encoder", settings(runtime, precision))
    speaker, chosen = open_network(form, "speaker", settings(runtime, precision))
    assert str(chosen) == f"{runtime} with {precision}"
    for faces, sounds in ((1, 1), (1, 5), (3, 3), (1, 2)):
        picture = random.random((faces, 3, 8, 8), np.float32)
        sound = random.normal(size=(sounds, 1, 4, 4)).astype(np.float32)
        face, mean, made = expected(picture, sound)
        ours, average = encoder.run(picture)
        assert np.abs(ours - face).max() < tolerance
        assert np.abs(average - mean).max() < tolerance
        (spoken,) = speaker.run(sound, ours)
        assert spoken.dtype == np.float32
        assert np.abs(spoken - made).max() < tolerance
        assert np.abs(spoken - made).mean() < tolerance / 8


@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime", "torch"])
def test_what_was_made_stays_as_it_is_when_the_network_runs_again(form: Path, runtime: str) -> None:
    speaker, _ = open_network(form, "speaker", settings(runtime, "float32"))
    face = np.ones((1, 8, 4, 4), np.float32)
    (first,) = speaker.run(np.zeros((2, 1, 4, 4), np.float32), face)
    kept = first.copy()
    speaker.run(np.ones((2, 1, 4, 4), np.float32), face)
    assert np.array_equal(first, kept)


@pytest.mark.usefixtures("flags")
@pytest.mark.parametrize(
    ("asked", "stem", "got"),
    [
        (("auto", "auto"), "speaker", "openvino with int8"),
        (("auto", "auto"), "encoder", "openvino with bfloat16"),
        (("auto", "int8"), "encoder", "openvino with bfloat16"),
        (("auto", "float32"), "speaker", "openvino with float32"),
        (("onnxruntime", "auto"), "speaker", "onnxruntime with float32"),
        (("torch", "auto"), "speaker", "torch with bfloat16"),
        (("torch", "float32"), "speaker", "torch with float32"),
    ],
)
def test_it_is_the_fastest_of_what_is_asked_for(form: Path, asked: tuple[str, str], stem: str, got: str) -> None:
    assert str(choose(form, stem, settings(*asked))) == got


def test_an_old_processor_computes_in_float32(form: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_flags", frozenset)
    monkeypatch.setattr(choice, "_graphics_card", lambda: False)
    assert choose(form, "speaker", settings()) == Choice("openvino", "float32")
    assert choose(form, "speaker", settings(precision="int8")) == Choice("openvino", "int8")
    with pytest.raises(EngineUnavailable, match=r"does not compute in bfloat16: set neural_precision=auto$"):
        choose(form, "speaker", settings(precision="bfloat16"))


def test_a_graphics_card_comes_first_and_a_processor_can_be_asked_for(
    form: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "_flags", lambda: FAST)
    monkeypatch.setattr(choice, "_graphics_card", lambda: True)
    assert str(choose(form, "speaker", settings())) == "torch with bfloat16 on cuda"
    assert str(choose(form, "speaker", settings(precision="float32"))) == "torch with float32 on cuda"
    assert str(choose(form, "speaker", settings(precision="int8"))) == "openvino with int8"
    assert str(choose(form, "speaker", settings("openvino"))) == "openvino with int8"
    assert str(choose(form, "speaker", settings(device="cpu"))) == "openvino with int8"


@pytest.mark.usefixtures("flags")
def test_what_is_not_installed_is_done_without(form: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = libraries.here
    monkeypatch.setattr(choice, "here", lambda *names: "openvino" not in names and here(*names))
    assert choose(form, "speaker", settings()) == Choice("onnxruntime", "float32")
    (form / "speaker.onnx").unlink()
    assert choose(form, "speaker", settings()) == Choice("torch", "bfloat16")
    with pytest.raises(EngineUnavailable, match=r"openvino is not installed: pip install .* neural_runtime=auto$"):
        choose(form, "speaker", settings("openvino"))


@pytest.mark.usefixtures("flags")
@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        (("onnxruntime", "int8"), BadConfiguration, "onnxruntime does not run in int8: set neural_precision=float32"),
        (("torch", "int8"), BadConfiguration, "set neural_precision=bfloat16 or float32"),
        (("openvino", "auto", "cuda"), BadConfiguration, "openvino does not run on cuda: set neural_runtime=torch"),
        (("auto", "int8", "cuda"), BadConfiguration, "int8 does not run on cuda: set neural_precision=bfloat16"),
        (("auto", "auto", "cuda"), EngineUnavailable, "no cuda device here, PyTorch finds none: set neural_device"),
        (("torch", "auto", "hpu"), EngineUnavailable, "no hpu device here, habana_frameworks finds none"),
    ],
)
def test_what_cannot_be_says_what_to_set(
    form: Path, asked: tuple[str, ...], error: type[VisavisError], said: str
) -> None:
    with pytest.raises(error, match=said):
        choose(form, "speaker", settings(*asked))


@pytest.mark.usefixtures("flags")
def test_a_form_without_int8_says_how_to_get_it(form: Path) -> None:
    for file in form.glob("*.int8.*"):
        file.unlink()
    assert choose(form, "speaker", settings()) == Choice("openvino", "bfloat16")
    with pytest.raises(EngineUnavailable, match=r"'tiny' were not converted for int8: pip install .*, and add"):
        choose(form, "speaker", settings(precision="int8"))


def test_a_file_that_no_runtime_can_read_is_one_sentence(form: Path) -> None:
    (form / "speaker.onnx").write_bytes(b"no network")
    with pytest.raises(EngineUnavailable, match=r"^tiny's network 'speaker' cannot be loaded in onnxruntime with flo"):
        open_network(form, "speaker", settings("onnxruntime"))


def test_openvino_reports_to_nobody() -> None:
    code = (
        "from visavis.engines.neural.libraries import load; import sys; load('openvino'); load('nncf');"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry') and sys.modules[name]])"
    )
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[-2] == "[]"
