"""What a speaking mouth shows and does to the skin around it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import visavis.avatars
from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.avatars.rig import topology
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.renderer import Renderer


@pytest.fixture
def smooth(avatar: Avatar, monkeypatch: pytest.MonkeyPatch) -> Renderer:
    """A renderer whose skin has no relief."""
    renderer = Renderer(avatar)
    monkeypatch.setattr(renderer, "_wrinkles", Unwrinkled())
    return renderer


class Unwrinkled:
    def draw(self, *_: object) -> None:
        """Nothing."""


def shading(renderer: Renderer, smooth: Renderer, pose: Pose) -> NDArray[np.float64]:
    """(h, w) grey levels that the skin's relief adds."""
    return np.asarray((renderer.draw(pose)[..., :3].astype(float) - smooth.draw(pose)[..., :3]).mean(axis=2))


def test_a_smile_deepens_the_fold_on_its_own_side(avatar: Avatar, renderer: Renderer, smooth: Renderer) -> None:
    added = shading(renderer, smooth, Pose(smile=(1.0, 0.0)))
    middle = int(avatar.landmarks[topology.SUBNASALE, 0])
    assert added[:, :middle].min() < -5
    assert np.abs(added[:, middle + 10 :]).max() < 1


@pytest.mark.parametrize("pose", [Pose(press=1.0), Pose(aperture=0.3, jaw=0.2, round=1.0)])
def test_lips_that_press_or_round_draw_the_chin_up(
    avatar: Avatar, renderer: Renderer, smooth: Renderer, pose: Pose
) -> None:
    added = shading(renderer, smooth, pose)
    lip, chin = avatar.landmarks[17, 1], avatar.landmarks[topology.CHIN, 1]
    x = int(avatar.landmarks[17, 0])
    between = added[int(lip) : int(chin), x - 5 : x + 5]
    assert between.min() < -3


@pytest.mark.parametrize("pose", [Pose(smile=(1.0, 1.0), width=1.0), Pose(press=1.0), Pose(aperture=1.0, jaw=1.0)])
def test_skin_is_shaded_by_a_few_per_cent_without_a_line(renderer: Renderer, smooth: Renderer, pose: Pose) -> None:
    skin = smooth.draw(pose)[..., :3].mean(axis=2)
    share = np.where(skin > 60, shading(renderer, smooth, pose) / np.maximum(skin, 1), 0.0)
    assert np.abs(share).max() < 0.16
    steps = np.abs(np.diff(share, axis=0)).max(), np.abs(np.diff(share, axis=1)).max()
    assert max(steps) < 0.04  # from pixel to pixel, rounding included


def test_a_face_drawn_flat_is_shaded_less_than_a_modelled_one(renderer: Renderer, avatar: Avatar) -> None:
    drawn = build_avatar(Path(visavis.avatars.__path__[0]) / "builtin" / "finn.png", "finn")
    flat = Renderer(drawn)
    deepest = [np.abs(r._wrinkles._maps).max() for r in (flat, renderer)]
    assert deepest[0] < 0.6 * deepest[1]


def test_behind_lips_that_part_without_the_jaw_the_teeth_nearly_meet(avatar: Avatar, renderer: Renderer) -> None:
    x, top, bottom = int(avatar.landmarks[14, 0]), int(avatar.landmarks[0, 1]), int(avatar.landmarks[17, 1]) + 20

    def dark(pose: Pose) -> int:
        """Rows along the midline that show neither lips nor teeth."""
        midline = renderer.draw(pose)[top:bottom, x - 2 : x + 3, :3].mean(axis=(1, 2))
        return int((midline < 70).sum())

    apart, close = dark(Pose(aperture=0.35, jaw=0.35)), dark(Pose(aperture=0.35, jaw=0.05))
    assert apart >= 4
    assert close < 0.75 * apart


def test_upper_teeth_lie_over_a_lower_lip_that_is_tucked_in(avatar: Avatar, renderer: Renderer) -> None:
    (x, y), half = avatar.landmarks[14, :2].astype(int), 8

    def whitest(picture: NDArray[np.uint8]) -> float:
        """Blue's share of red, at most: enamel has nearly as much of one as of the other, lips half."""
        around = picture[y - half : y + half, x - half : x + half].astype(float)
        return float((around[..., 2] / around[..., 0]).max())

    assert whitest(renderer.draw(Pose(aperture=0.04, jaw=0.12, tuck=1.0))) > 0.8 > whitest(avatar.plate)


@pytest.mark.reference
def test_teeth_show_between_the_ends_of_a_moustache_and_never_cut_it(reference: Path) -> None:
    hairy = build_avatar(reference / "portraits" / "painting_moustache.png", "moustache")
    bare = replace(hairy, rig={name: array for name, array in hairy.rig.items() if name != "mouth.fringe"})
    pose = Pose(aperture=0.7, jaw=0.6)
    change = np.abs(Renderer(hairy).draw(pose).astype(int) - Renderer(bare).draw(pose)).sum(axis=2) > 30
    upper, lower = hairy.landmarks[0, 1], hairy.landmarks[17, 1]
    rows = np.flatnonzero(change.any(axis=1))
    assert len(rows)
    assert upper - 10 < rows[0] < rows[-1] < lower  # nowhere but about the upper lip's edge


def test_relief_belongs_to_motion(renderer: Renderer, smooth: Renderer) -> None:
    assert np.array_equal(renderer.draw(Pose()), smooth.draw(Pose()))
