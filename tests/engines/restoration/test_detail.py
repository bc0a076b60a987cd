"""Detail that is kept and lent: it comes where it fits, and nobody sees it come."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.engines.restoration.detail import FADE, Details

Floats = NDArray[np.float32]
SIZE = 96
TICK = 0.04
FRAMES = round(FADE / TICK)


def picture(opening: float = 0.0) -> Floats:
    """(96, 96, 3): a dark mouth on a light face, `opening` pixels high."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    inside = np.clip(0.5 + (opening - np.abs(y - 66)) / 2, 0, 1) * np.clip((30 - np.abs(x - 48)) / 4, 0, 1)
    return np.repeat((180 - 0.3 * y - 110 * inside)[..., None], 3, axis=2).astype(np.float32)


def grain(seed: int = 1) -> Floats:
    """What a restorer adds: fine, and up to about 30 grey levels."""
    return np.random.default_rng(seed).uniform(-30, 30, (SIZE, SIZE, 3)).astype(np.float32)


def steady(details: Details, shown: Floats, begin: float, frames: int) -> list[Floats]:
    return [details.apply(shown, begin + TICK * frame) for frame in range(frames)]


def test_nothing_kept_changes_nothing_and_anything_is_wanted() -> None:
    details = Details()
    assert details.wants(picture())
    np.testing.assert_array_equal(details.apply(picture(), 0.0), picture())


def test_a_kept_picture_gets_its_own_detail_back() -> None:
    details = Details()
    details.add(picture(), grain())
    assert not details.wants(picture())
    np.testing.assert_allclose(details.apply(picture(), 0.0), picture() + grain(), atol=0.01)


def test_each_of_several_gets_its_own() -> None:
    details = Details()
    for number, opening in enumerate((0, 6, 12)):
        details.add(picture(opening), grain(number))
    for number, opening in enumerate((0, 6, 12)):
        added = details.apply(picture(opening), 0.0) - picture(opening)
        mouth = slice(58, 74), slice(30, 66)
        others = [abs(np.corrcoef(added[mouth].ravel(), grain(n)[mouth].ravel())[0, 1]) for n in range(3)]
        assert int(np.argmax(others)) == number
        assert others[number] > 0.85


def test_what_resembles_nothing_stays_as_it_is_and_is_wanted() -> None:
    details = Details()
    details.add(picture(), grain())
    assert details.wants(picture() * 0.6)
    assert np.abs(details.apply(picture() * np.float32(0.6), 0.0) - picture() * np.float32(0.6)).max() < 0.5


def test_detail_comes_where_the_picture_fits_and_not_where_it_does_not() -> None:
    details = Details()
    details.add(picture(), grain())
    opened = picture(14)
    assert details.wants(opened)
    added = details.apply(opened, 0.0) - opened
    np.testing.assert_allclose(added[:16], grain()[:16], atol=0.5)
    assert np.abs(added[60:72, 36:60]).mean() < 0.1 * np.abs(grain()[60:72, 36:60]).mean()


def test_new_detail_fades_in_over_eight_pictures() -> None:
    details = Details()
    before = details.apply(picture(), 0.0)
    details.add(picture(), grain())
    after = steady(details, picture(), TICK, FRAMES + 1)
    np.testing.assert_array_equal(after[0], before)
    strength = [float((each - before).ravel() @ grain().ravel() / np.square(grain()).sum()) for each in after]
    assert strength[0] == 0
    assert (np.diff(strength) > 0).all()
    assert np.diff(strength).max() < 0.2
    np.testing.assert_allclose(after[-1], picture() + grain(), atol=0.01)


def test_nothing_jumps_while_the_mouth_opens_and_restorations_arrive() -> None:
    details, frames = Details(), 100
    details.add(picture(), grain(0))
    last, steepest = None, 0.0
    for frame in range(frames):
        shown = picture(0.1 * frame)
        made = details.apply(shown, TICK * frame) - shown
        if last is not None:
            steepest = max(steepest, float(np.abs(made - last).max()))
        last = made
        if frame % 11 == 5 and details.wants(shown):
            details.add(shown, grain(frame))
    assert steepest < 0.25 * 60, "two details differ by 60 grey levels at most; a quarter of that is 1.5 x 1/8 of it"


def test_a_pause_does_not_end_a_fade_at_once() -> None:
    details = Details()
    before = details.apply(picture(), 0.0)
    details.add(picture(), grain())
    first, second = details.apply(picture(), TICK), details.apply(picture(), 60.0)
    np.testing.assert_array_equal(first, before)
    assert np.abs(second - first).max() < 0.2 * 30
    back = details.apply(picture(), 0.0)
    np.testing.assert_array_equal(back, second)


def test_what_comes_during_a_fade_waits_for_its_end() -> None:
    details = Details()
    details.apply(picture(), 0.0)
    details.add(picture(), grain(1))
    steady(details, picture(), TICK, FRAMES // 2)
    details.add(picture(), grain(2))
    assert not details.wants(picture())
    made = steady(details, picture(), TICK * (1 + FRAMES // 2), 2 * FRAMES)
    jumps = [np.abs(one - other).max() for one, other in pairwise(made)]
    assert max(jumps) < 0.25 * 60
    np.testing.assert_allclose(made[-1], picture() + (grain(1) + grain(2)) / 2, atol=0.1)


def test_beyond_the_capacity_the_most_alike_make_room() -> None:
    details = Details(capacity=3)
    for opening in (0.0, 20.0, 10.0, 10.4, 10.8, 10.2):
        details.add(picture(opening), grain())
    for opening in (0.0, 20.0, 10.2):
        assert not details.wants(picture(opening))


def test_the_same_pictures_give_the_same() -> None:
    def run() -> Floats:
        details = Details(capacity=2)
        made = []
        for frame in range(20):
            shown = picture(frame)
            made.append(details.apply(shown, TICK * frame))
            if frame % 4 == 0:
                details.add(shown, grain(frame))
        return np.stack(made)

    np.testing.assert_array_equal(run(), run())


def test_a_patch_of_any_shape_will_do() -> None:
    details = Details()
    patch = np.ascontiguousarray(cv2.resize(picture(5), (75, 43)), np.float32)
    details.add(patch, np.full_like(patch, 9))
    np.testing.assert_allclose(details.apply(patch, 0.0), patch + 9, atol=0.01)
