"""`visavis models`: files are called what they are, and what is not right is fetched again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from visavis import weights
from visavis.weights.catalogue import DataFile

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
COPY = "SmolLM2-135M-Instruct.Q8_0.gguf"
VAD = "silero_vad_16k_op15.onnx"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of data files."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data" / "weights").mkdir(parents=True)
    return tmp_path / "data" / "weights"


def _lines(text: str) -> dict[str, str]:
    """The line about each file, by the file's name."""
    return {line.split()[1]: line for line in text.splitlines()}


def test_verify_tells_missing_cut_off_and_changed_files_apart(visavis: Command, folder: Path) -> None:
    (folder / VAD).write_bytes(b"half")
    iris = weights.find("iris_landmark.tflite")
    (folder / iris.name).write_bytes(bytes(iris.bytes))
    (folder / COPY).write_bytes(bytes(3_000_000))
    outcome = visavis("models", "verify")
    lines = _lines(outcome.out)
    assert outcome.code == 2
    assert "`visavis models pull`" in outcome.message
    assert lines[MODEL] == f"missing  {MODEL}"
    assert lines[VAD] == f"damaged  {VAD} (4 of 1,289,603 bytes)"
    assert lines[iris.name] == f"damaged  {iris.name} (its checksum is wrong)"
    assert lines[COPY] == f"copy     {COPY} (3 MB, a faster copy of {MODEL}, made here)"


def test_pull_fetches_a_file_of_the_right_size_and_the_wrong_content_again(
    visavis: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in weights.catalogue().values():
        (folder / file.name).write_bytes(b"")
    good: set[str] = {file.name for file in weights.catalogue().values()} - {VAD}
    fetched: list[str] = []

    def matches(file: DataFile, here: Path) -> bool:
        return file.name in good

    monkeypatch.setattr("visavis.weights.store.matches", matches)
    monkeypatch.setattr("visavis.weights.fetch", lambda names, progress: fetched.extend(names))
    outcome = visavis("models", "pull")
    assert outcome.code == 0
    assert fetched == [VAD]
    assert "fetching 1 data file (1 MB)" in outcome.err
    good.add(VAD)
    assert visavis("models", "pull").out == f"everything is here: {folder}\n"
    assert fetched == [VAD]


def test_the_list_shows_the_copy_made_of_the_model_as_what_it_is(visavis: Command, folder: Path) -> None:
    (folder / COPY).write_bytes(bytes(3_000_000))
    rows = {row["name"]: row for row in json.loads(visavis("models", "list", "--json").out) if row["slot"] == "llm"}
    assert rows["llamacpp"]["copies"] == [{"name": COPY, "bytes": 3_000_000, "source": MODEL}]
    assert rows["openai"]["copies"] == []
    assert f"{COPY}: 3 MB, a faster copy of {MODEL}, made here" in visavis("models", "list").out
