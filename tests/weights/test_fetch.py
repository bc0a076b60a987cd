"""Data files arrive whole and checked, or not at all, and every failure says what to do."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import venv
from pathlib import Path

import pytest

from tests.weights.index import Index
from visavis import weights
from visavis.errors import FetchFailed, OutputFailed

FACE = "face_detection_short_range.tflite"
MESH = "face_landmark.tflite"
VAD = "silero_vad_16k_op15.onnx"


@pytest.fixture
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The right bytes, from the data folder of this machine, under their paths in the wheel."""
    names = (FACE, MESH, VAD)
    weights.fetch(names)
    return {weights.find(name).member: weights.require(name).read_bytes() for name in names}


@pytest.fixture
def served(contents: dict[str, bytes], index: Index) -> Index:
    """An index that has the right wheels."""
    for name in (FACE, VAD):
        folder = weights.find(name).member.split("/")[0]
        index.add(name, {member: data for member, data in contents.items() if member.startswith(folder)})
    return index


def wrong(index: Index, name: str, data: bytes) -> None:
    index.add(name, {weights.find(name).member: data})


def is_empty(folder: Path) -> bool:
    return not folder.exists() or not list(folder.iterdir())


def test_files_of_one_wheel_are_fetched_at_once_and_checked(served: Index, tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    folder = tmp_path / "deep" / "weights"
    paths = weights.fetch([FACE, MESH], folder, lambda *call: calls.append(call))
    assert paths == [folder / FACE, folder / MESH]
    assert sorted(path.name for path in folder.iterdir()) == sorted([FACE, MESH])
    assert len(served.downloads) == 1
    for name in (FACE, MESH):
        size = weights.find(name).bytes
        done = [call[1] for call in calls if call[0] == name]
        assert done == sorted(done)
        assert done[-1] == size
        assert done.count(size) == 1  # said once, when it is in its place
        assert {call[2] for call in calls if call[0] == name} == {size}


def test_a_file_that_is_there_is_kept_and_a_damaged_one_is_replaced(served: Index, tmp_path: Path) -> None:
    weights.fetch([VAD], tmp_path)
    weights.fetch([VAD], tmp_path)
    assert len(served.downloads) == 1
    content = bytearray((tmp_path / VAD).read_bytes())
    content[1000] ^= 1
    (tmp_path / VAD).write_bytes(content)
    weights.fetch([VAD], tmp_path)
    assert len(served.downloads) == 2
    content[1000] ^= 1
    assert (tmp_path / VAD).read_bytes() == content


@pytest.mark.parametrize("size", [-1, 0, 1])
def test_a_file_that_is_not_the_expected_one_is_thrown_away(index: Index, tmp_path: Path, size: int) -> None:
    wrong(index, VAD, b"x" * (weights.find(VAD).bytes + size))
    with pytest.raises(FetchFailed, match=r"wrong checksum.*visavis models pull.*pip download.*silero-vad==6\.2\.3"):
        weights.fetch([VAD], tmp_path)
    assert is_empty(tmp_path)


def test_a_wheel_without_the_file_is_refused(index: Index, tmp_path: Path) -> None:
    index.add(VAD, {"something_else": b""})
    with pytest.raises(FetchFailed, match="does not hold"):
        weights.fetch([VAD], tmp_path)
    assert is_empty(tmp_path)


def test_a_wheel_that_is_no_wheel_is_refused(served: Index, tmp_path: Path) -> None:
    served.wheels = dict.fromkeys(served.wheels, b"<html>please log in</html>")
    with pytest.raises(FetchFailed, match="visavis models pull"):
        weights.fetch([VAD], tmp_path)
    assert is_empty(tmp_path)


def test_an_index_that_is_down_is_said(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{unused.getsockname()[1]}/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")  # what pip says about a retry is all it says about the cause
    with pytest.raises(FetchFailed, match=f"package index cannot be reached.*into {tmp_path}") as caught:
        weights.fetch([VAD], tmp_path)
    assert "\n" not in str(caught.value)
    assert is_empty(tmp_path)


def test_no_network_is_said(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.invalid/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(FetchFailed, match="no network, or its names do not resolve"):
        weights.fetch([VAD], tmp_path)


@pytest.mark.parametrize(("status", "cause"), [(200, "does not have it"), (403, "refuses|does not have it")])
def test_an_index_that_does_not_give_it_is_said(index: Index, tmp_path: Path, status: int, cause: str) -> None:
    index.status = status
    with pytest.raises(FetchFailed, match=f"package index ({cause})"):
        weights.fetch([VAD], tmp_path)


def test_a_download_that_is_cut_leaves_nothing(served: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_RESUME_RETRIES", "0")
    served.stall_after, served.cut = 300_000, True
    with pytest.raises(FetchFailed, match="visavis models pull"):
        weights.fetch([VAD], tmp_path)
    assert is_empty(tmp_path)


def test_a_python_without_pip_says_how_to_get_it(
    served: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=os.name != "nt")
    bare = tmp_path / "bare" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    monkeypatch.setattr(sys, "executable", str(bare))
    with pytest.raises(FetchFailed, match=r"has no pip: run .* -m ensurepip"):
        weights.fetch([VAD], tmp_path / "weights")


def test_a_disk_without_the_space_is_said_before_the_download(
    served: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: real._replace(free=20_000_000))
    with pytest.raises(OutputFailed, match="no space on disk: 24 MB are needed"):
        weights.fetch([VAD], tmp_path)
    assert served.downloads == []
    assert is_empty(tmp_path)


def test_a_folder_that_cannot_be_written_is_said(served: Index, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed, match="VISAVIS_DATA_DIR"):
        weights.fetch([VAD], tmp_path / "file" / "weights")


def test_what_a_killed_process_left_is_cleared_away_a_day_later(served: Index, tmp_path: Path) -> None:
    old, new = tmp_path / ".fetch-old", tmp_path / ".fetch-new"
    for folder in (old, new):
        folder.mkdir()
    os.utime(old, (0, time.time() - 25 * 3600))
    weights.fetch([VAD], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".fetch-new", VAD]


FETCH = f"import sys, pathlib; from visavis import weights; weights.fetch(['{VAD}'], pathlib.Path(sys.argv[1]))"


def test_two_processes_that_fetch_at_once_do_no_harm(served: Index, tmp_path: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", FETCH, str(tmp_path)]) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == [VAD]
    assert weights.fetch([VAD], tmp_path) == [tmp_path / VAD]
    assert 1 <= len(served.downloads) <= 2


@pytest.mark.skipif(os.name == "nt", reason="Windows delivers Ctrl-C to whole consoles only")
def test_ctrl_c_ends_pip_and_leaves_nothing(served: Index, tmp_path: Path) -> None:
    served.stall_after = 300_000
    process = subprocess.Popen(
        [sys.executable, "-c", FETCH, str(tmp_path)], stderr=subprocess.PIPE, start_new_session=True
    )
    assert served.stalled.wait(60)
    process.send_signal(signal.SIGINT)  # to this process only: it must end pip itself
    _, error = process.communicate(timeout=30)
    assert b"KeyboardInterrupt" in error
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # nobody of its session is left
    assert is_empty(tmp_path)
