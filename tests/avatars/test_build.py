"""A picture becomes an avatar, or one clear line says why not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.avatars.conftest import Pixels, shifted
from visavis import avatars
from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar, source_digest
from visavis.errors import BadInput, NoFace


def _save(path: Path, pixels: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), pixels[..., ::-1])
    return path


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_picture_that_is_not_upright_is_refused(tmp_path: Path, quarters: int) -> None:
    vera = cv2.imread(str(Path(avatars.__file__).parent / "builtin" / "vera.png"))
    assert vera is not None
    cv2.imwrite(str(tmp_path / "turned.png"), np.rot90(vera, quarters))
    with pytest.raises(NoFace, match="not upright"):
        build_avatar(tmp_path / "turned.png", "turned")


def test_an_avatar_has_all_that_its_renderer_needs(avatar: Avatar) -> None:
    assert (avatar.name, avatar.kind, avatar.voice, avatar.note) == ("vera-again", "picture", "slt", "made for tests")
    assert avatar.plate.shape == (256, 256, 3)
    assert avatar.landmarks.shape == (468, 3)
    assert avatar.irises.shape == (2, 5, 2)
    assert avatar.rig
    assert avatar.frames == ()
    assert avatar.tracks.shape == (0, 468, 3)
    height = np.linalg.norm(avatar.landmarks[10, :2] - avatar.landmarks[152, :2])
    assert 0.4 < height / 256 < 0.6


def test_the_same_source_gives_the_same_avatar(portrait: Path, avatar: Avatar, tmp_path: Path) -> None:
    copy = tmp_path / "copy.bin"
    copy.write_bytes(portrait.read_bytes())
    again = build_avatar(copy, "other-name", size=256)
    assert again.digest == avatar.digest == source_digest(portrait, 256)
    np.testing.assert_array_equal(again.plate, avatar.plate)
    assert source_digest(portrait, 512) != avatar.digest


def test_of_several_faces_the_largest_is_used_and_said_so(face: Pixels, tmp_path: Path) -> None:
    picture = np.hstack([shifted(face, 0, 60, 400, 500, 0.7), shifted(face, 0, 0, 500, 500, 0.95)])
    said: list[str] = []
    made = build_avatar(
        _save(tmp_path / "two.png", picture), "two", size=256, note="mine", progress=lambda _, s: said.append(s)
    )
    assert "2 faces found: using the largest" in said
    assert made.note == "mine; 2 faces found: using the largest"
    height = np.linalg.norm(made.landmarks[10, :2] - made.landmarks[152, :2])
    assert height / 256 > 0.4


def test_progress_goes_from_nothing_to_all(portrait: Path) -> None:
    steps: list[float] = []
    build_avatar(portrait, "vera", size=128, progress=lambda done, _: steps.append(done))
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (0.0, 1.0)


def test_a_picture_without_a_face_is_refused_with_advice(tmp_path: Path) -> None:
    grey = _save(tmp_path / "grey.png", np.full((400, 400, 3), 127, np.uint8))
    with pytest.raises(NoFace, match=r"no face is found in .*grey\.png: use one that shows a face upright"):
        build_avatar(grey, "nobody")


def test_a_face_under_64_pixels_is_refused_with_its_size(face: Pixels, tmp_path: Path) -> None:
    soft = np.asarray(cv2.GaussianBlur(face, (0, 0), 2.5), np.uint8)
    small = _save(tmp_path / "small.png", shifted(soft, 200, 250, 640, 480, 0.2))
    with pytest.raises(NoFace, match=r"is only \d\d pixels high: use a picture in which it has at least 64"):
        build_avatar(small, "small")


@pytest.mark.parametrize("size", [0, 100, 257])
def test_an_impossible_size_is_refused(portrait: Path, size: int) -> None:
    with pytest.raises(BadInput, match="even and at least 128"):
        build_avatar(portrait, "vera", size=size)


def test_text_is_neither_a_picture_nor_a_video(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("#EXTM3U\nhttp://127.0.0.1:9/video.mp4\n" * 20)
    with pytest.raises(BadInput, match=r"neither a picture nor a video \(it looks like text\)"):
        build_avatar(text, "text")


def test_a_cut_out_face_keeps_its_opacity(face: Pixels, tmp_path: Path) -> None:
    alpha = np.zeros(face.shape[:2], np.uint8)
    cv2.ellipse(alpha, (256, 256), (180, 250), 0, 0, 360, 255, -1)
    path = tmp_path / "cut-out.png"
    assert cv2.imwrite(str(path), np.dstack([face[..., ::-1], alpha]))
    made = build_avatar(path, "cut-out", size=256)
    assert made.alpha is not None
    assert made.alpha.shape == (256, 256)
    assert made.alpha[128, 128] == 255
    assert made.alpha[0, 0] == 0
