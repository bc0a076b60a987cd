"""The face lives besides speaking: blinks, gaze, breath, sway and stress, the same from any window."""

from __future__ import annotations

import numpy as np

from visavis.engines.articulation.life import Life, Stress, blinks, breath, gaze

MINUTES = np.arange(0, 600, 0.02)


def test_it_blinks_about_eighteen_times_a_minute_and_never_regularly() -> None:
    begins = np.flatnonzero(np.diff((blinks(MINUTES, 0) > 0.5).astype(int)) == 1)
    assert 14 <= len(begins) / 10 <= 24
    assert np.std(np.diff(begins) / 50) > 0.8


def test_a_blink_shuts_faster_than_it_opens_and_is_over_in_a_third_of_a_second() -> None:
    lids = blinks(MINUTES, 0)
    lids = lids[int(np.argmax(lids == 0)) :]
    first = int(np.argmax(lids > 0))
    shut = int(np.argmax(lids > 0.95))
    opened = shut + int(np.argmax(lids[shut:] == 0))
    assert lids.max() > 0.95
    assert 2 <= shut - first <= 6
    assert shut - first < opened - shut <= 14


def test_the_eyes_meet_the_viewer_most_of_the_time() -> None:
    x, y = gaze(MINUTES, 0)
    assert np.mean(np.hypot(x, y) < 0.08) > 0.7
    assert np.hypot(x, y).max() < 0.5


def test_the_head_sways_a_little_and_slowly() -> None:
    head = Life(3).head(MINUTES, np.zeros(len(MINUTES)))
    assert np.abs(head[:, :3]).max() <= 0.06
    assert np.abs(np.diff(head, axis=0)).max() < 0.002
    assert head[:, 1].std() > 0.008


def test_it_breathes_about_fifteen_times_a_minute() -> None:
    chest = breath(MINUTES, 0)
    assert 12 <= np.sum((chest[:-1] < 0.5) & (chest[1:] >= 0.5)) / 10 <= 18
    assert chest.min() >= 0
    assert chest.max() <= 1


def test_any_window_can_be_computed_on_its_own() -> None:
    life, still = Life(1), np.zeros(len(MINUTES))
    curves, head = life.curves(MINUTES, still), life.head(MINUTES, still)
    part = slice(12_345, 12_355)
    assert np.allclose(life.curves(MINUTES[part], still[part]), curves[part], atol=1e-6)
    assert np.allclose(life.head(MINUTES[part], still[part]), head[part], atol=1e-6)


def test_two_seeds_are_two_people() -> None:
    assert not np.allclose(blinks(MINUTES, 0), blinks(MINUTES, 1))


def test_a_stressed_syllable_makes_it_nod_and_silence_does_not() -> None:
    stress, nods = Stress(), []
    for i in range(400):
        loud = 0.03 if 200 <= i < 212 else (0.001 if i % 10 < 6 else 1e-5)
        stress = stress.heard(loud, 0.02)
        nods.append(stress.nod)
    assert max(nods[200:225]) > 1.3 * max(nods[100:200])
    assert max(nods) <= 1.0
    quiet = Stress()
    for _ in range(100):
        quiet = quiet.heard(0.0, 0.02)
    assert quiet.nod == 0


def test_no_blink_is_under_way_when_the_face_is_seen_first_and_last() -> None:
    rows = np.arange(0, 0.2, 0.02)
    for seed in range(60):
        assert blinks(rows, seed)[0] == 0
        for end in np.arange(1, 9, 0.1):
            before, last = blinks(end - 0.4 + rows, seed), blinks(end - 0.2 + rows, seed, end)
            assert last[-1] == 0
            assert np.abs(np.diff(np.concatenate([before, last]))).max() < 0.55
