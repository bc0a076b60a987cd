"""Published checkpoints: every form that they come in is read, whatever else is refused in a sentence."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import struct
import sys
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.errors import BadInput, EngineUnavailable, TooLarge
from visavis.weights import tensors
from visavis.weights.checkpoints import digest, read_checkpoint
from visavis.weights.published import Published, find_published, published

torch = pytest.importorskip("torch", reason="the extra 'wav2lip' is not installed")
TINY = Published(
    name="tiny",
    title="Tiny",
    purpose="is small",
    licence="Everything may be done with it.",
    terms="free",
    licence_url="https://example.org",
    non_commercial=False,
    layout={"body.0.weight": (3, 2, 1), "body.0.bias": (3,), "body.1.running_mean": (3,)},
)


def _weights(dtype: Any = torch.float32) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(1)
    return {name: torch.randn(shape, generator=generator).to(dtype) for name, shape in TINY.layout.items()}


def _save(path: Path, content: object, *, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


def _refusal(path: Path, network: Published = TINY) -> str:
    with pytest.raises(BadInput) as refused:
        read_checkpoint(path, network)
    message = str(refused.value)
    assert "\n" not in message
    assert "weights_only" not in message
    return message


def _same(state: Mapping[str, NDArray[np.float32]], weights: Mapping[str, Any]) -> None:
    assert list(state) == list(TINY.layout)
    for name, array in state.items():
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        np.testing.assert_array_equal(array, weights[name].float().numpy())


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("wrap", ["state_dict", "params_ema", "params", ""])
def test_a_checkpoint_is_read_in_each_form_that_is_published(tmp_path: Path, wrap: str, legacy: bool) -> None:
    weights = _weights()
    content: dict[str, Any] = {wrap: weights, "optimizer": {"state": {0: torch.ones(9)}}} if wrap else weights
    _same(read_checkpoint(_save(tmp_path / "w.pth", content, legacy=legacy), TINY), weights)


def test_the_smoothed_copy_of_a_network_is_preferred(tmp_path: Path) -> None:
    raw = {name: torch.zeros_like(tensor) for name, tensor in _weights().items()}
    _same(read_checkpoint(_save(tmp_path / "w.pth", {"params": raw, "params_ema": _weights()}), TINY), _weights())


def test_the_prefix_and_the_counters_of_training_do_not_matter(tmp_path: Path) -> None:
    trained = {f"module.{name}": tensor for name, tensor in _weights().items()}
    trained["module.body.1.num_batches_tracked"] = torch.tensor(7)
    _same(read_checkpoint(_save(tmp_path / "w.pth", {"state_dict": trained}), TINY), _weights())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_numbers_of_other_widths_are_made_float32(tmp_path: Path, dtype: Any) -> None:
    _same(read_checkpoint(_save(tmp_path / "w.pth", _weights(dtype)), TINY), _weights(dtype))


def _safetensors(path: Path, entries: Mapping[str, tuple[str, tuple[int, ...], bytes]]) -> Path:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    body = b""
    for name, (dtype, shape, content) in entries.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(content)]}
        body += content
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return path


def test_safetensors_are_read_without_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    weights = _weights()
    kept = {name: ("F32", tuple(t.shape), t.numpy().tobytes()) for name, t in weights.items()}
    _same(read_checkpoint(_safetensors(tmp_path / "w.safetensors", kept), TINY), weights)
    halves = {n: ("BF16", tuple(t.shape), t.bfloat16().view(torch.int16).numpy().tobytes()) for n, t in weights.items()}
    _same(read_checkpoint(_safetensors(tmp_path / "h.safetensors", halves), TINY), _weights(torch.bfloat16))


def test_a_torchscript_archive_gives_its_tensors_and_runs_nothing(tmp_path: Path) -> None:
    body = torch.nn.Sequential(torch.nn.Conv1d(2, 3, 1), torch.nn.BatchNorm1d(3))
    body[1].running_mean = torch.arange(3.0)
    module = torch.nn.Sequential(OrderedDict(body=body)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(module, torch.zeros(1, 2, 4)).save(str(tmp_path / "w.pt"))
    names = {**TINY.layout, "body.1.weight": (3,), "body.1.bias": (3,), "body.1.running_var": (3,)}
    state = read_checkpoint(tmp_path / "w.pt", replace(TINY, layout=names))
    assert list(state) == list(names)
    for name, array in state.items():
        np.testing.assert_array_equal(array, module.state_dict()[name].numpy())


class _Hostile:
    """A pickle that makes a file when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_a_pickle_that_wants_to_run_code_is_refused_and_runs_none(tmp_path: Path, legacy: bool) -> None:
    made = tmp_path / "made"
    content = {"state_dict": _weights(), "note": _Hostile(made)}
    message = _refusal(_save(tmp_path / "w.pth", content, legacy=legacy))
    assert "wants code to run when it is opened (posix.mkdir)" in message or "nt.mkdir" in message
    assert not made.exists()


def test_a_torchscript_archive_that_wants_to_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    made = tmp_path / "made"
    with zipfile.ZipFile(tmp_path / "w.pt", "w") as archive:
        archive.writestr("w/data.pkl", pickle.dumps(_Hostile(made)))
        archive.writestr("w/constants.pkl", pickle.dumps(()))
    assert "is no TorchScript archive of a network" in _refusal(tmp_path / "w.pt")
    assert not made.exists()


def test_a_bare_pickle_is_no_checkpoint_and_runs_nothing(tmp_path: Path) -> None:
    made = tmp_path / "made"
    (tmp_path / "w.pth").write_bytes(pickle.dumps(_Hostile(made)))
    assert "is no checkpoint of PyTorch's" in _refusal(tmp_path / "w.pth")
    assert not made.exists()


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_file_that_is_cut_off_says_so(tmp_path: Path, legacy: bool, part: float) -> None:
    path = _save(tmp_path / "w.pth", {"state_dict": _weights(), "more": torch.zeros(9999)}, legacy=legacy)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    assert "'w.pth' is cut off or damaged" in _refusal(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html><body>Sign in", "is a web page: the download asked for a login"),
        (b"<html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "`git lfs pull`"),
        (b"no weights at all", "is no checkpoint of PyTorch's"),
        (bytes(range(256)) * 40, "is no checkpoint of PyTorch's"),
    ],
)
def test_what_is_no_checkpoint_is_called_what_it_is(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "w.pth").write_bytes(content)
    assert said in _refusal(tmp_path / "w.pth")


def test_zips_folders_and_files_that_are_not_there_are_called_what_they_are(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        archive.writestr("in/w.pth", b"x")
    assert "unpack it and add in/w.pth" in _refusal(tmp_path / "w.zip")
    assert "is a folder" in _refusal(tmp_path)
    assert "there is no file" in _refusal(tmp_path / "none.pth")


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _save(tmp_path / "w.pth", _weights())
    monkeypatch.setattr(tensors, "LARGEST", 1000)
    with pytest.raises(TooLarge, match="more than 2"):
        read_checkpoint(path, TINY)


def test_a_zip_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "w.pth", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", bytes(5_000_000))
    monkeypatch.setattr(tensors, "LARGEST", 1_000_000)
    with pytest.raises(TooLarge, match="unpacks"):
        read_checkpoint(tmp_path / "w.pth", TINY)


def test_tensors_that_are_missing_or_foreign_or_otherwise_formed_are_named(tmp_path: Path) -> None:
    weights = _weights()
    short = {name: tensor for name, tensor in weights.items() if "bias" in name}
    assert _refusal(_save(tmp_path / "w.pth", short)) == (
        "'w.pth' is no checkpoint of Tiny: it lacks 'body.0.weight' and 1 more"
    )
    formed = weights | {"body.0.bias": torch.zeros(4)}
    assert "its 'body.0.bias' is 4 and not 3" in _refusal(_save(tmp_path / "w.pth", formed))
    claimed = weights | {"body.0.bias": torch.zeros(1).expand(1 << 40)}
    assert "its 'body.0.bias' is 1099511627776 and not 3" in _refusal(_save(tmp_path / "w.pth", claimed))
    more = weights | {"head.weight": torch.zeros(4)}
    assert "it also has 'head.weight'" in _refusal(_save(tmp_path / "w.pth", more))
    whole = weights | {"body.0.bias": torch.zeros(3, dtype=torch.int64)}
    assert "its 'body.0.bias' has no floating-point numbers" in _refusal(_save(tmp_path / "w.pth", whole))
    elsewhere = weights | {"body.0.bias": torch.zeros(3, device="meta")}
    assert "its 'body.0.bias' has no floating-point numbers" in _refusal(_save(tmp_path / "w.pth", elsewhere))
    assert "has no tensors" in _refusal(_save(tmp_path / "w.pth", {"epoch": 3}))
    assert "has no tensors" in _refusal(_save(tmp_path / "w.pth", [torch.zeros(3)]))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(tmp_path: Path, bad: float) -> None:
    weights = _weights() | {"body.0.bias": torch.tensor([0.0, bad, 1.0])}
    assert "'body.0.bias' has numbers that are infinite or none" in _refusal(_save(tmp_path / "w.pth", weights))
    weights["body.0.bias"] = torch.tensor([0.0, 1e300, 1.0], dtype=torch.float64)
    assert "'body.0.bias' has numbers" in _refusal(_save(tmp_path / "w.pth", weights))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (("F32", (3,), b"1234"), "is no safetensors file, or it is damaged"),
        (("F32", (-3,), b"123456789abc"), "is no safetensors file"),
        (("F32", (1 << 40, 0), b""), "is 1099511627776×0 and not 3"),
        (("I64", (3,), bytes(24)), "has no floating-point numbers"),
    ],
)
def test_safetensors_that_contradict_themselves_are_refused(
    tmp_path: Path, entry: tuple[str, tuple[int, ...], bytes], said: str
) -> None:
    kept = {name: ("F32", tuple(t.shape), t.numpy().tobytes()) for name, t in _weights().items()}
    assert said in _refusal(_safetensors(tmp_path / "w.safetensors", kept | {"body.0.bias": entry}))


def test_safetensors_that_are_cut_off_say_so(tmp_path: Path) -> None:
    path = _safetensors(tmp_path / "w.safetensors", {"body.0.bias": ("F32", (300,), bytes(1200))})
    path.write_bytes(path.read_bytes()[:-100])
    assert "is cut off or damaged" in _refusal(path)
    path.write_bytes(path.read_bytes()[:40])
    assert "is cut off or damaged" in _refusal(path)


def test_another_network_is_recognised(tmp_path: Path) -> None:
    wav2lip, gfpgan = find_published("wav2lip"), find_published("gfpgan")
    content = {"params_ema": {name: torch.zeros(1).expand(shape) for name, shape in gfpgan.layout.items()}}
    message = _refusal(_save(tmp_path / "w.pth", content), wav2lip)
    assert "it lacks 'face_encoder_blocks.0.0.conv_block.0.weight' and 301 more" in message
    assert message.endswith("it looks like that of GFPGAN")
    layout = (Path(tensors.__file__).parent / "layouts" / "s3fd.txt").read_text().splitlines()
    shapes = {name: tuple(map(int, shape.split())) for name, shape in (line.split("\t") for line in layout)}
    content = {name: torch.zeros(1).expand(shape) for name, shape in shapes.items()}
    assert "S3FD, the face detector" in _refusal(_save(tmp_path / "w.pth", content), wav2lip)


def test_without_pytorch_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _save(tmp_path / "w.pth", _weights())
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EngineUnavailable, match=r"pip install 'visavis\[wav2lip\]'"):
        read_checkpoint(path, TINY)


def test_the_layouts_are_those_of_the_published_networks() -> None:
    numbers = {
        name: sum(int(np.prod(shape)) for key, shape in network.layout.items() if "running" not in key)
        for name, network in published().items()
    }
    assert numbers == {"wav2lip": 36_298_035, "gfpgan": 86_444_252 + 699_024}  # the second: buffers of noise


def test_a_network_that_there_is_not_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(BadInput, match=r"there is no network 'wav2lp' to add; did you mean wav2lip\?"):
        find_published("wav2lp")
    with pytest.raises(BadInput, match="there are wav2lip and gfpgan"):
        find_published("musetalk")


def test_a_checksum_is_that_of_the_whole_file_and_tells_how_far_it_is(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    seen: list[float] = []
    assert digest(tmp_path / "f", lambda done, doing: seen.append(done)) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
    assert seen == [1.0]
    with pytest.raises(BadInput, match="there is no file"):
        digest(tmp_path / "none")
