"""The catalogue is complete, and what is there or missing is said clearly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from visavis import weights
from visavis.engines.registry import all_candidates
from visavis.errors import BadInput, EngineUnavailable

VAD = "silero_vad_16k_op15.onnx"
MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
COPY = "SmolLM2-135M-Instruct.Q8_0.gguf"


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty data folder."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    return tmp_path


def test_every_entry_names_its_file_source_licence_and_purpose() -> None:
    for name, file in weights.catalogue().items():
        assert file.name == name == Path(file.member).name
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert file.licence in ("MIT", "Apache-2.0")
        assert re.fullmatch(r"[\d.]+", file.version)
        assert file.bytes > 100_000
        assert file.wheel_bytes > 100_000
        assert file.purpose
        assert file.needed_by


def test_every_file_an_engine_needs_is_in_the_catalogue() -> None:
    for slot, candidates in all_candidates().items():
        for candidate in candidates:
            for name in candidate.info.weights:
                assert f"{slot}.{candidate.info.name}" in weights.find(name).needed_by


def test_a_missing_file_says_what_to_type(data: Path) -> None:
    assert weights.folder() == data / "weights"
    assert not weights.present(VAD)
    assert weights.missing() == list(weights.catalogue())
    with pytest.raises(EngineUnavailable, match=r"is missing in .*: run `visavis models pull`"):
        weights.require(VAD)
    assert not weights.verify(VAD)


def test_an_incomplete_file_is_not_used(data: Path) -> None:
    (data / "weights").mkdir()
    (data / "weights" / VAD).write_bytes(b"half")
    assert not weights.present(VAD)
    with pytest.raises(EngineUnavailable, match=r"is damaged: 4 of 1,289,603 bytes in .*: run `visavis models pull`"):
        weights.require(VAD)


def test_what_is_wrong_with_a_file_is_said_in_words(data: Path) -> None:
    assert weights.fault(VAD) == "missing"
    (data / "weights").mkdir()
    (data / "weights" / VAD).write_bytes(b"half")
    assert weights.fault(VAD) == "damaged: 4 of 1,289,603 bytes"
    (data / "weights" / VAD).write_bytes(bytes(weights.find(VAD).bytes))
    assert weights.fault(VAD) == ""


def test_a_copy_made_here_is_known_by_the_file_it_was_made_of(data: Path) -> None:
    (data / "weights").mkdir()
    for name in (MODEL, COPY, "Another-Model.Q8_0.gguf", VAD):
        (data / "weights" / name).write_bytes(b"")
    assert weights.copies(MODEL) == [data / "weights" / COPY]
    assert weights.copies(VAD) == []


def test_a_damaged_file_is_found_by_its_checksum(data: Path) -> None:
    (data / "weights").mkdir()
    (data / "weights" / VAD).write_bytes(bytes(weights.find(VAD).bytes))
    assert weights.present(VAD)
    assert weights.require(VAD) == data / "weights" / VAD
    assert not weights.verify(VAD)


def test_a_misspelled_name_is_corrected() -> None:
    with pytest.raises(BadInput, match=f"did you mean {VAD}"):
        weights.find("silero_vad_16k.onnx")
    with pytest.raises(BadInput, match="choose from"):
        weights.find("?")
