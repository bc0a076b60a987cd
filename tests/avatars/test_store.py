"""Avatars are kept whole or not at all, come back as they were, and nothing foreign gets in."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from tests.avatars.conftest import MakeVideo, Pixels, shifted
from visavis.avatars import store as store_module
from visavis.avatars.avatar import SCHEMA, Avatar
from visavis.avatars.build import build_avatar
from visavis.avatars.builtins import BUILTINS
from visavis.avatars.store import BUILTIN, AvatarStore, check_name, resolve
from visavis.errors import BadInput, OutputFailed


@pytest.fixture
def store(tmp_path: Path) -> AvatarStore:
    return AvatarStore(tmp_path / "avatars")


def _same(one: Avatar, other: Avatar) -> None:
    for field in fields(Avatar):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name == "rig":
            assert mine.keys() == theirs.keys()
            for name in mine:
                np.testing.assert_array_equal(mine[name], theirs[name])
                assert mine[name].dtype == theirs[name].dtype
        elif isinstance(mine, np.ndarray):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
        else:
            assert mine == theirs


def _rewritten(path: Path, **members: bytes | None) -> None:
    """The same file with members replaced (`arrays_npz` for arrays.npz), or left out where None is given."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    for name, data in members.items():
        if data is None:
            del content[name.replace("_", ".")]
        else:
            content[name.replace("_", ".")] = data
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def _npz(**arrays: np.ndarray) -> bytes:
    packed = io.BytesIO()
    np.savez(packed, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for its own options
    return packed.getvalue()


def test_an_avatar_comes_back_as_it_was(store: AvatarStore, avatar: Avatar) -> None:
    path = store.save(avatar)
    assert path == store.path("vera-again")
    _same(store.load("vera-again"), avatar)
    assert path.stat().st_size < 10_000_000


def test_a_cut_out_and_a_video_come_back_too(
    store: AvatarStore, avatar: Avatar, face: Pixels, make_video: MakeVideo
) -> None:
    alpha = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    store.save(cut_out := replace(avatar, alpha=alpha))
    _same(store.load(cut_out.name), cut_out)
    video = make_video([shifted(face, i, 0, 480, 480, 0.9) for i in range(15)])
    store.save(moving := build_avatar(video, "moving", size=128, note="ein Spaß — 顔"))
    _same(store.load("moving"), moving)


def test_the_list_tells_names_kinds_voices_and_notes(store: AvatarStore, avatar: Avatar) -> None:
    assert store.list() == []
    store.save(replace(avatar, name="zoe", voice=None))
    store.save(replace(avatar, name="Adam"))
    (store.path("zoe").parent / "broken.avatar").write_bytes(b"nothing")
    entries = store.list()
    assert [(e.name, e.kind, e.voice, e.note) for e in entries] == [
        ("Adam", "picture", "slt", "made for tests"),
        ("zoe", "picture", None, "made for tests"),
    ]


def test_a_damaged_file_is_told_with_what_to_do_and_never_listed_as_an_avatar(
    store: AvatarStore, avatar: Avatar
) -> None:
    assert store.damaged() == {}
    folder = store.save(avatar).parent
    (folder / "broken.avatar").write_bytes(b"nothing")
    (folder / "my face.avatar").write_bytes(store.path(avatar.name).read_bytes())
    damaged = store.damaged()
    assert list(damaged) == ["broken", "my face"]
    assert "is damaged, or no avatar file: create the avatar again from its source" in damaged["broken"]
    assert "cannot be an avatar's name: use up to 64 letters" in damaged["my face"]
    assert [entry.name for entry in store.list()] == [avatar.name]


@pytest.mark.parametrize("hard_links", [True, False])
def test_of_two_that_make_the_same_name_at_once_only_the_first_is_kept(
    store: AvatarStore, avatar: Avatar, monkeypatch: pytest.MonkeyPatch, hard_links: bool
) -> None:
    def refused(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    if not hard_links:
        monkeypatch.setattr(os, "link", refused)
    store.check_free(avatar.name)  # both see that the name is free
    store.save(replace(avatar, voice="first"), replace=False)
    with pytest.raises(BadInput, match="there is an avatar 'vera-again' already: choose another --name, or --force"):
        store.save(replace(avatar, voice="second"), replace=False)
    assert store.load(avatar.name).voice == "first"
    with pytest.raises(BadInput, match="there is an avatar 'vera-again' already"):
        store.check_free(avatar.name)
    assert [path.name for path in store.path(avatar.name).parent.iterdir()] == ["vera-again.avatar"]


def test_clearing_the_cache_frees_what_was_made_on_the_way_and_keeps_what_is_stored(
    store: AvatarStore, avatar: Avatar, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "build_avatar", lambda source, name, **_: replace(avatar, name=name))
    assert store.clear_cache() == (0, 0)
    size = store.save(avatar).stat().st_size
    store.made_from(portrait, "face", 128)
    store.made_from(portrait, "face", 256)
    count, freed = store.clear_cache()
    assert count == 2
    assert freed == pytest.approx(2 * size, rel=0.01)
    assert store.clear_cache() == (0, 0)
    assert [entry.name for entry in store.list()] == [avatar.name]


def test_a_file_goes_by_its_name_wherever_it_came_from(store: AvatarStore, avatar: Avatar) -> None:
    store.save(avatar).rename(store.path("friend"))
    assert store.load("friend").name == "friend"
    assert [entry.name for entry in store.list()] == ["friend"]


def test_saving_again_replaces_and_removing_removes(store: AvatarStore, avatar: Avatar) -> None:
    store.save(avatar)
    store.save(replace(avatar, voice="other"))
    assert store.load(avatar.name).voice == "other"
    store.remove(avatar.name)
    assert store.list() == []
    with pytest.raises(BadInput, match="there is no avatar 'vera-again'"):
        store.remove(avatar.name)


@pytest.mark.parametrize("name", ["", "-x", "a b", "../up", "a/b", "ä", "x" * 65, "con", "NUL", "a.b", "name\n"])
def test_an_impossible_name_is_refused(store: AvatarStore, avatar: Avatar, name: str) -> None:
    for use in (check_name, store.load, store.remove, store.path, lambda n: store.save(replace(avatar, name=n))):
        with pytest.raises(BadInput, match="cannot be an avatar's name: use up to 64 letters"):
            use(name)


@pytest.mark.parametrize("name", BUILTINS)
def test_a_built_in_name_is_taken(store: AvatarStore, avatar: Avatar, name: str) -> None:
    for spelled in (name, name.title()):
        with pytest.raises(BadInput, match="is a built-in avatar: choose another name"):
            store.save(replace(avatar, name=spelled))
    with pytest.raises(BadInput, match="cannot be removed"):
        store.remove(name)


def test_no_space_on_disk_leaves_nothing_new_and_the_old_one_whole(
    store: AvatarStore, avatar: Avatar, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.save(avatar)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputFailed, match=r"cannot write .*vera-again\.avatar: No space left on device"):
        store.save(replace(avatar, voice="new"))
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_an_endless_note_is_refused_before_anything_is_written(store: AvatarStore, avatar: Avatar) -> None:
    with pytest.raises(BadInput, match="note is too long"):
        store.save(replace(avatar, note="x" * 70_000))
    assert list(store.path("x").parent.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path, avatar: Avatar) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputFailed, match="cannot write"):
        AvatarStore(tmp_path / "file" / "avatars").save(avatar)


Break = Callable[[Path], object]


def _unpickled(path: Path) -> None:
    _rewritten(path, arrays_npz=_npz(landmarks=np.array([{"a": 1}], dtype=object)))


BREAKS: dict[str, Break] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("hello"),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "another zip": lambda path: _rewritten(path, avatar_json=None),
    "no arrays": lambda path: _rewritten(path, arrays_npz=None),
    "no plate": lambda path: _rewritten(path, plate_png=None),
    "a plate that is none": lambda path: _rewritten(path, plate_png=b"GIF89a"),
    "a header that is no JSON": lambda path: _rewritten(path, avatar_json=b"{"),
    "a header of something else": lambda path: _rewritten(path, avatar_json=b'{"schema": %d}' % SCHEMA),
    "a header that is a list": lambda path: _rewritten(path, avatar_json=b"[1]"),
    "arrays of another shape": lambda path: _rewritten(
        path, arrays_npz=_npz(landmarks=np.zeros(3), irises=np.zeros(3), tracks=np.zeros(3))
    ),
    "a pickle": _unpickled,
    "a header that unpacks to gigabytes": lambda path: _rewritten(path, avatar_json=b" " * 10_000_000),
    "arrays that unpack to gigabytes": lambda path: _rewritten(path, arrays_npz=bytes(140 << 20)),
}


@pytest.mark.parametrize("how", BREAKS)
def test_what_is_no_avatar_of_ours_is_refused_in_one_line(store: AvatarStore, avatar: Avatar, how: str) -> None:
    path = store.save(avatar)
    BREAKS[how](path)
    with pytest.raises(BadInput, match=r"is damaged, or no avatar file: create the avatar again") as refusal:
        store.load(avatar.name)
    assert "\n" not in str(refusal.value)


def test_any_flipped_byte_gives_the_avatar_or_bad_input(store: AvatarStore, avatar: Avatar) -> None:
    path = store.save(avatar)
    sound, random = path.read_bytes(), np.random.default_rng(3)
    for _ in range(60):
        broken = bytearray(sound)
        broken[random.integers(0, len(sound))] ^= 1 << int(random.integers(0, 8))
        path.write_bytes(broken)
        try:
            store.load(avatar.name)
        except BadInput:
            continue


def test_an_avatar_of_another_version_says_so(store: AvatarStore, avatar: Avatar) -> None:
    path = store.save(avatar)
    with zipfile.ZipFile(path) as archive:
        facts = json.loads(archive.read("avatar.json"))
    _rewritten(path, avatar_json=json.dumps(facts | {"schema": 99}).encode())
    with pytest.raises(BadInput, match="made by another version of Visavis"):
        store.load(avatar.name)


def test_nothing_and_vera_are_the_built_in_avatar_made_once(
    store: AvatarStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = resolve(None, store, 128)
    assert first.name == BUILTIN
    monkeypatch.setattr(store_module, "build_avatar", None)  # it must come from the cache
    _same(resolve("vera", store, 128), first)
    assert store.list() == []


def test_a_picture_is_made_once_and_a_changed_one_again(
    store: AvatarStore, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "my face.png"
    path.write_bytes(portrait.read_bytes())
    first = resolve(str(path), store, 128)
    assert first.name == "my-face"
    built: list[Path] = []

    def build(source: Path, name: str, **_: object) -> Avatar:
        built.append(source)
        return replace(first, name=name)

    monkeypatch.setattr(store_module, "build_avatar", build)
    _same(resolve(str(path), store, 128), first)
    assert built == []
    path.write_bytes(portrait.read_bytes() + b"\0")
    resolve(str(path), store, 128)
    resolve(str(path), store, 256)
    assert built == [path, path]


def test_the_cache_is_bounded_and_forgets_what_was_not_used_longest(
    store: AvatarStore, avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_CACHED", 3)
    monkeypatch.setattr(store_module, "build_avatar", lambda source, name, **_: replace(avatar, name=name))
    cache = tmp_path / "avatars" / ".cache"
    for index in range(5):
        source = tmp_path / f"{index}.png"
        source.write_bytes(bytes([index]))
        store.made_from(source, "face", 128)
        for age, path in enumerate(sorted(cache.iterdir(), key=lambda p: -p.stat().st_mtime)):
            os.utime(path, (1e9 - 10 * age, 1e9 - 10 * age))
    assert len(list(cache.iterdir())) == 3


def test_a_cache_that_cannot_be_written_costs_time_only(portrait: Path, avatar: Avatar, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert resolve(str(portrait), AvatarStore(tmp_path / "file"), 256).digest == avatar.digest


def test_a_stored_name_wins_and_a_file_can_be_given_directly(
    store: AvatarStore, avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = store.save(avatar)
    (tmp_path / avatar.name).write_text("a file of the same name")
    _same(resolve(avatar.name, store, 256), avatar)
    elsewhere = tmp_path / "gift.avatar"
    elsewhere.write_bytes(path.read_bytes())
    assert resolve(str(elsewhere), store, 256).digest == avatar.digest


def test_a_name_that_is_not_there_brings_the_nearest_and_how_to_make_one(store: AvatarStore, avatar: Avatar) -> None:
    store.save(replace(avatar, name="grandma"))
    with pytest.raises(BadInput, match="there is no avatar 'granma': did you mean 'grandma'; make one with: visavis"):
        resolve("granma", store)
    with pytest.raises(BadInput, match="there are: grandma, vera, amos, finn; make one with"):
        resolve("zzz", store)
    with pytest.raises(BadInput, match=r"nobody\.jpg does not exist"):
        resolve("nobody.jpg", store)
