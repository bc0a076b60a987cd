"""A checkpoint is converted once, wholly or not at all, and what is damaged or old is not there."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("safetensors", reason="the extra 'wav2lip' is not installed")
pytest.importorskip("torch", reason="the extra 'wav2lip' is not installed")

from tests.engines.neural.conftest import DIGEST
from tests.engines.neural.tiny_parts import weights
from visavis.engines.neural import forms, libraries
from visavis.errors import BadInput, EngineUnavailable, OutputFailed

pytestmark = pytest.mark.slow


@pytest.fixture
def only_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation that has nothing but PyTorch, which converts in no time."""
    here = libraries.here
    monkeypatch.setattr(libraries, "here", lambda *names: not {"openvino", "onnx", "nncf"} & {*names} and here(*names))


def test_it_holds_a_file_for_each_runtime_and_says_so(form: Path) -> None:
    about = forms.manifest(form)
    assert about is not None
    assert (about.name, about.digest, about.schema) == ("tiny", DIGEST, forms.SCHEMA)
    assert form.name == DIGEST[:16]
    each = {f"{part}.{kind}" for part in ("encoder", "speaker") for kind in ("safetensors", "xml", "bin", "onnx")}
    assert set(about.files) == each | {"speaker.int8.xml", "speaker.int8.bin"}
    assert not about.left_out


@pytest.mark.usefixtures("data", "only_torch")
def test_without_the_other_libraries_there_is_pytorch_s_file_and_a_word_about_the_others() -> None:
    about = forms.manifest(forms.install("tiny", weights(), DIGEST))
    assert about is not None
    assert set(about.files) == {"encoder.safetensors", "speaker.safetensors"}
    assert about.left_out == [
        "openvino: openvino not installed",
        "onnx: onnx not installed",
        "int8: openvino and nncf not installed",
    ]


@pytest.mark.usefixtures("data", "only_torch")
def test_progress_begins_at_nothing_and_ends_at_all() -> None:
    told: list[tuple[float, str]] = []
    forms.install("tiny", weights(), DIGEST, lambda done, what: told.append((done, what)))
    shares = [done for done, _ in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert told[0][1] == "encoder for pytorch"


def _truncated(form: Path) -> None:
    file = form / "speaker.safetensors"
    file.write_bytes(file.read_bytes()[:-1])


def _missing(form: Path) -> None:
    (form / "encoder.onnx").unlink()


def _older(form: Path) -> None:
    manifest = form / forms.MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"schema": forms.SCHEMA - 1}))


def _garbled(form: Path) -> None:
    (form / forms.MANIFEST).write_text('{"name": "tiny"')


def _of_others(form: Path) -> None:
    manifest = form / forms.MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"name": "wav2lip"}))


@pytest.mark.parametrize("harm", [_truncated, _missing, _older, _garbled, _of_others])
def test_a_damaged_or_older_form_is_not_there(form: Path, harm: Callable[[Path], None]) -> None:
    assert forms.installed("tiny") == form
    harm(form)
    assert forms.installed("tiny") is None


@pytest.mark.usefixtures("only_torch")
def test_a_new_checkpoint_takes_the_old_one_s_place(form: Path) -> None:
    new = forms.install("tiny", weights(1), "f" * 64)
    assert forms.installed("tiny") == new
    assert not form.exists()
    assert [each.name for each in new.parent.iterdir()] == ["f" * 16]


@pytest.mark.usefixtures("only_torch")
def test_the_same_checkpoint_can_be_added_again(form: Path) -> None:
    _truncated(form)
    assert forms.install("tiny", weights(), DIGEST) == form
    assert forms.installed("tiny") == form
    assert [each.name for each in form.parent.iterdir()] == [form.name]


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, "no space on disk: .* MB are needed in .*VISAVIS_DATA_DIR"), (errno.EACCES, "cannot write to")],
)
def test_where_it_cannot_be_written_the_old_one_stays(
    form: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, "refused")

    monkeypatch.setattr("visavis.engines.neural.convert.convert", full)
    with pytest.raises(OutputFailed, match=said):
        forms.install("tiny", weights(1), "f" * 64)
    assert forms.installed("tiny") == form
    assert [each.name for each in form.parent.iterdir()] == [form.name]


def test_weights_of_another_network_are_refused_by_name(data: Path) -> None:
    state = weights()
    less = {key: value for key, value in state.items() if key != "hear.bias"}
    with pytest.raises(BadInput, match=r"not of 'tiny': it has no hear\.bias; take the published one"):
        forms.install("tiny", less, DIGEST)
    with pytest.raises(BadInput, match=r"not of 'tiny': its hear\.bias is 4, not 8; take"):
        forms.install("tiny", state | {"hear.bias": state["hear.bias"][:4]}, DIGEST)
    assert forms.installed("tiny") is None
    assert not list((data / "weights" / "networks" / "tiny").iterdir())


def test_training_s_counters_need_not_be_there(data: Path, only_torch: None) -> None:
    state = {key: value for key, value in weights().items() if not key.endswith("num_batches_tracked")}
    assert forms.install("tiny", state, DIGEST).is_dir()


def test_a_network_that_is_none_is_refused_with_those_that_there_are(data: Path) -> None:
    with pytest.raises(BadInput, match=r"no network 'wave2lip'; choose from: wav2lip, gfpgan"):
        forms.install("wave2lip", {}, DIGEST)
    assert forms.installed("wave2lip") is None


def test_without_pytorch_the_extra_is_named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "here", lambda *names: "torch" not in names)
    with pytest.raises(EngineUnavailable, match=r"torch is not installed: pip install 'visavis\[wav2lip\]'"):
        forms.install("tiny", weights(), DIGEST)
    assert forms.installed("tiny") is None
