"""The seven controls and ARKit's curves say the same, and closures survive sampling."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.engines.articulation.visemes import VISEMES
from visavis.media.face import ARKIT, CLOSED_GAP, INDEX, Controls, from_curves, lip_gap, to_curves
from visavis.media.motion import Motion

TARGETS = np.array([viseme.target for viseme in VISEMES.values()], np.float32)


def test_there_are_arkits_52_curves_and_no_two_share_a_name() -> None:
    assert len(ARKIT) == len(INDEX) == 52


def test_every_viseme_survives_the_way_to_curves_and_back() -> None:
    controls = Controls.from_matrix(TARGETS)
    back = from_curves(to_curves(controls), controls.tongue)
    assert np.allclose(back.to_matrix(), TARGETS, atol=1e-6)


def test_any_blend_of_visemes_survives_it_too() -> None:
    mix = np.random.default_rng(0).dirichlet(np.full(len(TARGETS), 0.3), 500).astype(np.float32) @ TARGETS
    controls = Controls.from_matrix(mix)
    curves = to_curves(controls)
    assert curves.min() >= 0
    assert curves.max() <= 1
    assert np.allclose(from_curves(curves, controls.tongue).to_matrix(), mix, atol=1e-5)


def test_the_lips_meet_where_mouth_close_makes_up_for_the_jaw() -> None:
    curves = np.zeros((2, 52), np.float32)
    curves[:, INDEX["jawOpen"]] = 0.4
    curves[0, INDEX["mouthClose"]] = 0.4
    assert lip_gap(curves) == pytest.approx([0.0, 0.4])


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_a_closure_of_two_rows_is_seen_at_any_picture_rate(fps: int) -> None:
    for row in range(10, 40):
        aperture = np.full(60, 0.5, np.float32)
        aperture[row : row + 2] = 0.0
        rows = np.zeros((60, 7), np.float32)
        rows[:, 0] = aperture
        motion = Motion(to_curves(Controls.from_matrix(rows)), np.zeros((60, 6), np.float32), 50)
        pictures = motion.sample([k / fps for k in range(fps)], 1 / fps)
        assert lip_gap(pictures.curves).min() <= CLOSED_GAP


def test_a_motion_without_rows_is_a_face_at_rest() -> None:
    empty = Motion(np.zeros((0, 52), np.float32), np.zeros((0, 6), np.float32), 50, 1.0, {"breath": np.zeros(0, "f4")})
    shown = empty.sample([1.0, 1.01], 1 / 60)
    assert shown.curves.shape == (2, 52)
    assert not shown.curves.any()
    assert not shown.head.any()
    assert shown.extra["breath"].shape == (2,)
