"""The person told from the background."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.avatars.rig import build_rig
from visavis.avatars.rig.cutout import find_person, measure_cutout
from visavis.engines.animation.cutout import Cutout
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.renderer import Renderer
from visavis.engines.animation.warp import over

PORTRAITS = ("office_man.jpg", "painting_woman.png", "photo_woman.png", "suit_man.jpg")


def _points(avatar: Avatar) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(avatar.landmarks[:, :2] - 0.5, np.float32)


def test_face_and_hair_are_the_persons_and_the_corners_are_not(avatar: Avatar) -> None:
    matte = find_person(avatar.plate, _points(avatar))
    assert matte is not None
    height, width = matte.shape
    assert matte[: height // 2, : width // 10].max() == 0
    assert matte[: height // 2, -width // 10 :].max() == 0
    inside = matte[tuple(np.rint(_points(avatar)).astype(int).T[::-1])]
    assert (inside == 255).mean() > 0.98


def test_the_layers_laid_over_one_another_are_the_plate(avatar: Avatar) -> None:
    assert Cutout.known(avatar.rig)
    laid = over(avatar.rig["cutout.person"], avatar.rig["cutout.behind"])
    assert np.abs(laid.astype(int) - avatar.plate).max() <= 2


def test_a_head_whose_hair_looks_like_the_background_is_left_in_one_layer(avatar: Avatar) -> None:
    points = _points(avatar)
    face = np.zeros(avatar.plate.shape[:2], np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    hidden = np.where(face[..., None] > 0, avatar.plate, np.array([70, 80, 85], np.uint8))
    assert find_person(hidden.astype(np.uint8), points) is None
    rig = build_rig(avatar.plate, avatar.landmarks, avatar.irises)
    assert not Cutout.known(rig)


@pytest.mark.parametrize("head", [(0.0, 0.35, 0.0), (0.0, -0.35, 0.0), (0.2, 0.0, 0.0), (0.0, 0.0, 0.1)])
def test_the_background_stands_still_while_the_head_turns(avatar: Avatar, head: tuple[float, float, float]) -> None:
    renderer = Renderer(avatar)
    still, turned = renderer.draw(Pose()), renderer.draw(Pose(head=(*head, 0.0, 0.0, 0.0)))
    matte = avatar.rig["cutout.person"][..., 3]
    away = cv2.dilate(matte, np.ones((45, 45), np.uint8)) == 0  # a plate of 256 pixels
    assert away.mean() > 0.1
    assert np.array_equal(still[away], turned[away])
    assert (still != turned)[matte == 255].mean() > 0.3


def test_what_moves_with_the_head_is_no_wider_than_its_outline(avatar: Avatar) -> None:
    plate, person = avatar.plate, avatar.rig["cutout.person"]
    layers = measure_cutout(plate, person[..., 3])
    assert layers["cutout.person"].shape == (*plate.shape[:2], 4)
    assert (layers["cutout.person"][..., :3] <= layers["cutout.person"][..., 3:]).all(), "multiplied by its opacity"


@pytest.mark.reference
@pytest.mark.parametrize("name", PORTRAITS)
def test_people_in_pictures_are_found_and_their_background_stands_still(reference: Path, name: str) -> None:
    avatar = build_avatar(reference / "portraits" / name, "person")
    assert Cutout.known(avatar.rig)
    renderer = Renderer(avatar)
    still, turned = (renderer.draw(Pose(head=(0.0, yaw, 0.0, 0.0, 0.0, 0.0))) for yaw in (0.001, 0.06))
    away = cv2.dilate(avatar.rig["cutout.person"][..., 3], np.ones((31, 31), np.uint8)) == 0
    error = (still[away].astype(float) - turned[away]) ** 2
    assert 10 * np.log10(255**2 / max(float(error.mean()), 1e-9)) >= 45


@pytest.mark.reference
def test_hair_as_brown_as_the_wall_is_told_from_it_by_being_in_focus(reference: Path) -> None:
    avatar = build_avatar(reference / "portraits" / "photo_woman.png", "woman")
    matte, left = avatar.rig["cutout.person"][..., 3], avatar.landmarks[234, 0]  # where her cheek ends
    eyes, mouth = (int(avatar.landmarks[i, 1]) for i in (168, 13))
    hair, wall = (
        matte[eyes:mouth, int(left - a * len(matte)) : int(left - b * len(matte))]
        for a, b in ((0.06, 0.01), (0.25, 0.20))
    )
    assert (hair > 200).mean() > 0.95
    assert (wall < 20).mean() > 0.95


def test_a_single_lock_at_the_top_of_the_picture_is_not_drawn_out_when_the_head_nods() -> None:
    plate = np.full((256, 256, 3), (180, 190, 200), np.uint8)
    matte = np.zeros((256, 256), np.uint8)
    matte[60:, 70:190] = matte[:60, 120:126] = 255
    plate[matte > 0] = (60, 40, 30)
    layers = measure_cutout(plate, matte)
    assert layers["cutout.person"][0, :, 3].max() == 0
    assert layers["cutout.person"][40, 122, 3] == 255
    assert np.abs(over(layers["cutout.person"], layers["cutout.behind"]).astype(int) - plate).max() <= 2


def test_a_head_that_the_picture_cuts_off_stays_whole_at_its_top() -> None:
    plate = np.full((256, 256, 3), (180, 190, 200), np.uint8)
    matte = np.zeros((256, 256), np.uint8)
    matte[:, 70:190] = 255
    plate[matte > 0] = (60, 40, 30)
    assert measure_cutout(plate, matte)["cutout.person"][0, 75:185, 3].min() == 255


def test_the_outline_of_a_jaw_goes_where_the_mouth_takes_it() -> None:
    plate = np.full((64, 64, 3), (180, 190, 200), np.uint8)
    matte = np.zeros((64, 64), np.uint8)
    matte[:, 20:] = 255
    plate[matte > 0] = (60, 40, 30)
    cutout = Cutout(measure_cutout(plate, matte), (10, 10, 50, 50))
    box = slice(10, 50), slice(10, 50)
    assert np.array_equal(cutout.person(plate, lambda person: person[box].copy()), cutout.person(plate))
    moved = cutout.person(plate, lambda person: person[10:50, 13:53].copy())
    assert (moved[10:50, 17:20, 3] == 255).all()
    assert (moved[10:50, 10:14, 3] < 8).all()
    assert (moved[:10, 17:20, 3] < 8).all()
