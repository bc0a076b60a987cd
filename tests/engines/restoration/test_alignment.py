"""A face cut out and laid back: where it comes to lie, and what stays as it was."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import visavis.avatars
from visavis.avatars.landmarks import FaceMesh
from visavis.engines.restoration.alignment import SIZE, TEMPLATE, align, paste, similarity

Picture = NDArray[np.uint8]
Portrait = tuple[Picture, NDArray[np.float32]]


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    """The built-in face and its landmarks."""
    path = Path(visavis.avatars.__path__[0]) / "builtin" / "vera.png"
    picture = np.asarray(cv2.imread(str(path)), np.uint8)[..., 2::-1].copy()
    return picture, FaceMesh().mesh(picture).landmarks


def moved(portrait: Portrait, scale: float, angle: float) -> Portrait:
    """The face smaller and turned, on the same canvas."""
    picture, landmarks = portrait
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    points = landmarks[:, :2] - 0.5
    points = points @ matrix[:, :2].T + matrix[:, 2] + 0.5
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), flags=flags), np.uint8), points.astype(
        np.float32
    )


def test_a_similarity_is_found_again() -> None:
    turned = TEMPLATE @ np.array([(0.8, 0.6), (-0.6, 0.8)]) * 1.7 + (40, -9)
    matrix = similarity(turned, TEMPLATE)
    np.testing.assert_allclose(turned @ matrix[:, :2].T + matrix[:, 2], TEMPLATE, atol=1e-9)
    assert np.linalg.det(matrix[:, :2]) == pytest.approx(1.7**-2)


def test_no_face_is_mirrored_however_it_is_seen() -> None:
    assert np.linalg.det(similarity(TEMPLATE * (-1, 1), TEMPLATE)[:, :2]) > 0


@pytest.mark.parametrize(("scale", "angle"), [(1.0, 0.0), (0.5, 25.0), (0.3, -100.0)])
def test_the_cut_shows_every_face_at_the_same_place(portrait: Portrait, scale: float, angle: float) -> None:
    straight = align(*portrait)
    for middle in (TEMPLATE[0], TEMPLATE[1]):
        x, y = middle.astype(int)
        around = straight.crop[y - 8 : y + 9, x - 8 : x + 9].mean()
        assert around < straight.crop[300:310, 150:180].mean(), "eyes are darker than cheeks"
    same = align(*moved(portrait, scale, angle))
    inside = straight.mask > 0.9
    difference = np.abs(cv2.GaussianBlur(same.crop - straight.crop, (0, 0), 4))
    assert difference[inside].mean() < 3


@pytest.mark.parametrize("upscale", [1.0, 2.0])
def test_a_face_that_nobody_restored_changes_nothing(portrait: Portrait, upscale: float) -> None:
    picture, landmarks = portrait
    aligned = align(picture, landmarks)
    again = paste(picture, aligned.crop, aligned, upscale=upscale)
    plain = picture if upscale == 1.0 else cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(again, plain)


@pytest.mark.parametrize(("scale", "angle"), [(1.0, 0.0), (0.5, 25.0), (2.0, 10.0)])
def test_what_was_restored_comes_back_to_where_it_was(portrait: Portrait, scale: float, angle: float) -> None:
    picture, landmarks = moved(portrait, scale, angle)
    target = np.clip(1.2 * picture.astype(np.float32) - 20, 0, 255).astype(np.uint8)
    aligned, wanted = align(picture, landmarks), align(target, landmarks)
    result = paste(picture, wanted.crop, aligned).astype(np.float32)
    back = cv2.invertAffineTransform(aligned.matrix)
    mask = cv2.warpAffine(aligned.mask, back, picture.shape[1::-1])
    inside, outside = mask > 0.999, mask == 0
    assert inside.sum() > 1000
    assert np.abs(result - target)[inside].mean() < 2
    np.testing.assert_array_equal(result[outside], picture[outside])


def test_half_the_weight_goes_half_the_way(portrait: Portrait) -> None:
    picture, landmarks = portrait
    picture = picture // 2
    aligned = align(picture, landmarks)
    full = paste(picture, aligned.crop + 60, aligned).astype(int) - picture
    half = paste(picture, aligned.crop + 60, aligned, weight=0.5).astype(int) - picture
    assert full.max() == 60
    assert np.abs(2 * half - full).max() <= 2


def test_the_seam_is_nowhere_steeper_than_can_be_seen(portrait: Portrait) -> None:
    aligned = align(*portrait)
    assert np.abs(np.diff(aligned.mask, axis=0)).max() < 0.06
    assert np.abs(np.diff(aligned.mask, axis=1)).max() < 0.06
    assert aligned.mask.max() == pytest.approx(1, abs=1e-4)
    edge = np.concatenate([aligned.mask[0], aligned.mask[-1], aligned.mask[:, 0], aligned.mask[:, -1]])
    assert not edge.any()


def test_enlarged_the_face_lies_where_the_enlarged_picture_has_it(portrait: Portrait) -> None:
    picture, landmarks = moved(portrait, 0.5, 5.0)
    spot = np.zeros((SIZE, SIZE, 3), np.float32)
    cv2.circle(spot, (256, 300), 12, (90.0, 90.0, 90.0), -1)
    aligned = align(picture // 2, landmarks)
    centres = []
    for upscale in (1.0, 2.0):
        before = paste(picture // 2, aligned.crop, aligned, upscale=upscale)
        changed = paste(picture // 2, aligned.crop + spot, aligned, upscale=upscale).astype(float) - before
        y, x = np.indices(changed.shape[:2]) + 0.5
        weight = changed.sum(axis=2)
        centres.append(np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum() / upscale)
    np.testing.assert_allclose(centres[0], centres[1], atol=0.05)


def test_a_face_at_the_picture_s_edge_is_restored_as_far_as_it_is_seen(portrait: Portrait) -> None:
    picture, landmarks = portrait
    left = int(landmarks[1, 0])
    part = np.ascontiguousarray(picture[:, left:] // 2)
    aligned = align(part, landmarks - np.array([left, 0, 0], np.float32))
    result = paste(part, aligned.crop + 30, aligned)
    assert result.shape == part.shape
    assert (result[int(landmarks[1, 1]), 2] > part[int(landmarks[1, 1]), 2]).all()
