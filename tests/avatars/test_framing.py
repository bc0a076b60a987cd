"""The frame holds head and shoulders, and stays within the picture where it can."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from visavis.avatars.framing import FACE_SHARE, Square, frame_faces, unbordered


def _mesh(x: float, y: float, height: float) -> np.ndarray:
    """A round face as (1, 468, 3): forehead at 10, chin at 152, the rest between them."""
    mesh = np.zeros((1, 468, 3), np.float32)
    mesh[0, :, :2] = x, y
    mesh[0, 10, 1], mesh[0, 152, 1] = y - height / 2, y + height / 2
    mesh[0, 234, 0], mesh[0, 454, 0] = x - 0.4 * height, x + 0.4 * height
    return mesh


def test_a_face_with_room_around_it_has_its_share_of_the_frame() -> None:
    square = frame_faces(_mesh(600, 500, 200), 1200, 1000)
    assert square.side == round(200 / FACE_SHARE)
    assert square.left + square.side / 2 == pytest.approx(600, abs=1)


@pytest.mark.parametrize(("x", "y"), [(110, 120), (890, 120), (110, 880), (890, 880)])
def test_near_a_corner_the_frame_is_moved_into_the_picture(x: float, y: float) -> None:
    square = frame_faces(_mesh(x, y, 200), 1000, 1000)
    assert square.side == round(200 / FACE_SHARE)
    assert square.left >= 0
    assert square.top >= 0
    assert square.left + square.side <= 1000
    assert square.top + square.side <= 1000


def test_in_a_tight_picture_the_frame_is_all_there_is() -> None:
    assert frame_faces(_mesh(150, 150, 240), 300, 320).side == 300


def test_only_a_face_larger_than_the_picture_makes_the_frame_reach_over_the_border() -> None:
    square = frame_faces(_mesh(100, 150, 240), 200, 300)
    assert square.side > 200
    assert square.left < 0 < square.left + square.side - 200
    assert square.top >= 0
    picture = np.random.default_rng(0).integers(0, 255, (300, 200, 3), np.uint8)
    assert square.cut(picture, 128).shape == (128, 128, 3)


def test_the_frame_of_a_moving_face_holds_all_its_places() -> None:
    meshes = np.concatenate([_mesh(400, 500, 200), _mesh(700, 500, 200)])
    square = frame_faces(meshes, 1920, 1080)
    assert square.left <= 400 - 80
    assert square.left + square.side >= 700 + 80


@pytest.mark.parametrize("side", [40, 64, 200])
def test_points_and_pixels_go_the_same_way_into_the_frame(side: int) -> None:
    picture = np.zeros((256, 256, 3), np.uint8)
    picture[104:112, 120:128] = 255  # its middle lies at (124, 108)
    square = Square(110, 90, side) if side < 200 else Square(30, 20, side)
    cut = square.cut(picture, 64)[..., 0].astype(np.float64)
    y, x = np.mgrid[:64, :64] + 0.5
    seen = (x * cut).sum() / cut.sum(), (y * cut).sum() / cut.sum()
    np.testing.assert_allclose(square.to_frame(np.array([[124, 108, 0]], np.float32), 64)[0, :2], seen, atol=0.1)


def _scene() -> np.ndarray:
    """A picture of soft shapes, (300, 400, 3)."""
    noise = np.random.default_rng(5).normal(size=(300, 400, 3))
    soft = cv2.GaussianBlur(noise, (0, 0), 9)
    return np.asarray(np.clip(110 + 60 * soft / soft.std(), 0, 255), np.uint8)


def test_a_thin_frame_of_another_colour_is_cut_off() -> None:
    framed = _scene()
    framed[:3] = framed[:, 398:] = (255, 255, 255)
    rows, columns = unbordered(framed)
    assert (rows.start, rows.stop) == (3, 300)
    assert (columns.start, columns.stop) == (0, 398)


def test_a_frame_that_fades_into_the_picture_is_cut_off_with_its_fade() -> None:
    framed = _scene()
    framed[:, :2] = 255
    framed[:, 2] = framed[:, 2] // 2 + 127
    rows, columns = unbordered(framed)
    assert columns.start == 3
    assert (rows.start, rows.stop) == (0, 300)


@pytest.mark.parametrize("rough", [0, 40])
def test_of_a_picture_without_a_frame_nothing_is_cut_off(rough: int) -> None:
    noise = np.random.default_rng(6).integers(-rough, rough + 1, (300, 400, 3))
    picture = np.clip(_scene().astype(int) + noise, 0, 255).astype(np.uint8)
    assert unbordered(picture) == (slice(0, 300), slice(0, 400))
