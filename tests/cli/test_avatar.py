"""`visavis avatar`: every face is listed, a name is never taken twice, and the cache can be freed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import visavis.avatars
from tests.cli.conftest import Command
from visavis.avatars.store import AvatarStore
from visavis.cli.serve import that_has
from visavis.engines.registry import choose
from visavis.settings import Settings

PORTRAIT = Path(visavis.avatars.__path__[0]) / "builtin" / "vera.png"


@pytest.fixture
def avatars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the avatars of this test, with the data files that making one needs."""
    from visavis import weights

    here = weights.folder()
    (tmp_path / "data" / "weights").mkdir(parents=True)
    for name in weights.catalogue():
        if (here / name).is_file():
            (tmp_path / "data" / "weights" / name).symlink_to(here / name)
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data" / "avatars"


def test_the_list_has_the_built_in_avatars_the_stored_ones_and_the_damaged(visavis: Command, avatars: Path) -> None:
    assert visavis("--set", "size=128", "avatar", "create", PORTRAIT, "--name", "me").code == 0
    (avatars / "old.avatar").write_bytes(b"nothing")
    outcome = visavis("avatar", "list", "--json")
    rows = json.loads(outcome.out)
    assert [(row["name"], row["kind"], row["state"]) for row in rows] == [
        ("vera", "picture", "built in"),
        ("amos", "picture", "built in"),
        ("finn", "picture", "built in"),
        ("me", "picture", "stored"),
        ("old", None, "damaged"),
    ]
    assert "create the avatar again" in rows[4]["fault"]
    assert outcome.out.startswith("[\n  {")
    lines = visavis("avatar", "list").out.splitlines()
    assert [line.split()[0] for line in lines] == ["vera", "amos", "finn", "me", "old"]
    assert "damaged" in lines[4]
    assert "create the avatar again" in lines[4]


def test_a_name_that_is_taken_is_refused_until_it_is_forced(visavis: Command, avatars: Path) -> None:
    avatars.mkdir()
    (avatars / "me.avatar").write_bytes(b"damaged, but somebody's")
    refused = visavis("avatar", "create", PORTRAIT, "--name", "me")
    assert (refused.code, "already" in refused.message) == (2, True)
    assert (avatars / "me.avatar").read_bytes() == b"damaged, but somebody's"
    assert visavis("--set", "size=128", "avatar", "create", PORTRAIT, "--name", "me", "--force").code == 0
    assert [entry.name for entry in AvatarStore(avatars).list()] == ["me"]


def test_the_cache_says_what_it_freed(visavis: Command, avatars: Path) -> None:
    assert "nothing to free" in visavis("avatar", "clear-cache").out
    (avatars / ".cache").mkdir(parents=True)
    shutil.copy(PORTRAIT, avatars / ".cache" / "one.avatar")
    outcome = visavis("avatar", "clear-cache")
    assert outcome.out.startswith(f"freed {PORTRAIT.stat().st_size / 1e6:.1f} MB (1 face);")
    assert list((avatars / ".cache").iterdir()) == []


def test_the_voice_of_an_avatar_is_shown_chosen_and_left_open(visavis: Command, avatars: Path) -> None:
    assert visavis("--set", "size=128", "avatar", "create", PORTRAIT, "--name", "me").code == 0
    before = AvatarStore(avatars).load("me")
    assert visavis("avatar", "voice", "me").out == "me speaks with any voice\n"
    assert visavis("avatar", "voice", "me", "EN-gb").out == "me speaks with en-gb\n"
    after = AvatarStore(avatars).load("me")
    assert (after.voice, after.digest) == ("en-gb", before.digest)
    assert (after.plate == before.plate).all()
    assert visavis("avatar", "voice", "me", "--clear").out == "me speaks with any voice\n"
    refused = visavis("avatar", "voice", "me", "nobody")
    assert (refused.code, "there is no voice 'nobody' here" in refused.message) == (2, True)
    both = visavis("avatar", "voice", "me", "de", "--clear")
    assert (both.code, "not both" in both.message) == (2, True)
    missing = visavis("avatar", "voice", "mee", "de")
    assert (missing.code, "did you mean 'me'" in missing.message) == (2, True)


def test_a_built_in_avatar_can_be_given_another_voice(visavis: Command, avatars: Path) -> None:
    assert visavis("avatar", "voice", "amos").out == "amos speaks with rms\n"
    assert visavis("avatar", "voice", "amos", "en-gb-scotland").out == "amos speaks with en-gb-scotland\n"
    assert AvatarStore(avatars).builtin("amos", 128).voice == "en-gb-scotland"
    assert AvatarStore(avatars).builtin("vera", 128).voice == "slt"
    listed = {row["name"]: row["voice"] for row in json.loads(visavis("avatar", "list", "--json").out)}
    assert listed == {"vera": "slt", "amos": "en-gb-scotland", "finn": "awb"}
    (avatars / ".voices.json").write_text("[broken")
    assert visavis("avatar", "voice", "amos").out == "amos speaks with rms\n"
    assert visavis("avatar", "voice", "amos", "de").code == 0
    assert visavis("avatar", "voice", "amos", "--clear").out == "amos speaks with rms\n"


@pytest.mark.usefixtures("avatars")
def test_a_voice_that_was_chosen_for_a_built_in_avatar_speaks_or_it_is_said_that_it_cannot(visavis: Command) -> None:
    assert visavis("avatar", "voice", "amos", "en-gb-scotland").code == 0
    ask = ["--set", "llm=fake", "ask", "Who are you?", "--size", "128", "-a", "amos"]
    own, other = visavis(*ask), visavis(*ask, "--tts", "fake")
    assert own.code == other.code == 0
    assert "espeak (tts)" in own.out
    assert "amos's own voice 'en-gb-scotland' cannot be had here for 'en'" in other.err


def test_a_server_takes_the_synthesizer_that_has_its_avatars_voice() -> None:
    assert that_has("en-gb-scotland", Settings()).tts == "espeak"
    assert that_has(None, Settings()).tts == "auto"
    assert that_has(choose("tts", Settings()).engine(Settings()).voices()[0].name, Settings()).tts == "auto"
    assert that_has("en-gb-scotland", Settings(tts="fake")).tts == "fake"


@pytest.mark.usefixtures("avatars")
def test_an_avatar_speaks_with_its_own_voice_or_it_is_said_that_it_cannot(visavis: Command) -> None:
    assert visavis("avatar", "create", PORTRAIT, "--name", "anna", "--voice", "en-gb").code == 0
    own, other, unnamed = (
        visavis("--set", "llm=fake", "ask", "Who are you?", "--size", "128", *more)
        for more in (("-a", "anna"), ("-a", "anna", "--tts", "fake"), ("--tts", "fake"))
    )
    assert own.code == other.code == unnamed.code == 0
    assert "espeak (tts)" in own.out
    assert "anna's own voice 'en-gb' cannot be had here for 'en'" in other.err
    assert "own voice" not in own.err + unnamed.err
