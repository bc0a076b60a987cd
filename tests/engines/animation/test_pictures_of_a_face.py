"""What the rig draws: the plate when nothing moves, what was asked for when something does, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from visavis.avatars.avatar import Avatar
from visavis.avatars.landmarks import FaceMesh
from visavis.avatars.rig import topology
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.renderer import Renderer
from visavis.evaluation.faces import INNER_CORNERS, lip_gap
from visavis.evaluation.pixels import change_outside, seam_excess, static_flicker
from visavis.media.face import ARKIT, Controls, to_curves

SPEAKING = (
    Pose(aperture=0.8, jaw=0.8),
    Pose(aperture=0.4, jaw=0.3, width=0.8),
    Pose(aperture=0.3, jaw=0.2, round=1.0, width=-0.6),
    Pose(jaw=0.2, press=1.0),
    Pose(aperture=0.06, jaw=0.1, tuck=1.0),
    Pose(aperture=0.3, jaw=0.2, tongue=1.0, smile=(1.0, -0.5), aside=0.5),
)


def opening(renderer: Renderer, mesher: FaceMesh, pose: Pose) -> float:
    """The gap between the lips that the mesh sees, in mouth widths at rest."""
    rest = mesher.mesh(renderer.draw(Pose())).landmarks[list(INNER_CORNERS), :2]
    return lip_gap(mesher.mesh(renderer.draw(pose)).landmarks) / float(np.linalg.norm(rest[1] - rest[0]))


def test_a_face_at_rest_is_its_plate_bit_by_bit(avatar: Avatar, renderer: Renderer) -> None:
    assert np.array_equal(renderer.render(np.zeros(len(ARKIT), np.float32)), avatar.plate)


def test_a_motion_too_small_to_see_changes_nothing_to_see(avatar: Avatar, renderer: Renderer) -> None:
    tiny = renderer.draw(Pose(jaw=1e-6, head=(1e-6, 0, 0, 0, 0, 0)))
    assert np.abs(tiny.astype(int) - avatar.plate).max() <= 1


@pytest.mark.parametrize("pose", SPEAKING)
def test_a_speaking_mouth_changes_the_lower_face_only_and_leaves_no_seam(
    avatar: Avatar, renderer: Renderer, pose: Pose
) -> None:
    x0, y0, x1, y1 = renderer.mouth_box
    inside = np.zeros(avatar.plate.shape[:2], bool)
    inside[y0:y1, x0:x1] = True
    drawn = renderer.draw(pose)
    assert change_outside(avatar.plate, drawn, inside) == 0
    assert seam_excess(avatar.plate, drawn, inside) <= 0.05
    assert change_outside(avatar.plate, drawn, np.zeros_like(inside)) > 30


@pytest.mark.parametrize("pose", [Pose(blink=(1.0, 1.0)), Pose(gaze=(1.0, 0.5)), Pose(squint=(1.0, 1.0))])
def test_eyes_move_in_their_sockets(avatar: Avatar, renderer: Renderer, pose: Pose) -> None:
    inside = np.zeros(avatar.plate.shape[:2], bool)
    for upper, lower in zip(topology.UPPER_LIDS, topology.LOWER_LIDS, strict=True):
        points = avatar.landmarks[[*upper, *lower], :2]
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        margin = 0.4 * (x1 - x0)
        inside[int(y0 - margin) : int(y1 + margin), int(x0 - margin) : int(x1 + margin)] = True
    drawn = renderer.draw(pose)
    assert change_outside(avatar.plate, drawn, inside) == 0
    assert change_outside(avatar.plate, drawn, np.zeros_like(inside)) > 20


def test_the_same_pose_is_the_same_picture_whatever_came_before(avatar: Avatar, renderer: Renderer) -> None:
    pose = replace(SPEAKING[0], blink=(0.3, 0.3), head=(0.02, 0.05, 0.01, 0.0, 0.0, 0.0), breath=0.5)
    first = renderer.draw(pose)
    renderer.draw(SPEAKING[2])
    assert static_flicker([first, renderer.draw(pose), Renderer(avatar).draw(pose)]) == 0


def test_a_drawn_picture_belongs_to_the_caller(avatar: Avatar, renderer: Renderer) -> None:
    before = avatar.plate.copy()
    renderer.draw(Pose())[:] = 0
    assert np.array_equal(renderer.draw(Pose()), before)


def test_the_mesh_sees_lips_open_as_far_as_they_were_told(renderer: Renderer, mesher: FaceMesh) -> None:
    told = np.linspace(0.0, 0.9, 10)
    seen = [opening(renderer, mesher, Pose(aperture=float(a), jaw=float(a))) for a in told]
    assert np.corrcoef(told, seen)[0, 1] > 0.96
    assert seen[4] > 0.08


@pytest.mark.parametrize("aperture", [0.3, 0.7])
def test_the_mesh_sees_the_corners_part_and_meet_as_far_as_they_were_told(
    renderer: Renderer, mesher: FaceMesh, aperture: float
) -> None:
    told = [(0.8, 0.0), (0.4, 0.0), (0.0, 0.0), (-0.3, 0.3), (-0.5, 0.7), (-0.7, 1.0)]  # width and round
    seen = []
    for width, rounded in told:
        drawn = renderer.draw(Pose(aperture=aperture, jaw=0.7 * aperture, width=width, round=rounded))
        left, right = mesher.mesh(drawn).landmarks[list(INNER_CORNERS), :2]
        seen.append(float(np.linalg.norm(right - left)))
    assert np.corrcoef([width - rounded for width, rounded in told], seen)[0, 1] > 0.95
    assert seen[-1] < 0.85 * seen[0]


@pytest.mark.parametrize("jaw", [0.0, 0.2, 0.4])
def test_pressed_lips_are_seen_closed(renderer: Renderer, mesher: FaceMesh, jaw: float) -> None:
    assert opening(renderer, mesher, Pose(jaw=jaw, press=0.8)) < 0.04


@pytest.mark.parametrize(
    ("axis", "turn", "point", "towards"),
    [(0, 0.1, 1, (0, 1)), (1, 0.1, 1, (1, 0)), (2, 0.08, 10, (1, 0)), (3, 0.1, 1, (1, 0)), (4, 0.1, 1, (0, 1))],
    ids=["nods down", "turns to the viewer's right", "tilts clockwise", "moves right", "moves down"],
)
def test_the_head_goes_where_it_is_told(
    avatar: Avatar, renderer: Renderer, mesher: FaceMesh, axis: int, turn: float, point: int, towards: tuple[int, int]
) -> None:
    head = np.zeros(6, np.float32)
    head[axis] = turn
    seen = mesher.mesh(renderer.render(np.zeros(len(ARKIT), np.float32), head)).landmarks
    moved = seen[point, :2] - avatar.landmarks[point, :2]
    assert moved @ np.array(towards) > 2.0


def test_curves_reach_the_side_of_the_face_they_name(renderer: Renderer) -> None:
    curves = np.zeros(len(ARKIT), np.float32)
    curves[ARKIT.index("eyeBlinkLeft")] = 1.0
    changed = np.abs(renderer.render(curves).astype(int) - renderer.draw(Pose())).sum(axis=(0, 2))
    middle = len(changed) // 2
    assert changed[middle:].sum() > 20 * changed[:middle].sum()  # the face's left is the viewer's right


def test_curves_open_the_mouth_as_controls_do(renderer: Renderer) -> None:
    controls = Controls.from_matrix(np.array([[0.5, 0.4, 0.1, 0.2, 0.0, 0.0, 0.0]], np.float32))
    drawn = renderer.render(to_curves(controls)[0])
    meant = renderer.draw(Pose(aperture=0.5, jaw=0.4, width=0.1, round=0.2))
    assert np.abs(drawn.astype(int) - meant).max() <= 2


def test_another_size_has_even_sides_and_shows_the_same(avatar: Avatar, renderer: Renderer) -> None:
    small = Renderer(avatar, 300).draw(SPEAKING[0])
    assert small.shape == (300, 300, 3)
    assert abs(float(small.mean()) - float(renderer.draw(SPEAKING[0]).mean())) < 1.0


def test_a_picture_with_transparency_keeps_it(avatar: Avatar) -> None:
    alpha = np.full(avatar.plate.shape[:2], 255, np.uint8)
    alpha[:40] = 0
    drawn = Renderer(replace(avatar, alpha=alpha)).draw(Pose(aperture=0.5, jaw=0.4))
    assert drawn.shape == (*alpha.shape, 4)
    assert np.array_equal(drawn[..., 3], alpha)
