"""Measures of raw pictures: a perfect one has no change, no seam and no flicker, and each fault is told."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.evaluation.pixels import change_outside, seam_excess, static_flicker
from visavis.evaluation.stability import jitter


@pytest.fixture
def plate() -> NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 4), np.uint8)


@pytest.fixture
def mouth() -> NDArray[np.bool_]:
    mask = np.zeros((128, 128), bool)
    mask[64:104, 32:96] = True
    return mask


def test_a_change_inside_the_mouth_is_no_change_outside(plate: NDArray[np.uint8], mouth: NDArray[np.bool_]) -> None:
    frame = plate.copy()
    frame[mouth] = 0
    assert change_outside(plate, frame, mouth) == 0
    frame[10, 10, 2] ^= 4
    assert change_outside(plate, frame, mouth) == 4


def test_a_warp_that_fades_out_leaves_no_seam_and_one_that_is_cut_off_does(
    plate: NDArray[np.uint8], mouth: NDArray[np.bool_]
) -> None:
    inside = cv2.GaussianBlur(mouth.astype(np.float32), (0, 0), 4) * cv2.erode(mouth.astype(np.uint8), np.ones((9, 9)))
    x, y = np.meshgrid(np.arange(128, dtype=np.float32), np.arange(128, dtype=np.float32))
    faded = np.asarray(cv2.remap(plate, x, y + 3 * inside, cv2.INTER_LINEAR), np.uint8)
    cut = np.asarray(cv2.remap(plate, x, y + 3 * mouth.astype(np.float32), cv2.INTER_LINEAR), np.uint8)
    assert seam_excess(plate, plate, mouth) == 0
    assert seam_excess(plate, faded, mouth) < 0.1
    assert seam_excess(plate, cut, mouth) > 0.5


def test_a_step_of_one_grey_level_is_a_seam_of_one(plate: NDArray[np.uint8], mouth: NDArray[np.bool_]) -> None:
    stepped = plate // 2
    stepped[mouth] += 1
    assert seam_excess(plate // 2, stepped, mouth) == pytest.approx(1.0)


def test_flicker_is_the_largest_change_of_a_still_face(plate: NDArray[np.uint8]) -> None:
    other = plate.copy()
    other[3, 4, 1] ^= 2
    assert static_flicker([plate]) == 0
    assert static_flicker([plate, plate.copy(), other]) == 2


def test_steady_motion_has_no_jitter_and_trembling_has() -> None:
    time = np.arange(50, dtype=np.float32)[:, None, None]
    steady = np.concatenate([0.01 * time, 0.02 * time], axis=2).repeat(4, axis=1)
    assert jitter(steady) == pytest.approx(0, abs=1e-3)
    trembling = steady.copy()
    trembling[::2, :, 0] += 0.001
    assert jitter(trembling) == pytest.approx(2.0, rel=0.01)
    assert jitter(steady[:2]) is None
