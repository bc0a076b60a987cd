"""The avatars that come with the program are good faces: whole, small, at rest, and each with a voice."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.paint_avatar import write
from visavis.avatars.builtins import BUILTINS
from visavis.avatars.landmarks import FaceMesh
from visavis.avatars.likeness import faces_in
from visavis.avatars.pictures import load_picture
from visavis.avatars.store import AvatarStore, resolve
from visavis.engines.tts.flite_library import VOICES

NAMES = pytest.mark.parametrize("name", BUILTINS)


@NAMES
def test_its_picture_is_small_and_of_one_size(name: str) -> None:
    path = BUILTINS[name].picture
    assert load_picture(path).pixels.shape == (768, 768, 3)
    assert path.stat().st_size < 900_000


@NAMES
def test_the_only_face_in_it_is_certain_upright_and_has_its_lips_closed(name: str, mesher: FaceMesh) -> None:
    (face,) = faces_in(load_picture(BUILTINS[name].picture).pixels, mesher)
    points = face.landmarks
    assert face.score > 0.9
    left, right = points[33, :2], points[263, :2]
    assert abs(left[1] - right[1]) < 0.01 * (right[0] - left[0])
    assert points[14, 1] - points[13, 1] < 0.02 * (right[0] - left[0])


def test_one_of_them_stands_on_a_transparent_ground() -> None:
    alphas = {name: load_picture(one.picture).alpha for name, one in BUILTINS.items()}
    (name,) = (name for name, alpha in alphas.items() if alpha is not None)
    alpha = alphas[name]
    assert alpha is not None
    assert (alpha[:8, :8].max(), alpha[384, 384]) == (0, 255)


@NAMES
def test_it_is_found_by_name_in_any_capitals_and_has_a_voice_of_its_own(name: str, tmp_path: Path) -> None:
    made = resolve(name.upper(), AvatarStore(tmp_path), 128)
    assert (made.name, made.voice) == (name, BUILTINS[name].voice)
    assert made.voice in VOICES


@pytest.mark.slow
@NAMES
def test_it_is_what_the_tool_paints(name: str, tmp_path: Path) -> None:
    write(name, tmp_path / "small.png", size=192, scale=1)
    painted = load_picture(tmp_path / "small.png").pixels
    shipped = cv2.resize(load_picture(BUILTINS[name].picture).pixels, (192, 192), interpolation=cv2.INTER_AREA)
    assert np.abs(painted.astype(int) - shipped).mean() < 5
