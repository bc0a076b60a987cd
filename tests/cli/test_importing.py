"""`visavis models import` and `export`: what is taken is said, what is not is refused with a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from tests.weights.test_importing import FILES, _model, _with_manifest
from tests.weights.tiny import CONFIG, VOICE
from visavis.weights.models import Model, installed, place


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Model]:
    """One model that is free to use and one that is not, in a data folder of the test's own."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("VISAVIS_COMMERCIAL_ONLY", raising=False)
    known = {"tiny": _model(), "klein": replace(_model("klein"), non_commercial=True, licence="CC-BY-NC-4.0")}
    monkeypatch.setattr("visavis.weights.models.models", lambda: known)
    return known


def _write(folder: Path, name: str) -> None:
    for path, data in FILES.items():
        target = folder / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    _with_manifest(folder / name, name)


def test_a_folder_of_models_is_taken_and_what_is_used_is_told(visavis: Command, tmp_path: Path) -> None:
    _write(tmp_path / "usb", "tiny")
    outcome = visavis("models", "import", tmp_path / "usb")
    assert outcome.code == 0, outcome.err
    assert f"imported tiny (2 MB) into {place('tiny')}" in outcome.out
    assert "hears: " in outcome.out
    assert f"note: only its manifest vouches for {VOICE} and 1 more: no checksum of it is known here" in outcome.err
    assert installed("tiny") is not None
    assert visavis("models", "import", tmp_path / "usb").out.strip() == "tiny is here already"


def test_files_without_a_manifest_are_taken_by_the_name_of_their_model(visavis: Command, tmp_path: Path) -> None:
    _write(tmp_path / "usb", "tiny")
    (tmp_path / "usb" / "tiny" / "manifest.json").unlink()
    outcome = visavis("models", "import", tmp_path / "usb" / "tiny", "--name", "tiny")
    assert outcome.code == 0, outcome.err
    assert f"note: nothing vouches for {VOICE} and 1 more" in outcome.err


def test_what_is_exported_is_imported(visavis: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = visavis("models", "export", tmp_path / "stick")
    assert (refused.code, refused.message) == (
        2,
        "visavis: no model is here to be exported: visavis models pull recommended",
    )
    _write(tmp_path / "usb", "tiny")
    assert visavis("models", "import", tmp_path / "usb").code == 0
    outcome = visavis("models", "export", tmp_path / "stick")
    assert outcome.code == 0, outcome.err
    assert outcome.out.splitlines()[-1] == "on the other machine: visavis models import stick"
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "other"))
    assert visavis("models", "import", tmp_path / "stick").code == 0
    assert installed("tiny") == tmp_path / "other" / "weights" / "models" / "tiny"


def test_one_that_is_damaged_does_not_keep_the_others_out(visavis: Command, tmp_path: Path) -> None:
    for name in ("tiny", "klein"):
        _write(tmp_path / "usb", name)
    (tmp_path / "usb" / "klein" / CONFIG).unlink()
    outcome = visavis("models", "import", tmp_path / "usb")
    assert outcome.code == 2
    assert installed("tiny") is not None
    assert outcome.message == (
        f"visavis: Klein in '{tmp_path / 'usb' / 'klein'}' is not whole: it lacks config.json; copy it again"
    )


def test_what_is_not_for_commercial_use_asks_first_and_is_left_out_where_that_is_forbidden(
    visavis: Command, tmp_path: Path
) -> None:
    _write(tmp_path / "usb", "klein")
    outcome = visavis("models", "import", tmp_path / "usb")
    assert outcome.code == 2
    assert "nobody is here to accept Klein's licence, which forbids commercial use" in outcome.message
    outcome = visavis("models", "import", tmp_path / "usb", "--yes", "--commercial-only")
    assert outcome.code == 2
    assert outcome.message == (
        "visavis: Klein is not for commercial use, and --commercial-only (VISAVIS_COMMERCIAL_ONLY) is set, so it is"
        " left out"
    )
    assert installed("klein") is None
    assert visavis("--set", "commercial_only=false", "models", "import", tmp_path / "usb", "--yes").code == 0
    assert installed("klein") is not None


def test_what_is_wrong_with_a_folder_is_one_sentence(visavis: Command, tmp_path: Path) -> None:
    for arguments, message in (
        ((tmp_path / "nothing",), "there is no folder or archive"),
        ((tmp_path,), "holds no model that is known here"),
        ((tmp_path, "--name", "tino"), "there is no model 'tino'; did you mean tiny?"),
    ):
        outcome = visavis("models", "import", *arguments)
        assert outcome.code == 2
        assert message in outcome.message
