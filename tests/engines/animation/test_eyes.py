"""The eyes: a shut one shows skin and nothing else, an open one looks where it is told with a round iris."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.avatars.rig.eye_frame import EyeFrame, Opening
from visavis.avatars.rig.eyeballs import find_iris
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.renderer import Renderer

EYES = (0, 1)


def opening(avatar: Avatar, eye: int) -> Opening:
    left, right = (float(end) for end in avatar.rig["eyes.ends"][eye])
    return Opening((left, right), *avatar.rig["eyes.lids"][eye])


def iris(avatar: Avatar, picture: NDArray[np.uint8], eye: int, right: float = 0.0) -> tuple[float, float, float]:
    """Centre and radius of the iris in a picture, looked for `right` of where the plate's is, in eye lengths."""
    u, v, radius = (float(x) for x in avatar.rig["eyes.iris"][eye])
    return find_iris(picture, EyeFrame.from_arrays(avatar.rig, eye), opening(avatar, eye), (u + right, v, radius))


def whites(avatar: Avatar, picture: NDArray[np.uint8], eye: int) -> int:
    """How many pixels around the eye have no colour, as eyeballs have none and skin has."""
    area = EyeFrame.from_arrays(avatar.rig, eye).area(picture.shape)
    colours = picture[area].astype(int)
    grey = np.ptp(colours, axis=-1) < 0.12 * colours.max(axis=-1)
    return int((grey & (colours.max(axis=-1) > 110)).sum())


def test_a_blink_covers_more_and_more_of_the_eye_and_all_of_its_white_in_the_end(
    avatar: Avatar, renderer: Renderer
) -> None:
    for eye in EYES:
        left = [whites(avatar, renderer.draw(Pose(blink=(b, b))), eye) for b in (0.0, 0.3, 0.6, 1.0)]
        assert left == sorted(left, reverse=True)
        assert left[0] > 100
        assert left[-1] < 0.02 * left[0]


@pytest.mark.reference
def test_no_crescent_of_white_stays_in_the_corners_of_large_eyes(reference: Path) -> None:
    avatar = build_avatar(reference / "portraits" / "office_man.jpg", "face")
    shut = Renderer(avatar).draw(Pose(blink=(1.0, 1.0)))
    for eye in EYES:
        assert whites(avatar, shut, eye) < 0.05 * whites(avatar, avatar.plate, eye)


def test_a_shut_eye_has_the_grain_and_the_brightness_of_the_skin_around_it(avatar: Avatar) -> None:
    for eye in EYES:
        closed = avatar.rig[f"eyes.closed.{eye}"].astype(float)
        picture = avatar.plate[EyeFrame.from_arrays(avatar.rig, eye).area(avatar.plate.shape)]
        lid, skin = closed[..., 3] > 250, closed[..., 3] < 5
        assert abs(closed[lid][:, :3].mean() - picture[skin].mean()) < 0.12 * picture[skin].mean()
        assert np.abs(np.diff(closed[..., :3], axis=0))[1:][lid[2:]].mean() > 0.2


@pytest.mark.parametrize("look", [-1.0, 1.0])
def test_a_gaze_moves_the_iris_and_leaves_it_as_large(avatar: Avatar, renderer: Renderer, look: float) -> None:
    drawn = renderer.draw(Pose(gaze=(look, 0.0)))
    for eye in EYES:
        before, after = iris(avatar, avatar.plate, eye), iris(avatar, drawn, eye, 0.1 * look)
        assert after[0] - before[0] == pytest.approx(0.11 * look, abs=0.03)
        assert after[2] == pytest.approx(before[2], abs=0.02)


def test_wide_eyes_lift_the_lid_and_leave_the_iris(avatar: Avatar, renderer: Renderer) -> None:
    drawn = renderer.draw(Pose(wide=(1.0, 1.0)))
    for eye in EYES:
        assert iris(avatar, drawn, eye) == pytest.approx(iris(avatar, avatar.plate, eye), abs=0.03)
        frame, lids = EyeFrame.from_arrays(avatar.rig, eye), opening(avatar, eye)
        uv = frame.to_local(frame.pixels(frame.area(drawn.shape)))
        upper, _ = lids.heights(uv[..., 0])
        lifted = (uv[..., 1] < upper) & (uv[..., 1] > upper - 0.04) & (np.abs(uv[..., 0] - 0.5) < 0.15)
        area = frame.area(drawn.shape)
        assert drawn[area][lifted].mean() > avatar.plate[area][lifted].mean() + 5  # eye instead of lashes


def test_a_squint_raises_the_lower_lid_s_own_skin(avatar: Avatar, renderer: Renderer) -> None:
    drawn = renderer.draw(Pose(squint=(1.0, 1.0)))
    for eye in EYES:
        frame = EyeFrame.from_arrays(avatar.rig, eye)
        area = frame.area(drawn.shape)
        uv = frame.to_local(frame.pixels(area))
        _, lower = opening(avatar, eye).heights(uv[..., 0])
        below = (uv[..., 1] > lower) & (uv[..., 1] < lower + 0.1) & (np.abs(uv[..., 0] - 0.5) < 0.3)
        skin = avatar.plate[area][below].mean(axis=0)
        assert np.abs(drawn[area][below].mean(axis=0) - skin).max() < 12


def test_an_eye_at_rest_is_the_picture_s_own_and_hardly_moved_is_hardly_changed(
    avatar: Avatar, renderer: Renderer
) -> None:
    for tiny in (Pose(gaze=(1e-4, 0.0)), Pose(wide=(1e-4, 1e-4)), Pose(squint=(1e-4, 1e-4)), Pose(blink=(1e-4, 1e-4))):
        assert np.abs(renderer.draw(tiny).astype(int) - avatar.plate).max() <= 2
