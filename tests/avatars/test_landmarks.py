"""Faces are found, large and small, and the mesh lies where eyes and lips are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.avatars.conftest import Pixels, shifted
from visavis.avatars.detection import Detection, merge
from visavis.avatars.eyes import EYES, drawn_iris, iris_fits
from visavis.avatars.landmarks import MESH_SCORE, FaceMesh
from visavis.avatars.regions import Region, tiles
from visavis.errors import NoFace


def _centre(landmarks: np.ndarray) -> np.ndarray:
    return np.asarray(landmarks[:, :2].mean(axis=0))


def test_the_mesh_of_a_face_is_upright_and_inside_its_picture(face: Pixels, mesher: FaceMesh) -> None:
    found = mesher.mesh(face)
    forehead, eyes, nose, lips, chin = (
        found.landmarks[i, :2].mean(axis=0) for i in ([10], [33, 263], [1], [13, 14], [152])
    )
    assert found.score >= 0.9
    assert forehead[1] < eyes[1] < nose[1] < lips[1] < chin[1]
    assert found.landmarks[33, 0] < nose[0] < found.landmarks[263, 0]
    assert found.landmarks[:, :2].min() > 0
    assert found.landmarks[:, :2].max() < 512
    assert found.landmarks[1, 2] < found.landmarks[234, 2]  # the nose is nearer than the ear


@pytest.mark.parametrize("height", [40, 64, 100, 150])
@pytest.mark.parametrize("place", [(30, 40), (430, 300), (780, 770)])
def test_a_small_face_is_found_in_a_large_picture(
    face: Pixels, mesher: FaceMesh, height: int, place: tuple[int, int]
) -> None:
    whole = mesher.mesh(face)
    scale = height / whole.height
    blurred = np.asarray(cv2.GaussianBlur(face, (0, 0), 0.4 / scale), np.uint8)
    picture = shifted(blurred, place[0], place[1], 1024, 1024, scale)
    expected = _centre(whole.landmarks) * scale + place
    found = mesher.mesh(picture, mesher.detect(picture)[0])
    assert np.linalg.norm(_centre(found.landmarks) - expected) < 0.1 * height
    assert found.height == pytest.approx(height, rel=0.12)


def test_a_face_that_fills_the_picture_is_found(face: Pixels, mesher: FaceMesh) -> None:
    landmarks = mesher.mesh(face).landmarks
    (left, top), (right, bottom) = landmarks[:, :2].min(axis=0).astype(int), landmarks[:, :2].max(axis=0).astype(int)
    close = np.ascontiguousarray(face[top : bottom + 1, left : right + 1])
    assert mesher.mesh(close).score >= 0.9


def test_several_faces_are_told_apart_and_the_largest_comes_first(face: Pixels, mesher: FaceMesh) -> None:
    picture = np.hstack([shifted(face, 0, 60, 400, 500, 0.7), shifted(face, 0, 0, 500, 500, 0.95)])
    found = mesher.detect(picture)
    assert len(found) == 2
    assert found[0].width > 1.2 * found[1].width
    assert found[0].box[0] > 400 > found[1].box[0]


@pytest.mark.parametrize("kind", ["grey", "noise", "stripes"])
def test_where_there_is_no_face_none_is_found(mesher: FaceMesh, kind: str) -> None:
    random = np.random.default_rng(0)
    picture = {
        "grey": np.full((480, 640, 3), 127, np.uint8),
        "noise": cv2.resize(random.integers(0, 255, (30, 40, 3), np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC),
        "stripes": np.broadcast_to(((np.arange(640) // 20 % 2) * 255).astype(np.uint8)[None, :, None], (480, 640, 3)),
    }[kind]
    assert mesher.detect(np.ascontiguousarray(picture)) == []
    with pytest.raises(NoFace, match="no face is found"):
        mesher.mesh(np.ascontiguousarray(picture))


def test_a_tilted_face_has_the_same_mesh_turned(face: Pixels, mesher: FaceMesh) -> None:
    turn = cv2.getRotationMatrix2D((256, 256), 25, 1.0)
    tilted = np.asarray(cv2.warpAffine(face, turn, (512, 512), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    upright = mesher.mesh(face)
    expected = (upright.landmarks[:, :2] - 0.5) @ turn[:, :2].T + turn[:, 2] + 0.5
    error = np.linalg.norm(mesher.mesh(tilted).landmarks[:, :2] - expected, axis=1).mean()
    assert error < 0.02 * upright.height


def test_a_mirrored_picture_has_the_mirrored_mesh(face: Pixels, mesher: FaceMesh) -> None:
    midline = [10, 151, 9, 8, 168, 6, 197, 195, 5, 4, 1, 2, 164, 0, 13, 14, 17, 200, 152]
    plain = mesher.mesh(face)
    mirrored = mesher.mesh(np.ascontiguousarray(face[:, ::-1]))
    middle = (plain.landmarks[midline, 0] + mirrored.landmarks[midline, 0]).mean() / 2
    assert middle == pytest.approx(256, abs=0.01 * plain.height)


def test_irises_lie_within_their_eyes_and_rims_around_their_centres(face: Pixels, mesher: FaceMesh) -> None:
    landmarks = mesher.mesh(face).landmarks
    irises = mesher.irises(face, landmarks)
    assert irises.shape == (2, 5, 2)
    for iris, (left, right) in zip(irises, ((33, 133), (362, 263)), strict=True):
        centre, to_right, above, to_left, below = iris
        assert landmarks[left, 0] < centre[0] < landmarks[right, 0]
        assert to_left[0] < centre[0] < to_right[0]
        assert above[1] < centre[1] < below[1]
    assert np.linalg.norm(np.diff(irises[:, 1] - irises[:, 3], axis=0)) < 0.1 * np.ptp(landmarks[:, 0])


def test_an_eye_without_an_iris_gets_a_drawn_one_inside_it(face: Pixels, mesher: FaceMesh) -> None:
    landmarks = mesher.mesh(face).landmarks
    for eye in EYES:
        iris = drawn_iris(landmarks, eye)
        assert iris_fits(iris, landmarks, eye)
        assert not iris_fits(iris + 40, landmarks, eye)
        assert not iris_fits((iris - iris[0]) * 3 + iris[0], landmarks, eye)


def test_lids_move_with_the_iris_network_but_corners_and_the_rest_of_the_face_stay(
    face: Pixels, mesher: FaceMesh
) -> None:
    before = mesher.mesh(face).landmarks
    _, after = mesher.eyes(face, before)
    moved = set(np.flatnonzero(np.abs(after - before).max(axis=1) > 0))
    allowed = {i for eye in EYES for rings in (eye.lower, eye.upper) for ring in rings for i in ring}
    assert moved <= allowed
    for upper, lower in ((159, 145), (386, 374)):
        assert after[upper, 1] < after[lower, 1]


def test_a_face_is_followed_and_found_again_after_it_was_away(face: Pixels, mesher: FaceMesh) -> None:
    away = np.full_like(face, 120)
    frames = [shifted(face, 4 * i, 2 * i) for i in range(4)] + [away, away] + [shifted(face, -30, 0)] * 2
    tracked = list(mesher.track(frames))
    assert [one is not None for one in tracked] == [True] * 4 + [False] * 2 + [True] * 2
    first, fourth = tracked[0], tracked[3]
    assert first is not None
    assert fourth is not None
    assert fourth.score >= MESH_SCORE
    np.testing.assert_allclose(_centre(fourth.landmarks) - _centre(first.landmarks), (12, 6), atol=1.5)


@pytest.mark.parametrize("side", [96.0, 300.0, 700.0])
def test_a_region_shows_what_lies_where_it_says(side: float) -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    picture[210:230, 150:170] = 255  # its middle lies at (160, 220)
    region = Region(180.0, 200.0, side, 0.4)
    cut = region.cut(picture, 128, border=0)[..., 0].astype(np.float64)
    y, x = np.mgrid[:128, :128] + 0.5
    seen = np.array([[(x * cut).sum(), (y * cut).sum()]], np.float32) / np.float32(cut.sum())
    np.testing.assert_allclose(region.to_picture(seen, 128), [[160, 220]], atol=0.02 * side / 10)


def test_tiles_cover_a_picture_of_any_shape() -> None:
    for width, height in ((1024, 1024), (1920, 300), (300, 1920)):
        covered = np.zeros((height, width), bool)
        for tile in tiles(width, height, max(width, height) / 4):
            half = tile.side / 2
            covered[
                max(0, round(tile.y - half)) : round(tile.y + half), max(0, round(tile.x - half)) : round(tile.x + half)
            ] = True
        assert covered.all()


def test_a_face_seen_in_several_views_is_one_face() -> None:
    def one(left: float, right: float, score: float) -> Detection:
        return Detection(np.array((left, 0, right, 100), np.float32), score, np.zeros((6, 2), np.float32))

    merged = merge([one(0, 100, 0.9), one(6, 106, 0.6), one(60, 100, 0.5), one(300, 500, 0.7)])
    assert [round(found.score, 1) for found in merged] == [0.7, 0.9]
    assert 0 < merged[1].box[0] < 60


def test_a_steady_mesh_depends_less_on_where_it_is_looked_for(face: Pixels, mesher: FaceMesh) -> None:
    start = mesher.mesh(face).landmarks
    random = np.random.default_rng(0)
    rough = [start + np.append(random.normal(0, 5, 2), 0).astype(np.float32) for _ in range(6)]
    plain = np.stack([mesher.mesh(face, previous=one).landmarks for one in rough])
    steady = np.stack([mesher.steady_mesh(face, one).landmarks for one in rough])
    assert steady.std(axis=0).mean() < 0.8 * plain.std(axis=0).mean()
    np.testing.assert_allclose(steady.mean(axis=0)[:, :2], start[:, :2], atol=6)
