"""Models arrive whole and checked, or not at all; what was fetched is kept, and every failure says what to do."""

from __future__ import annotations

import errno
import itertools
import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.weights.hub_server import COMMIT, Hub, git_sha1
from tests.weights.tiny import BIG, CONFIG, REPOSITORY, VOICE, content, from_address, sha256, tiny, with_checksum
from visavis.errors import BadInput, FetchFailed, OutputFailed
from visavis.weights.models import MANIFEST, Model, installed, place
from visavis.weights.pull import Cancelled, Unreachable, kept, pull, pulled, remove, verify


@pytest.fixture
def model(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The one model of a catalogue."""
    found = tiny(hub)
    monkeypatch.setattr("visavis.weights.models.models", lambda: {found.name: found})
    return found


def whole(model: Model, hub: Hub) -> bool:
    """Whether the model is in its place with what the hub has, and nothing else is left."""
    here = place(model.name)
    right = all((here / f.path).read_bytes() == hub.files[f"{REPOSITORY}/{f.path}"].content for f in model.files)
    left = sorted(path.name for path in here.parent.iterdir())
    return right and installed(model.name) == here and left == [f".{model.name}.lock", model.name]


def nothing(model: Model) -> bool:
    """Whether nothing is taken for the model."""
    return installed(model.name) is None and not place(model.name).exists()


def test_a_model_is_pulled_whole_with_a_manifest_of_what_came(hub: Hub, model: Model) -> None:
    told: list[tuple[int, int]] = []
    assert pull(model, lambda done, total: told.append((done, total))) == place(model.name)
    assert whole(model, hub)
    about = json.loads((place(model.name) / MANIFEST).read_text())
    assert about == {
        "name": "tiny",
        "repository": REPOSITORY,
        "revision": COMMIT,
        "files": {
            f.path: {"bytes": f.bytes, "sha256": sha256(hub.files[f"{REPOSITORY}/{f.path}"].content)}
            for f in model.files
        },
    }
    assert told == sorted(told)
    assert told[0] == (0, model.bytes)
    assert told[-1] == (model.bytes, model.bytes)
    assert max(b - a for (a, _), (b, _) in itertools.pairwise(told)) <= 2 << 20
    assert pulled() == [model]
    assert verify(model.name) == []
    assert all(headers["user-agent"].startswith("visavis/") for _, _, headers in hub.asked)


def test_a_model_that_is_here_is_checked_and_not_fetched_again(hub: Hub, model: Model) -> None:
    pull(model)
    before = len(hub.asked)
    told: list[tuple[int, int]] = []
    pull(model, lambda done, total: told.append((done, total)))
    assert len(hub.asked) == before
    assert told[-1] == (model.bytes, model.bytes)


def test_of_a_damaged_model_only_what_is_damaged_comes_again(hub: Hub, model: Model) -> None:
    pull(model)
    damaged = place(model.name) / VOICE
    damaged.write_bytes(bytes(70_000))
    assert installed(model.name) is not None  # its size is right
    assert verify(model.name) == [f"{VOICE} is damaged: its checksum is wrong"]
    before = len(hub.gets())
    pull(model)
    assert whole(model, hub)
    assert [path for path in hub.gets()[before:] if path.startswith("/lfs/")] == [f"/lfs/{REPOSITORY}/{VOICE}"]


def test_what_is_missing_or_cut_off_is_told_apart(hub: Hub, model: Model) -> None:
    pull(model)
    (place(model.name) / CONFIG).unlink()
    (place(model.name) / BIG).write_bytes(b"half")
    assert verify(model.name) == [f"{BIG} is damaged: 4 of 3,000,000 bytes", f"{CONFIG} is missing"]
    (place(model.name) / MANIFEST).write_text("{")
    assert verify(model.name) == ["its manifest is missing or damaged"]
    assert pulled() == []
    pull(model)
    assert whole(model, hub)


def test_a_broken_connection_is_made_again_and_no_byte_comes_twice(hub: Hub, model: Model) -> None:
    served = hub.files[f"{REPOSITORY}/{BIG}"]
    served.cuts = [1_000_000, 1_200_000]
    pull(model)
    assert whole(model, hub)
    assert served.parts == [(0, 1_000_000), (1_000_000, 1_200_000), (2_200_000, 800_000)]


def test_a_pull_that_was_given_up_is_gone_on_with_and_no_byte_comes_twice(hub: Hub, model: Model) -> None:
    served = hub.files[f"{REPOSITORY}/{BIG}"]
    served.cuts = [1_000_000, 0, 0, 0]
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1 cannot be reached \(it breaks off\).*what is fetched is kept"):
        pull(model)
    assert nothing(model)
    assert kept(model.name) == 1_000_000
    pull(model)
    assert whole(model, hub)
    assert sum(served.sent for served in hub.files.values()) == model.bytes
    assert kept(model.name) == 0


def test_files_that_are_complete_do_not_come_again_after_a_failure(hub: Hub, model: Model) -> None:
    hub.files[f"{REPOSITORY}/{VOICE}"].cuts = [0, 0, 0]
    with pytest.raises(Unreachable):
        pull(model)
    pull(model)
    assert whole(model, hub)
    assert hub.files[f"{REPOSITORY}/{BIG}"].parts == [(0, 3_000_000)]


def test_what_was_fetched_of_another_content_is_not_gone_on_with(hub: Hub, model: Model) -> None:
    served = hub.files[f"{REPOSITORY}/{VOICE}"]
    served.cuts = [30_000, 0, 0]
    with pytest.raises(Unreachable):
        pull(model)
    served.content = content(70_000, 7)
    pull(model)
    assert whole(model, hub)
    assert served.parts[-1] == (0, 70_000)


def test_a_server_without_ranges_begins_anew(hub: Hub, model: Model) -> None:
    served = hub.files[f"{REPOSITORY}/{BIG}"]
    served.cuts, served.ranges = [1_000_000], False
    pull(model)
    assert whole(model, hub)
    assert served.parts[-1] == (0, 3_000_000)


def test_a_part_that_was_damaged_here_is_fetched_anew_once(hub: Hub, model: Model) -> None:
    hub.files[f"{REPOSITORY}/{BIG}"].cuts = [1_000_000, 0, 0]
    with pytest.raises(Unreachable):
        pull(model)
    [part] = place(model.name).parent.rglob("*.part")
    part.write_bytes(bytes(1_000_000))
    pull(model)
    assert whole(model, hub)


@pytest.mark.parametrize("path", [BIG, VOICE, CONFIG])
def test_a_file_with_the_wrong_content_is_thrown_away(hub: Hub, model: Model, path: str) -> None:
    served = hub.files[f"{REPOSITORY}/{path}"]
    served.told = served.content
    served.content = content(len(served.content), 9)
    with pytest.raises(FetchFailed, match=f"{path} of Tiny has the wrong checksum and was thrown away.*HF_ENDPOINT"):
        pull(model)
    assert nothing(model)
    assert list(place(model.name).parent.rglob("*.part")) == []


def test_a_file_that_is_not_the_catalogues_is_refused_before_it_is_fetched(hub: Hub, model: Model) -> None:
    with pytest.raises(FetchFailed, match=r"wrong checksum and nothing was fetched"):
        pull(with_checksum(model, BIG, "0" * 64))
    assert hub.gets() == []
    assert nothing(model)


def test_a_file_longer_than_told_is_not_written_on_and_on(hub: Hub, model: Model) -> None:
    served = hub.files[f"{REPOSITORY}/{BIG}"]
    served.told, served.content = served.content, content(4_000_000)
    with pytest.raises(FetchFailed, match="sends more than the 3,000,000 bytes"):
        pull(model)
    assert nothing(model)


def test_another_revision_is_checked_by_the_hubs_checksums(hub: Hub, model: Model) -> None:
    hub.files[f"{REPOSITORY}/{BIG}"].content = other = content(2_000_000, 5)
    pull(model, revision="v2")
    assert (place(model.name) / BIG).read_bytes() == other
    assert all("/resolve/v2/" in path for _, path, _ in hub.asked if "/resolve/" in path)


def test_a_model_is_swapped_for_its_new_revision_in_one_step(hub: Hub, model: Model) -> None:
    pull(model)
    served = hub.files[f"{REPOSITORY}/{BIG}"]
    served.content = content(2_000_000, 5)
    new = with_checksum(model, BIG, sha256(served.content))
    served.cuts = [1_000_000, 0, 0]
    with pytest.raises(Unreachable):
        pull(new)
    assert installed(model.name) is not None
    assert verify(model.name) == []  # the old one is there until the new one is whole
    pull(new)
    assert whole(new, hub)


def test_a_file_that_is_not_for_everyone_names_terms_and_token(
    hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hf_right"
    for token, status in (("", 401), ("hf_wrong", 403)):
        monkeypatch.setenv("HF_TOKEN", token)
        with pytest.raises(FetchFailed, match=rf"\({status}\): accept its terms at {hub.url}/{REPOSITORY}.*HF_TOKEN"):
            pull(model)
    monkeypatch.setenv("HF_TOKEN", "hf_right")
    pull(model)
    assert whole(model, hub)
    assert all("authorization" not in headers for _, path, headers in hub.asked if path.startswith("/lfs/"))


def test_a_file_that_is_not_there_is_named(hub: Hub, model: Model) -> None:
    del hub.files[f"{REPOSITORY}/{VOICE}"]
    with pytest.raises(FetchFailed, match=rf"does not have {VOICE} of Tiny \(404\): correct HF_ENDPOINT"):
        pull(model)
    assert hub.gets() == []  # nothing is fetched of a model that cannot be whole
    assert nothing(model)


def test_a_hub_that_is_busy_is_asked_again_and_then_let_be(
    hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visavis.weights.remote.pause", lambda seconds, tick: tick())
    hub.files[f"{REPOSITORY}/{BIG}"].status = 503
    with pytest.raises(FetchFailed, match=rf"cannot give {BIG} of Tiny now \(503\): try again later"):
        pull(model)
    assert len(hub.asked) == 3


def test_a_repository_that_was_moved_is_followed(hub: Hub, model: Model) -> None:
    hub.moved["visavis/old"] = REPOSITORY
    pull(replace(model, repository="visavis/old"))
    assert whole(model, hub)


def test_a_stalled_connection_is_made_again_and_then_given_up(
    hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visavis.weights.transfer.read_timeout", lambda: 0.3)
    served = hub.files[f"{REPOSITORY}/{BIG}"]
    served.stall_after = 1_000_000
    with pytest.raises(Unreachable, match=r"it does not answer in time.*what is fetched is kept"):
        pull(model)
    assert nothing(model)
    assert kept(model.name) == 1_000_000
    served.stall_after = None
    pull(model)
    assert whole(model, hub)


def test_a_slow_connection_is_waited_for_and_tells_of_itself(hub: Hub, model: Model) -> None:
    small = replace(model, files=tuple(f for f in model.files if f.path == VOICE))
    hub.files[f"{REPOSITORY}/{VOICE}"].drip = 700
    told: list[int] = []
    pull(small, lambda done, total: told.append(done))
    assert told[-1] == 70_000


def test_a_pull_is_cancelled_by_whoever_is_told_and_gone_on_with(hub: Hub, model: Model) -> None:
    def enough(done: int, total: int) -> None:
        if done > 1_000_000:
            raise Cancelled("enough")

    def interrupt(done: int, total: int) -> None:
        if done > 2_000_000:
            raise KeyboardInterrupt

    with pytest.raises(Cancelled):
        pull(model, enough)
    assert nothing(model)
    assert kept(model.name) > 1_000_000
    with pytest.raises(KeyboardInterrupt):
        pull(model, interrupt)
    assert kept(model.name) > 2_000_000
    pull(model)
    assert whole(model, hub)
    starts = [start for start, _ in hub.files[f"{REPOSITORY}/{BIG}"].parts]
    assert starts[0] == 0
    assert 0 < starts[1] < starts[2]


def test_a_pull_is_cancelled_while_its_server_says_nothing(
    hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visavis.weights.transfer.read_timeout", lambda: 50.0)
    hub.files[f"{REPOSITORY}/{BIG}"].stall_after = 1_000_000
    told: list[int] = []

    def enough(done: int, total: int) -> None:
        told.append(done)
        if told.count(1_000_000) > 3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        pull(model, enough)
    assert kept(model.name) == 1_000_000


def test_a_disk_without_the_space_is_said_before_anything_is_fetched(
    hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    with pytest.raises(OutputFailed, match=r"no space on disk for Tiny: 3 MB are needed in .*VISAVIS_DATA_DIR"):
        pull(model)
    assert hub.gets() == []


CHILD = """
import os, pickle, resource, signal, sys
from visavis.weights.pull import pull
model, limit = pickle.loads(bytes.fromhex(sys.argv[1])), int(sys.argv[2])
if limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    pull(model, lambda done, total: print(done, total, flush=True))
except Exception as error:
    print(type(error).__name__, error, flush=True)
"""


def child(model: Model, limit: int = 0) -> subprocess.Popen[str]:
    """A process that pulls the model."""
    arguments = [sys.executable, "-c", CHILD, pickle.dumps(model).hex(), str(limit)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_a_disk_that_fills_up_under_way_is_said_and_what_came_is_kept(
    hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def full(handle: int) -> None:
        if os.fstat(handle).st_size > 1_000_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputFailed, match=r"no space on disk for Tiny: 1 MB are needed.*what is fetched is kept"):
        pull(model)


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limits")
def test_a_system_that_writes_no_more_ends_in_one_sentence_and_nothing_half_made(hub: Hub, model: Model) -> None:
    with child(model, 1_500_000) as process:
        out, _ = process.communicate(timeout=60)
    assert out.splitlines()[-1].startswith("OutputFailed cannot write to ")
    assert nothing(model)
    pull(model)
    assert whole(model, hub)
    assert hub.files[f"{REPOSITORY}/{BIG}"].parts[-1] == (1_500_000, 1_500_000)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only there a disk can be mounted for a test")
def test_a_real_disk_that_is_too_small_is_said_and_left_as_it_was(
    hub: Hub, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        monkeypatch.setenv("VISAVIS_DATA_DIR", str(small))
        with pytest.raises(OutputFailed, match="3 MB are needed"):
            pull(model)
        assert hub.gets() == []
        usage = shutil.disk_usage("/")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)  # others fill it meanwhile
        with pytest.raises(OutputFailed, match="no space on disk for Tiny"):
            pull(model)
        assert nothing(model)
        assert 1_500_000 < kept(model.name) < 2 << 20
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_two_processes_pull_at_once_and_the_bytes_come_once(hub: Hub, model: Model) -> None:
    served = hub.files[f"{REPOSITORY}/{BIG}"]
    served.stall_after = 1_500_000
    with child(model) as first:
        assert hub.stalled.wait(60)
        with child(model) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == f"0 {model.bytes}\n"  # it waits, and says so
            hub.release.set()
            outputs = [process.communicate(timeout=60)[0].splitlines()[-1] for process in (first, second)]
    assert outputs == [f"{model.bytes} {model.bytes}"] * 2
    assert whole(model, hub)
    assert sum(served.sent for served in hub.files.values()) == model.bytes


def test_two_threads_pull_at_once_and_the_bytes_come_once(hub: Hub, model: Model) -> None:
    hub.files[f"{REPOSITORY}/{BIG}"].stall_after = 1_500_000
    waits = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(pull, model)
        assert hub.stalled.wait(60)
        second = pool.submit(pull, model, lambda done, total: waits.set())
        assert waits.wait(60)
        hub.release.set()
        assert first.result(60) == second.result(60) == place(model.name)
    assert whole(model, hub)
    assert sum(served.sent for served in hub.files.values()) == model.bytes


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such signal")
def test_a_killed_process_leaves_nothing_half_made_and_the_next_goes_on(hub: Hub, model: Model) -> None:
    served = hub.files[f"{REPOSITORY}/{BIG}"]
    served.stall_after = 1_500_000
    with child(model) as process:
        assert process.stdout is not None
        assert any(int(line.split()[0]) >= 1_000_000 for line in process.stdout)
        process.send_signal(signal.SIGKILL)
    assert nothing(model)
    assert pulled() == []
    left = kept(model.name)
    assert left >= 1_000_000
    served.stall_after = None
    hub.release.set()
    pull(model)
    assert whole(model, hub)
    assert served.parts[-1] == (left, 3_000_000 - left)


def test_a_swap_that_was_killed_is_mended(hub: Hub, model: Model) -> None:
    pull(model)
    here = place(model.name)
    os.replace(here, here.with_name(f".old-{model.name}"))
    assert nothing(model)
    before = len(hub.gets())
    pull(model)
    assert whole(model, hub)
    assert len(hub.gets()) == before  # all of it was still there


def test_offline_nothing_is_asked_and_what_helps_is_said(
    hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Unreachable, match=r"HF_HUB_OFFLINE is set.*unset it.*visavis models import"):
        pull(model)
    assert hub.asked == []


def test_a_hub_that_is_down_is_named_with_what_to_look_at(
    hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1 cannot be reached.*HTTPS_PROXY.*HF_ENDPOINT") as caught:
            pull(model)
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.invalid")
    with pytest.raises(Unreachable, match=r"hub\.invalid cannot be reached \(its name is not known"):
        pull(model)


def test_a_proxy_that_leads_nowhere_is_named(hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", hub.url)  # which refuses to be one
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example.org")
    with pytest.raises(Unreachable, match=r"the proxy does not lead to hub\.example\.org.*correct HTTPS_PROXY"):
        pull(model)


def test_a_proxy_that_is_no_address_is_named(hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy://nowhere")
    with pytest.raises(Unreachable, match=r"cannot connect to anything.*correct HTTPS_PROXY"):
        pull(model)


def test_an_endpoint_that_is_no_hub_is_said(hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong, sentence in (("no address", "HF_ENDPOINT"), (f"{hub.url}/elsewhere", "HF_ENDPOINT")):
        monkeypatch.setenv("HF_ENDPOINT", wrong)
        with pytest.raises(FetchFailed, match=sentence):
            pull(model)


def in_cache(tmp_path: Path, path: str, data: bytes, etag: str) -> None:
    """Put a file where the hub's own programs would have put it."""
    folder = tmp_path / "hf" / "hub" / f"models--{REPOSITORY.replace('/', '--')}"
    blob, link = folder / "blobs" / etag, folder / "snapshots" / COMMIT / path
    for each in (blob.parent, link.parent, folder / "refs"):
        each.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(data)
    link.symlink_to(blob)
    (folder / "refs" / "main").write_text(COMMIT)


@pytest.mark.skipif(sys.platform == "win32", reason="there the cache has no links")
@pytest.mark.parametrize("offline", [False, True])
def test_what_the_hubs_cache_has_is_not_fetched(
    hub: Hub, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: bool
) -> None:
    if offline:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for path in (BIG, VOICE, CONFIG):
        data = hub.files[f"{REPOSITORY}/{path}"].content
        in_cache(tmp_path, path, data, git_sha1(data) if path == CONFIG else sha256(data))
    pull(model)
    assert whole(model, hub)
    assert hub.gets() == []


THEIRS = """
import sys
from huggingface_hub import hf_hub_download
for path in sys.argv[2:]:
    hf_hub_download(sys.argv[1], path)
"""


def test_what_the_hubs_own_program_has_fetched_from_this_hub_is_not_fetched_again(
    hub: Hub, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("huggingface_hub")  # comes with the extra 'whisper'
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    paths = [f.path for f in model.files]
    subprocess.run([sys.executable, "-c", THEIRS, REPOSITORY, *paths], check=True, capture_output=True)
    before = len(hub.gets())
    assert before >= len(paths)
    pull(model)
    assert whole(model, hub)
    assert len(hub.gets()) == before


def test_the_token_that_the_hubs_own_program_keeps_is_used(hub: Hub, model: Model, tmp_path: Path) -> None:
    hub.token = "hf_kept"
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text("hf_kept\n")
    pull(model)
    assert whole(model, hub)


@pytest.mark.skipif(sys.platform == "win32", reason="there the cache has no links")
def test_what_is_wrong_in_the_hubs_cache_is_fetched(hub: Hub, model: Model, tmp_path: Path) -> None:
    in_cache(tmp_path, BIG, content(3_000_000, 8), sha256(content(3_000_000)))
    pull(model)
    assert whole(model, hub)


def test_a_file_outside_the_hub_is_gone_on_with_while_it_is_the_same(hub: Hub, model: Model) -> None:
    data = content(500_000, 3)
    voice = from_address(hub, data)
    served = hub.files["cdn/voice.ort"]
    served.cuts = [200_000, 0, 0]
    with pytest.raises(Unreachable):
        pull(voice)
    pull(voice)
    assert (place("tiny") / "voice.ort").read_bytes() == data
    assert served.sent == len(data)
    remove("tiny")
    served.cuts = [200_000, 0, 0]
    with pytest.raises(Unreachable):
        pull(voice)
    served.content = other = content(500_000, 4)
    pull(voice)
    assert (place("tiny") / "voice.ort").read_bytes() == other


def test_a_file_outside_the_hub_is_checked_where_its_checksum_is_known(hub: Hub, model: Model) -> None:
    data = content(500_000, 3)
    pull(from_address(hub, data, sha256(data)))
    assert verify("tiny") == []
    remove("tiny")
    with pytest.raises(FetchFailed, match=r"voice\.ort of Tiny has the wrong checksum and was thrown away"):
        pull(from_address(hub, data, "0" * 64))
    assert nothing(model)


@pytest.mark.parametrize(("status", "said"), [(403, "to this machine"), (404, "does not have voice.ort")])
def test_a_file_outside_the_hub_that_is_refused_is_named(hub: Hub, model: Model, status: int, said: str) -> None:
    with pytest.raises(FetchFailed, match=said):
        pull(from_address(hub, content(10), status=status))


def test_a_model_is_removed_with_what_was_fetched_of_it(hub: Hub, model: Model) -> None:
    pull(model)
    assert remove(model.name) >= model.bytes
    assert nothing(model)
    with pytest.raises(BadInput, match="Tiny is not here: there is nothing to remove"):
        remove(model.name)
    hub.files[f"{REPOSITORY}/{BIG}"].cuts = [1_000_000, 0, 0]
    with pytest.raises(Unreachable):
        pull(model)
    remove(model.name)
    assert kept(model.name) == 0
    with pytest.raises(BadInput, match="there is no model"):
        remove("../../etc")


def test_a_model_is_not_removed_while_it_is_pulled(hub: Hub, model: Model) -> None:
    def meanwhile(done: int, total: int) -> None:
        if 0 < done < total:
            with pytest.raises(BadInput, match="Tiny is being pulled just now"):
                remove(model.name)
            raise Cancelled("seen")

    with pytest.raises(Cancelled):
        pull(model, meanwhile)
