"""The inside of a mouth: an arch of teeth, darker below, in flesh that is warm; hair where a moustache hangs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar

Rgb = NDArray[np.float64]


def colours(avatar: Avatar, name: str) -> tuple[Rgb, NDArray[np.bool_]]:
    """A sprite's own colours (h, w, 3), and where it is opaque."""
    sprite = avatar.rig[f"mouth.{name}"].astype(float)
    return sprite[..., :3] * 255 / np.maximum(sprite[..., 3:], 1), sprite[..., 3] > 250


def test_lower_teeth_are_darker_than_upper_ones(avatar: Avatar) -> None:
    (upper, there), (lower, here) = colours(avatar, "upper_teeth"), colours(avatar, "lower_teeth")
    assert 0.4 < np.percentile(lower[here], 90) / np.percentile(upper[there], 90) < 0.8


def test_the_arch_of_teeth_recedes_to_the_sides_shorter_and_darker(avatar: Avatar) -> None:
    teeth, opaque = colours(avatar, "upper_teeth")
    columns = np.flatnonzero(opaque.any(axis=0))
    eighth = len(columns) // 8
    middle, side = columns[3 * eighth : -3 * eighth], columns[:eighth]
    assert opaque[:, side].sum(axis=0).mean() < 0.95 * opaque[:, middle].sum(axis=0).mean()
    assert teeth[:, side][opaque[:, side]].mean() < 0.8 * teeth[:, middle][opaque[:, middle]].mean()


@pytest.mark.parametrize("name", ["cavity", "tongue"])
def test_flesh_in_shadow_is_warm_and_never_grey(avatar: Avatar, name: str) -> None:
    flesh, opaque = colours(avatar, name)
    red, green, blue = flesh[opaque].mean(axis=0)
    assert red > 1.3 * green
    assert red > 1.3 * blue


def test_the_cavity_is_darkest_at_the_throat(avatar: Avatar) -> None:
    cavity, _ = colours(avatar, "cavity")
    row, column = np.unravel_index(cavity.sum(axis=2).argmin(), cavity.shape[:2])
    height, width = cavity.shape[:2]
    assert 0.3 < row / height < 0.7
    assert 0.3 < column / width < 0.7


@pytest.mark.reference
def test_hair_hangs_over_the_lip_of_a_moustache_and_of_no_other_face(reference: Path) -> None:
    hanging = {
        path.stem
        for path in (reference / "portraits").iterdir()
        if path.stem != "no_face" and "mouth.fringe" in build_avatar(path, path.stem, size=256).rig
    }
    assert hanging == {"painting_moustache"}
