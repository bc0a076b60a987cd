"""What is worked out of a picture once: small, finite, and true to the face."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.avatars.rig import build_rig
from visavis.avatars.rig.frame import MouthFrame


def test_a_rig_is_plain_finite_arrays_that_take_little_room(avatar: Avatar) -> None:
    rig = build_rig(avatar.plate, avatar.landmarks, avatar.irises)
    assert all(np.isfinite(values).all() for values in rig.values())
    assert {values.dtype.kind for values in rig.values()} <= set("fiub")
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **rig)
    assert file.tell() < 500_000


def test_the_same_picture_gives_the_same_rig(avatar: Avatar) -> None:
    one, two = (build_rig(avatar.plate, avatar.landmarks, avatar.irises) for _ in range(2))
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_the_mouth_frame_survives_its_arrays_and_maps_there_and_back(avatar: Avatar) -> None:
    frame = MouthFrame.from_arrays(avatar.rig)
    again = MouthFrame.from_arrays(frame.to_arrays())
    points = avatar.landmarks[:, :2]
    assert np.abs(again.to_plate(again.to_local(points)) - points).max() < 1e-2
    s = np.linspace(-1.5, 1.5, 31, dtype=np.float32)
    assert np.allclose(frame.along(frame.across(s)), s, atol=1e-5)
    assert np.allclose(frame.across(np.array(frame.corners, np.float32)), (-1, 1), atol=1e-6)


def test_the_seam_of_closed_lips_is_darker_than_the_lips(avatar: Avatar) -> None:
    frame = MouthFrame.from_arrays(avatar.rig)
    seam = avatar.rig["lips.seam"][20:-20]
    u = np.linspace(-1, 1, len(avatar.rig["lips.seam"]), dtype=np.float32)[20:-20]

    def brightness(offset: float) -> float:
        at = np.rint(frame.to_plate(np.stack([frame.along(u), seam + offset], axis=-1))).astype(int)
        return float(avatar.plate[at[:, 1], at[:, 0]].mean())

    assert not avatar.rig["lips.open"]
    assert brightness(0.0) < brightness(-0.10)
    assert brightness(0.0) < brightness(0.14)


@pytest.mark.reference
def test_a_smile_with_teeth_is_an_open_mouth_and_the_others_are_closed(reference: Path) -> None:
    open_mouths = {
        path.stem
        for path in (reference / "portraits").iterdir()
        if path.stem != "no_face" and build_avatar(path, path.stem, size=256).rig["lips.open"]
    }
    assert open_mouths == {"office_man"}


@pytest.mark.reference
def test_the_lids_of_eyes_larger_than_a_person_s_close_over_the_whole_iris(reference: Path) -> None:
    rig = build_avatar(reference / "portraits" / "painted_robot.jpg", "robot").rig
    for (_, lower), (_, centre, radius) in zip(rig["eyes.lids"], rig["eyes.iris"], strict=True):
        assert lower.max() > centre + 0.9 * radius
