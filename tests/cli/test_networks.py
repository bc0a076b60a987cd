"""`visavis models add` and `remove`: a checkpoint is checked, its licence accepted, and it is kept in its fast form."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from tests.cli.conftest import Command
from tests.weights.site import Answer, Site, serve
from visavis.engines.neural import forms
from visavis.errors import OutputFailed
from visavis.weights.published import published

torch = pytest.importorskip("torch", reason="the extra 'wav2lip' is not installed")
ADD = ("models", "add", "wav2lip")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[set[str]]:
    """Networks of one tensor, and a quick conversion of them: the names of the weights that were converted."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "data"))
    layouts = {"wav2lip": {"mouth": (3,)}, "gfpgan": {"skin": (2,)}}
    networks = {name: replace(each, layout=layouts[name]) for name, each in published().items()}
    monkeypatch.setattr("visavis.weights.published.published", lambda: networks)
    converted: list[set[str]] = []

    def install(name: str, state: Mapping[str, NDArray[Any]], digest: str, progress: forms.Progress) -> Path:
        converted.append(set(state))
        progress(0.5, "body for pytorch")
        form = forms.place(name) / digest[:16]
        form.mkdir(parents=True, exist_ok=True)
        (form / "body.bin").write_bytes(bytes(3_000_000))
        about = forms.Manifest(name, digest, forms.SCHEMA, "", {"body.bin": 3_000_000})
        (form / forms.MANIFEST).write_text(json.dumps(asdict(about)))
        return form

    monkeypatch.setattr(forms, "install", install)
    return converted


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.save({"state_dict": {"mouth": torch.ones(3)}}, tmp_path / "w.pth")
    return tmp_path / "w.pth"


@pytest.fixture
def site(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as running:
        running.answers["/w.pth"] = Answer(checkpoint.read_bytes())
        yield running


def _terminal(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """Somebody sits there and types."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(typed))


def test_a_checkpoint_is_added_with_its_licence_accepted_and_what_can_be_used_is_said(
    visavis: Command, checkpoint: Path, small: list[set[str]]
) -> None:
    outcome = visavis(*ADD, checkpoint, "--accept-licence")
    assert outcome.code == 0, outcome.err
    assert small == [{"mouth"}]
    assert "any commercial use is forbidden" in outcome.err
    assert "https://github.com/Rudrabha/Wav2Lip" in outcome.err
    assert "videos that are made with it, too, are for research and personal use only" in outcome.err
    assert "added:  Wav2Lip (3 MB in " in outcome.out
    assert outcome.out.endswith("use it: visavis serve --animator wav2lip\n")


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_on_a_terminal_the_licence_is_asked_for_and_no_is_the_default(
    visavis: Command,
    checkpoint: Path,
    small: list[set[str]],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
) -> None:
    _terminal(monkeypatch, typed)
    outcome = visavis(*ADD, checkpoint)
    assert outcome.code == code
    assert len(small) == (code == 0)
    assert "Do you accept that? [y/N]" in outcome.err
    assert ("its licence was not accepted" in outcome.message) == (code == 2)


def test_without_a_terminal_the_option_is_named(visavis: Command, checkpoint: Path, small: list[set[str]]) -> None:
    outcome = visavis(*ADD, checkpoint)
    assert (outcome.code, small) == (2, [])
    assert outcome.message == ("visavis: nobody is here to accept Wav2Lip's licence: read it, and add --accept-licence")


def test_another_networks_checkpoint_is_refused_before_anything_is_asked(
    visavis: Command, checkpoint: Path, small: list[set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _terminal(monkeypatch, "")
    outcome = visavis("models", "add", "gfpgan", checkpoint)
    assert (outcome.code, small) == (2, [])
    assert outcome.err == (
        "visavis: 'w.pth' is no checkpoint of GFPGAN: it lacks 'skin'; it looks like that of Wav2Lip\n"
    )


def test_the_same_checkpoint_is_not_added_twice_and_another_takes_its_place(
    visavis: Command, checkpoint: Path, small: list[set[str]]
) -> None:
    visavis(*ADD, checkpoint, "--accept-licence")
    outcome = visavis(*ADD, checkpoint)
    assert outcome.code == 0, outcome.err
    assert outcome.out == "Wav2Lip is here already: visavis serve --animator wav2lip\n"
    assert len(small) == 1
    torch.save({"state_dict": {"mouth": torch.zeros(3)}}, checkpoint)
    assert visavis(*ADD, checkpoint, "--accept-licence").code == 0
    assert len(small) == 2


def test_a_form_that_lacks_what_can_be_made_now_is_made_again(
    visavis: Command, checkpoint: Path, small: list[set[str]]
) -> None:
    visavis(*ADD, checkpoint, "--accept-licence")
    form = forms.installed("wav2lip")
    assert form is not None
    about = forms.manifest(form)
    assert about is not None
    lack = "int8: nncf not installed"
    (form / forms.MANIFEST).write_text(json.dumps(asdict(replace(about, left_out=[lack]))))
    assert visavis(*ADD, checkpoint, "--accept-licence").code == 0
    assert len(small) == 2


def test_a_checkpoint_is_fetched_and_only_its_form_is_kept(
    visavis: Command, site: Site, small: list[set[str]], tmp_path: Path
) -> None:
    right = hashlib.sha256(site.answers["/w.pth"].content).hexdigest()
    outcome = visavis(*ADD, f"{site.url}/w.pth", "--sha256", right, "--accept-licence")
    assert outcome.code == 0, outcome.err
    assert small == [{"mouth"}]
    assert [path.name for path in (tmp_path / "data" / "weights").iterdir()] == ["networks"]
    again = visavis(*ADD, f"{site.url}/w.pth", "--accept-licence")
    assert "is here already" in again.out
    assert len(small) == 1


def test_nothing_is_fetched_before_the_licence_is_accepted(visavis: Command, site: Site) -> None:
    assert visavis(*ADD, f"{site.url}/w.pth").code == 2
    assert site.asked == []


def test_a_file_or_download_with_another_checksum_is_refused(
    visavis: Command, site: Site, checkpoint: Path, small: list[set[str]], tmp_path: Path
) -> None:
    for source in (str(checkpoint), f"{site.url}/w.pth"):
        outcome = visavis(*ADD, source, "--sha256", "0" * 64, "--accept-licence")
        assert outcome.code == 2
        assert f"and not {'0' * 64}: it is not the expected file" in outcome.message
    assert "64 hexadecimal digits" in visavis(*ADD, checkpoint, "--sha256", "12").message
    assert small == []
    assert list((tmp_path / "data" / "weights").iterdir()) == []


def test_a_disk_that_is_full_is_said_in_a_line(
    visavis: Command, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> Path:
        raise OutputFailed("no space on disk: free some")

    monkeypatch.setattr(forms, "install", full)
    outcome = visavis(*ADD, checkpoint, "--accept-licence")
    assert (outcome.code, outcome.message) == (2, "visavis: no space on disk: free some")


def test_a_network_that_is_none_and_a_file_that_is_not_there_are_named(visavis: Command) -> None:
    assert (
        "there is no network 'wav2lib' to add; did you mean wav2lip?"
        in visavis("models", "add", "wav2lib", "x").message
    )
    assert "there is no file 'x.pth'" in visavis(*ADD, "x.pth").message


def test_gfpgan_says_what_it_needs_besides(visavis: Command, checkpoint: Path, tmp_path: Path) -> None:
    torch.save({"params_ema": {"skin": torch.ones(2)}}, tmp_path / "g.pth")
    outcome = visavis("models", "add", "gfpgan", tmp_path / "g.pth", "--accept-licence")
    assert "after `visavis models add wav2lip FILE.pth`" in outcome.out
    assert "Apache License 2.0" in outcome.err
    visavis(*ADD, checkpoint, "--accept-licence")
    assert visavis("models", "add", "gfpgan", tmp_path / "g.pth").out == (
        "GFPGAN is here already: visavis serve --animator wav2lip+gfpgan\n"
    )


def test_the_list_shows_added_networks_with_their_licence(visavis: Command, checkpoint: Path) -> None:
    assert "networks" not in visavis("models", "list").out
    visavis(*ADD, checkpoint, "--accept-licence")
    rows = [row for row in json.loads(visavis("models", "list", "--json").out) if row["slot"] == "networks"]
    assert [(row["name"], row["bytes"], row["licence"], row["used"]) for row in rows] == [
        ("wav2lip", 3_000_000, "research and personal use only", False)
    ]
    shown = visavis("models", "list").out
    assert "Wav2Lip, moves the mouth by the sound [3 MB, research and personal use only]" in shown


def test_a_network_is_removed_and_its_space_told(visavis: Command, checkpoint: Path) -> None:
    visavis(*ADD, checkpoint, "--accept-licence")
    assert visavis("models", "remove", "wav2lip").out == "removed Wav2Lip: 3 MB are free again\n"
    assert forms.installed("wav2lip") is None
    outcome = visavis("models", "remove", "wav2lip")
    assert (outcome.code, outcome.message) == (2, "visavis: Wav2Lip is not here: there is nothing to remove")
