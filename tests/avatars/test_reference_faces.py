"""On photographs, paintings and renderings that nobody here made, the mesh lies on the face."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis.avatars.build import build_avatar
from visavis.avatars.landmarks import FaceMesh
from visavis.avatars.pictures import load_picture
from visavis.errors import NoFace

pytestmark = pytest.mark.reference

# read off by a person, in pixels: middle of the irises on the viewer's left and right, middle of the lips' opening
PLACES = {
    "office_man.jpg": ((613, 281), (703, 280), (658, 372)),
    "painted_robot.jpg": ((306, 448), (582, 451), (432, 708)),
    "painting_moustache.png": ((210, 217), (306, 207), (269, 319)),
    "painting_woman.png": ((202, 212), (291, 204), (257, 299)),
    "photo_woman.png": ((743, 214), (847, 206), (807, 324)),
    "suit_man.jpg": ((454, 218), (542, 210), (509, 308)),
}


@pytest.mark.parametrize("name", PLACES)
def test_eyes_and_lips_are_where_a_person_sees_them(reference: Path, mesher: FaceMesh, name: str) -> None:
    pixels = load_picture(reference / "portraits" / name).pixels
    face = mesher.mesh(pixels)
    assert face.score >= 0.9
    irises, landmarks = mesher.eyes(pixels, face.landmarks)
    lips = landmarks[[13, 14], :2].mean(axis=0)
    for seen, found in zip(PLACES[name], (irises[0, 0], irises[1, 0], lips), strict=True):
        assert np.linalg.norm(found - seen) < 0.04 * face.height, (seen, found)


@pytest.mark.parametrize("name", PLACES)
def test_every_portrait_becomes_an_avatar(reference: Path, name: str) -> None:
    made = build_avatar(reference / "portraits" / name, "portrait")
    assert made.plate.shape == (512, 512, 3)
    assert made.landmarks[:, :2].min() > 0
    assert made.landmarks[:, :2].max() < 512
    assert made.note == ""


def test_a_landscape_has_no_face(reference: Path) -> None:
    with pytest.raises(NoFace):
        build_avatar(reference / "portraits" / "no_face.jpg", "nobody")


@pytest.mark.slow
def test_a_video_of_a_woman_keeps_its_motion(reference: Path) -> None:
    made = build_avatar(reference / "video" / "woman.mp4", "woman")
    assert made.kind == "video"
    assert len(made.frames) == len(made.tracks) == 235  # 9.4 s
    assert made.note == ""
    width = np.linalg.norm(made.landmarks[308, :2] - made.landmarks[78, :2])
    gap = np.linalg.norm(made.landmarks[14, :2] - made.landmarks[13, :2])
    assert gap < 0.06 * width
    jitter = np.abs(np.diff(made.tracks[:, 4, :2], n=2, axis=0)).mean()
    assert jitter < 0.5  # pixels
