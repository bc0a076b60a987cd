"""Models carried from another machine: taken whole and checked, or not at all, wherever their folder leads."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.weights.tiny import BIG, CONFIG, REPOSITORY, VOICE, content, sha256
from visavis.errors import BadInput, OutputFailed
from visavis.weights.importing import bring, export, is_here, opened
from visavis.weights.models import MANIFEST, Model, ModelFile, installed, place
from visavis.weights.pull import verify
from visavis.weights.recognising import Brought, recognised

FILES = {BIG: content(1_500_000), VOICE: content(70_000, 1), CONFIG: b'{"layers": 1}'}


def _model(name: str = "tiny") -> Model:
    """Of its largest file the catalogue has a checksum, of the others nothing but the size."""
    return Model(
        name=name,
        title=name.title(),
        slot="asr",
        engine="fake",
        purpose="is here for a test",
        repository=REPOSITORY,
        files=tuple(ModelFile(path, len(data), sha256(data) if path == BIG else "") for path, data in FILES.items()),
        licence="MIT",
        licence_url="https://example.org/licence",
        languages=("en",),
        memory=10_000_000,
        speed="fast",
        order=1,
    )


@pytest.fixture(autouse=True)
def catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Model]:
    """One model, and a data folder of the test's own."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "data"))
    known = {"tiny": _model()}
    monkeypatch.setattr("visavis.weights.models.models", lambda: known)
    return known


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    """The files, as the hub has them."""
    for path, data in FILES.items():
        target = tmp_path / "usb" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return tmp_path / "usb"


def _with_manifest(folder: Path, name: str = "tiny") -> None:
    files = {path: {"bytes": len(data), "sha256": sha256(data)} for path, data in FILES.items()}
    (folder / MANIFEST).write_text(json.dumps({"name": name, "files": files}), "utf-8")


def _one(folder: Path, name: str | None = None) -> Brought:
    found, faults = recognised(folder, name)
    assert faults == []
    assert len(found) == 1
    return found[0]


def _fault(folder: Path, name: str | None = None) -> str:
    found, faults = recognised(folder, name)
    assert found == []
    assert len(faults) == 1
    return faults[0]


def _left() -> list[str]:
    """What lies beside the models, but for locks."""
    here = place("tiny").parent
    return sorted(path.name for path in here.iterdir() if path.suffix != ".lock") if here.is_dir() else []


@pytest.mark.parametrize("deep", ["", "models--visavis--tiny/snapshots/0123"])
def test_files_as_the_hub_has_them_are_recognised_and_taken(brought: Path, tmp_path: Path, deep: str) -> None:
    folder = tmp_path / "away"
    shutil.copytree(brought, folder / deep)
    told: list[tuple[int, int]] = []
    assert bring(_one(folder), lambda done, total: told.append((done, total))) == place("tiny")
    assert installed("tiny") == place("tiny")
    assert verify("tiny") == []
    assert {path: (place("tiny") / path).read_bytes() for path in FILES} == FILES
    assert told[-1] == (size := sum(map(len, FILES.values())), size)
    assert _left() == ["tiny"]


def test_files_that_lie_in_one_folder_are_put_where_they_belong(brought: Path) -> None:
    os.replace(brought / VOICE, brought / Path(VOICE).name)
    bring(_one(brought))
    assert (place("tiny") / VOICE).read_bytes() == FILES[VOICE]


def test_what_one_machine_exports_another_takes(brought: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(_one(brought))
    assert export("tiny", tmp_path / "stick") == tmp_path / "stick" / "tiny"
    assert export("tiny", tmp_path / "stick") == tmp_path / "stick" / "tiny"  # it is there already
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "other"))
    assert installed("tiny") is None
    found = _one(tmp_path / "stick")
    assert not is_here(found)
    bring(found)
    assert verify("tiny") == []
    assert is_here(found)


def test_what_is_damaged_is_not_exported(brought: Path, tmp_path: Path) -> None:
    bring(_one(brought))
    (place("tiny") / VOICE).write_bytes(bytes(len(FILES[VOICE])))
    with pytest.raises(BadInput, match=r"voices/one.bin of Tiny is damaged here: `visavis models pull tiny` mends it"):
        export("tiny", tmp_path / "stick")
    assert list((tmp_path / "stick").iterdir()) == []


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_archives_are_taken_and_leave_nothing(brought: Path, tmp_path: Path, kind: str) -> None:
    archive = tmp_path / f"models.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as packed:
            for path in FILES:
                packed.write(brought / path, f"usb/{path}")
    else:
        with tarfile.open(archive, "w:gz" if kind == "tar.gz" else "w") as tar:
            tar.add(brought, "usb")
    with opened(archive) as folder:
        bring(_one(folder))
    assert verify("tiny") == []
    assert _left() == ["tiny"]


def test_an_archive_writes_nothing_outside_its_folder(brought: Path, tmp_path: Path) -> None:
    archive = tmp_path / "models.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(brought, "usb")
        evil = tarfile.TarInfo("../../../evil")
        evil.size = 4
        tar.addfile(evil, io.BytesIO(b"evil"))
        link = tarfile.TarInfo("usb/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with opened(archive) as folder:
        assert not (folder / "usb" / "link").exists()
        bring(_one(folder))
    assert list(tmp_path.rglob("evil")) == []


@pytest.mark.parametrize("data", [b"something else", b""])
def test_what_is_no_archive_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "models.zip").write_bytes(data)
    with pytest.raises(BadInput, match=r"'models.zip' is no folder, zip or tar file"), opened(tmp_path / "models.zip"):
        raise AssertionError
    with pytest.raises(BadInput, match="there is no folder or archive"), opened(tmp_path / "nothing"):
        raise AssertionError


def test_an_archive_that_is_cut_off_is_refused(brought: Path, tmp_path: Path) -> None:
    archive = tmp_path / "models.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(brought, "usb")
    archive.write_bytes(archive.read_bytes()[:-500_000])
    with pytest.raises(BadInput, match=r"models.tar.gz"), opened(archive):
        raise AssertionError
    assert _left() == []


@pytest.mark.parametrize("with_manifest", [True, False])
def test_a_damaged_file_is_refused_and_nothing_has_changed(brought: Path, with_manifest: bool) -> None:
    bring(_one(brought))
    before = (place("tiny") / MANIFEST).read_bytes()
    if with_manifest:
        _with_manifest(brought)
    damaged = bytearray(FILES[BIG])
    damaged[700_000] ^= 1
    (brought / BIG).write_bytes(damaged)
    if with_manifest:
        with pytest.raises(BadInput, match=r"model.bin of Tiny does not have the checksum, so nothing was imported"):
            bring(_one(brought))
    else:
        assert "looks like Tiny, but its checksums are not those" in _fault(brought)
        with pytest.raises(BadInput, match=r"model.bin of Tiny does not have the checksum, so nothing was imported"):
            bring(_one(brought, "tiny"))
    assert (place("tiny") / MANIFEST).read_bytes() == before
    assert verify("tiny") == []
    assert _left() == ["tiny"]


def test_where_the_catalogue_knows_nothing_the_manifest_vouches(brought: Path) -> None:
    assert _one(brought).taken_on_trust == [VOICE, CONFIG]
    _with_manifest(brought)
    (brought / VOICE).write_bytes(content(70_000, 2))
    with pytest.raises(BadInput, match=r"one.bin of Tiny does not have the checksum of its manifest"):
        bring(_one(brought))


def test_a_file_of_another_length_is_named_before_anything_is_read(brought: Path) -> None:
    (brought / BIG).write_bytes(FILES[BIG][:-1])
    for with_manifest in (False, True):
        if with_manifest:
            _with_manifest(brought)
        assert "is not whole: model.bin has 1,499,999 of 1,500,000 bytes" in _fault(brought, "tiny")


@pytest.mark.parametrize("with_manifest", [True, False])
def test_a_file_that_is_missing_is_named(brought: Path, with_manifest: bool) -> None:
    if with_manifest:
        _with_manifest(brought)
    (brought / VOICE).unlink()
    assert "is not whole: it lacks voices/one.bin; copy it again" in _fault(brought)


@pytest.mark.parametrize("with_manifest", [True, False])
def test_of_two_copies_the_whole_one_is_taken(brought: Path, tmp_path: Path, with_manifest: bool) -> None:
    if with_manifest:
        _with_manifest(brought)
    shutil.copytree(brought, tmp_path / "both" / "b")
    (brought / VOICE).unlink()
    shutil.copytree(brought, tmp_path / "both" / "a")
    bring(_one(tmp_path / "both"))
    assert verify("tiny") == []


def test_what_is_not_known_is_refused(tmp_path: Path, brought: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "weights.bin").write_bytes(content(1000, 5))
    with pytest.raises(BadInput, match=r"holds no model that is known here; .*--name whisper-small"):
        recognised(foreign)
    (foreign / BIG).write_bytes(content(1000, 5))  # a name alone says nothing
    with pytest.raises(BadInput, match=r"holds no model that is known here"):
        recognised(foreign)
    _with_manifest(brought, "newer")
    assert "the model 'newer' in" in _fault(brought)
    assert "update Visavis" in _fault(brought)
    assert "holds newer, and not tiny" in _fault(brought, "tiny")
    (brought / MANIFEST).write_text("{", "utf-8")
    assert "cannot be read: copy the folder again" in _fault(brought)
    with pytest.raises(BadInput, match="there is no model 'tino'; did you mean tiny"):
        recognised(brought, "tino")


def test_a_manifest_leads_nowhere_else(brought: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"mine")
    about = {"name": "tiny", "files": {"../secret": {"bytes": 4, "sha256": sha256(b"mine")}}}
    (brought / MANIFEST).write_text(json.dumps(about), "utf-8")
    bring(_one(brought))
    assert not list(place("tiny").rglob("secret"))


def test_links_out_of_the_folder_are_not_followed_and_those_inside_are(brought: Path, tmp_path: Path) -> None:
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    os.replace(brought / VOICE, blobs / "voice")
    (brought / VOICE).symlink_to(blobs / "voice")
    assert "is a link out of the folder, which is not followed" in _fault(brought)
    assert "is a link out of the folder" in _fault(brought, "tiny")
    _with_manifest(brought)
    assert "is a link out of the folder" in _fault(brought)
    bring(_one(tmp_path))  # which holds both
    assert not (place("tiny") / VOICE).is_symlink()
    assert (place("tiny") / VOICE).read_bytes() == FILES[VOICE]


def test_a_folder_that_is_a_link_out_is_not_followed_either(brought: Path, tmp_path: Path) -> None:
    shutil.move(brought / "voices", tmp_path / "elsewhere")
    (brought / "voices").symlink_to(tmp_path / "elsewhere")
    assert "is a link out of the folder" in _fault(brought)


def _full_before(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)


def _full_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)


@pytest.mark.parametrize("fill", [_full_before, _full_meanwhile])
def test_on_a_full_disk_nothing_changes(
    brought: Path, monkeypatch: pytest.MonkeyPatch, fill: Callable[[pytest.MonkeyPatch], None]
) -> None:
    found = _one(brought)
    fill(monkeypatch)
    with pytest.raises(OutputFailed, match=r"no space on disk for Tiny.*free some, or set VISAVIS_DATA_DIR"):
        bring(found)
    assert installed("tiny") is None
    assert _left() == []


def test_interrupted_it_leaves_nothing(brought: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring(_one(brought), interrupt)
    assert _left() == []


@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed in another way there")
def test_killed_in_the_middle_what_was_there_goes_on_working(brought: Path, catalogue: dict[str, Model]) -> None:
    bring(_one(brought))
    newer = content(1_500_000, 7)
    (brought / BIG).write_bytes(newer)
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tests.weights import test_importing as test\n"
        "from dataclasses import replace\n"
        "from visavis.weights import models\n"
        "model = test._model()\n"
        "big = replace(model.files[0], sha256=test.sha256(test.content(1_500_000, 7)))\n"
        "known = {'tiny': replace(model, files=(big, *model.files[1:]))}\n"
        "models.models = lambda: known\n"
        "test.bring(test._one(Path(sys.argv[1])), lambda done, total: os.kill(os.getpid(), 9))\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(brought)], capture_output=True, check=False)
    assert ended.returncode == -9, ended.stderr
    assert verify("tiny") == []
    assert (place("tiny") / BIG).read_bytes() == FILES[BIG]
    model = catalogue["tiny"]
    catalogue["tiny"] = replace(model, files=(replace(model.files[0], sha256=sha256(newer)), *model.files[1:]))
    bring(_one(brought))
    assert (place("tiny") / BIG).read_bytes() == newer
