"""A file from an address: whole, as large as it may be, the one that is expected, or not there at all."""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.weights.site import Answer, Site, serve
from visavis.errors import BadInput, FetchFailed, OutputFailed
from visavis.weights import links
from visavis.weights.links import fetch_checkpoint

CONTENT = bytes(range(256)) * 5000


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """With a file at /w.pth."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as running:
        running.answers["/w.pth"] = Answer(CONTENT)
        yield running


def _refusal(site: Site, path: str, into: Path, sha256: str | None = None) -> str:
    with pytest.raises(FetchFailed) as refused:
        fetch_checkpoint(site.url + path, into, sha256=sha256)
    assert list(into.iterdir()) == []
    return str(refused.value)


def test_a_file_is_fetched_and_called_as_there(site: Site, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    found = fetch_checkpoint(f"{site.url}/w.pth?key=1", tmp_path, lambda done, doing: told.append((done, doing)))
    assert found == tmp_path / "w.pth"
    assert found.read_bytes() == CONTENT
    assert told[-1] == (1.0, "1 MB of 1")
    assert [each.name for each in tmp_path.iterdir()] == ["w.pth"]


def test_a_file_whose_length_is_not_told_is_fetched(site: Site, tmp_path: Path) -> None:
    site.answers["/w.pth"] = Answer(CONTENT, length=-1)
    told: list[tuple[float, str]] = []
    found = fetch_checkpoint(f"{site.url}/w.pth", tmp_path, lambda done, doing: told.append((done, doing)))
    assert found.read_bytes() == CONTENT
    assert told[-1] == (0.0, "1 MB")


def test_redirections_are_followed_but_not_without_end(site: Site, tmp_path: Path) -> None:
    site.answers["/here"] = Answer(status=302, headers={"Location": "/w.pth"})
    assert fetch_checkpoint(f"{site.url}/here", tmp_path).name == "w.pth"
    (tmp_path / "w.pth").unlink()
    site.answers["/round"] = Answer(status=302, headers={"Location": "/round"})
    assert "leads on and on" in _refusal(site, "/round", tmp_path)
    assert len(site.asked) < 20


def test_a_redirection_from_https_to_http_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(request: httpx.Request) -> httpx.Response:
        assert request.url.scheme == "https"
        return httpx.Response(302, headers={"Location": "http://example.org/w.pth"})

    client = functools.partial(httpx.Client, transport=httpx.MockTransport(answered))
    monkeypatch.setattr(httpx, "Client", client)
    with pytest.raises(FetchFailed, match=r"leads from https to http://example\.org"):
        fetch_checkpoint("https://example.org/w.pth", tmp_path)


def test_the_checksum_decides(site: Site, tmp_path: Path) -> None:
    right = hashlib.sha256(CONTENT).hexdigest()
    assert fetch_checkpoint(f"{site.url}/w.pth", tmp_path, sha256=right.upper()).exists()
    (tmp_path / "w.pth").unlink()
    assert f"has the SHA-256 {right} and not {'0' * 64}" in _refusal(site, "/w.pth", tmp_path, sha256="0" * 64)
    asked = len(site.asked)
    with pytest.raises(BadInput, match="64 hexadecimal digits"):
        fetch_checkpoint(f"{site.url}/w.pth", tmp_path, sha256="abc")
    assert len(site.asked) == asked


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(status=401), "it may want a login"),
        (Answer(status=403), "is not for everyone (403)"),
        (Answer(status=404), "there is nothing at"),
        (Answer(status=503), "cannot be had now (503)"),
        (Answer(b"<html>Sign in", headers={"Content-Type": "text/html; charset=utf-8"}), "is a web page and no file"),
        (Answer(b"  <!DOCTYPE html><title>Virus scan warning"), "is a web page and no file"),
        (Answer(CONTENT, length=2 * len(CONTENT)), "ended before its end: try again"),
        (Answer(b""), "ended after 0"),
        (Answer(b"x", length=2_000_000_001), "is larger than 2 GB"),
    ],
)
def test_what_cannot_be_had_is_said_and_nothing_stays(site: Site, tmp_path: Path, answer: Answer, said: str) -> None:
    site.answers["/w.pth"] = answer
    assert said in _refusal(site, "/w.pth", tmp_path)


def test_a_file_that_grows_beyond_the_limit_is_left(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "LARGEST", 1000)
    site.answers["/w.pth"] = Answer(CONTENT, length=-1)
    assert "is larger than 2 GB" in _refusal(site, "/w.pth", tmp_path)


def test_passwords_and_keys_of_an_address_are_not_repeated(site: Site, tmp_path: Path) -> None:
    address = site.url.replace("http://", "http://me:secret@") + "/none.pth?token=hidden"
    with pytest.raises(FetchFailed) as refused:
        fetch_checkpoint(address, tmp_path)
    assert f"{site.url}/none.pth" in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "hidden" not in str(refused.value)


def test_a_name_with_a_path_in_it_stays_in_the_folder(site: Site, tmp_path: Path) -> None:
    site.answers["/a/..%2F..%2F.w.pth"] = Answer(CONTENT)
    assert fetch_checkpoint(f"{site.url}/a/..%2F..%2F.w.pth", tmp_path).parent == tmp_path


def test_a_server_that_is_not_there_and_an_address_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FetchFailed, match=r"cannot fetch http://127\.0\.0\.1:9/w\.pth"):
        fetch_checkpoint("http://127.0.0.1:9/w.pth", tmp_path)
    with pytest.raises(FetchFailed, match="is no address"):
        fetch_checkpoint("http://[::1/w.pth", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_before_anything_is_written(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int = 1000

    def usage(path: Any) -> Usage:
        return Usage()

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(OutputFailed, match="no space on disk"):
        fetch_checkpoint(f"{site.url}/w.pth", tmp_path)
    assert list(tmp_path.iterdir()) == []
