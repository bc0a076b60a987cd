"""A network's lower face lies on the plate without a seam, keeps its skin sharp, and leaves all else alone."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from visavis.engines.animation.lower_face import Laid
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.renderer import Renderer
from visavis.engines.animation.wav2lip_parts import SIDE

OPEN = Pose(aperture=0.6, jaw=0.6)


def shrunk(renderer: Renderer, picture: np.ndarray) -> np.ndarray:
    """The face of a picture as a network would make it: (3, 96, 96) BGR, 0 … 1."""
    left, top, right, bottom = renderer.lower_face.box
    small = cv2.resize(picture[top:bottom, left:right, :3], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(small[..., ::-1].transpose(2, 0, 1).astype(np.float32) / 255)


def sharpness(picture: np.ndarray, renderer: Renderer) -> float:
    left, top, right, bottom = renderer.mouth_box
    grey = cv2.cvtColor(picture[top:bottom, left:right, :3], cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F)[renderer.lower_face.mask > 0.9].var())


def test_a_face_at_rest_comes_back_as_it_is(renderer: Renderer) -> None:
    plate = renderer.draw(Pose())
    laid = renderer.draw(Pose(), 0.0, Laid(shrunk(renderer, plate), 1.0))
    assert np.abs(laid.astype(int) - plate).max() <= 6
    assert np.abs(laid.astype(int) - plate).mean() < 0.1
    assert sharpness(laid, renderer) > 0.8 * sharpness(plate, renderer)


def test_a_face_of_other_light_is_laid_without_a_seam(renderer: Renderer) -> None:
    plate = renderer.draw(Pose())
    dark = np.clip(shrunk(renderer, plate) * 0.85 + 0.03, 0, 1).astype(np.float32)
    laid = renderer.draw(Pose(), 0.0, Laid(dark, 1.0)).astype(float)
    assert np.abs(laid - plate).mean() < 0.4
    assert np.abs(laid - plate).max() <= 16


def test_an_open_mouth_is_shown_as_the_network_made_it(renderer: Renderer) -> None:
    left, top, right, bottom = renderer.mouth_box
    drawn = renderer.draw(OPEN)
    laid = renderer.draw(Pose(), 0.0, Laid(shrunk(renderer, drawn), 1.0))
    mask = renderer.lower_face.mask > 0.9
    area = (slice(top, bottom), slice(left, right))
    still = renderer.draw(Pose())[area][mask].astype(float)
    wanted, shown = (picture[area][mask].astype(float) for picture in (drawn, laid))
    assert np.abs(shown - wanted).mean() < 0.3 * np.abs(still - wanted).mean()


def test_outside_the_lower_face_nothing_changes(renderer: Renderer) -> None:
    noise = np.random.default_rng(0).random((3, SIDE, SIDE)).astype(np.float32)
    plate, laid = renderer.draw(Pose()), renderer.draw(Pose(), 0.0, Laid(noise, 1.0))
    left, top, right, bottom = renderer.mouth_box
    outside = np.ones(plate.shape[:2], bool)
    outside[top:bottom, left:right] = renderer.lower_face.mask == 0
    assert (laid[outside] == plate[outside]).all()
    assert (laid[~outside] != plate[~outside]).any()


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_the_rigs_mouth_and_the_networks_change_over_in_between(renderer: Renderer, share: float) -> None:
    plate = renderer.draw(Pose())
    mouth = shrunk(renderer, renderer.draw(OPEN))
    laid = renderer.draw(Pose(), 0.0, Laid(mouth, share)).astype(float)
    whole = renderer.draw(Pose(), 0.0, Laid(mouth, 1.0)).astype(float)
    assert np.abs(laid - (plate + share * (whole - plate))).max() <= 1.5


def test_the_rigs_lips_rest_as_far_as_the_networks_are_shown(renderer: Renderer) -> None:
    mouth = shrunk(renderer, renderer.draw(Pose()))
    talking, resting = (renderer.draw(pose, 0.0, Laid(mouth, 1.0)) for pose in (OPEN, Pose()))
    assert (talking == resting).all()


def test_it_smiles_and_turns_with_the_face(renderer: Renderer) -> None:
    mouth = shrunk(renderer, renderer.draw(Pose()))
    for pose in (Pose(smile=(0.8, 0.8)), Pose(head=(0.0, 0.15, 0.03, 0.0, 0.0, 0.0)), replace(OPEN, blink=(1.0, 1.0))):
        drawn, laid = renderer.draw(replace(pose, aperture=0, jaw=0)), renderer.draw(pose, 0.0, Laid(mouth, 1.0))
        assert np.abs(drawn.astype(int) - laid).mean() < 0.25


def test_another_lower_face_can_be_shown_instead(renderer: Renderer) -> None:
    mouth = shrunk(renderer, renderer.draw(Pose()))
    plain = renderer.draw(Pose(), 0.0, Laid(mouth, 1.0)).astype(int)
    composed = renderer.lower_face.compose(mouth)
    brighter = renderer.draw(Pose(), 0.0, Laid(mouth, 1.0, lambda: composed + 20)).astype(int)
    assert (brighter - plain).max() == 20
