"""The face lives besides speaking: blinks, gaze, breath, posture and stress, as one process in every state."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.engines.articulation.life import Being, Life, Living
from visavis.engines.articulation.life.lids import Lids
from visavis.engines.articulation.life.stress import Stress
from visavis.media.face import INDEX
from visavis.media.mood import STATES, Mood, State

SACCADE = 0.95
"""The farthest that eyes may go in one picture: they do jump."""


def lived(
    *moods: tuple[Mood, float], seed: int = 0, window: int = 10, energy: NDArray[np.float64] | None = None
) -> Living:
    """A life through some moods, each for so many seconds, in windows of so many rows."""
    being, pieces, row = Being(), [], 0
    for mood, seconds in moods:
        end = row + round(seconds * 50)
        while row < end:
            times = np.arange(row, min(row + window, end)) / 50
            voice = np.zeros(len(times)) if energy is None else energy[row : row + len(times)]
            living, being = Life(seed).move(times, voice, mood, being)
            pieces.append(living)
            row += len(times)
    return Living(
        *(np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("curves", "head", "breath"))
    )


def look(living: Living) -> NDArray[np.float32]:
    """(t, 2) to the face's own left, and up."""
    curve = {name: living.curves[:, INDEX[f"eyeLook{name}Left"]] for name in ("Out", "In", "Up", "Down")}
    return np.stack([curve["Out"] - curve["In"], curve["Up"] - curve["Down"]], axis=1)


def blinks(living: Living) -> NDArray[np.float64]:
    """Seconds at which the lids shut."""
    lids = living.curves[:, INDEX["eyeBlinkLeft"]]
    return np.flatnonzero(np.diff((lids > 0.5).astype(int)) == 1) / 50


def steps(living: Living) -> tuple[float, float]:
    """The greatest change of any curve but lids and gaze in a picture of 1/25 s, and of the head's pose."""
    calm = [i for name, i in INDEX.items() if not name.startswith(("eyeBlink", "eyeLook", "eyeWide"))]
    curves, head = living.curves[:, calm], living.head
    return float(np.abs(curves[2:] - curves[:-2]).max()), float(np.abs(head[2:] - head[:-2]).max())


@pytest.mark.parametrize("seed", range(4))
def test_an_idle_face_blinks_15_to_22_times_a_minute_and_never_regularly(seed: int) -> None:
    begins = blinks(lived((Mood("idle"), 300), seed=seed, window=100))
    assert 15 <= len(begins) / 5 <= 22
    intervals = np.diff(begins)
    assert intervals.std() > 1.2
    assert np.mean(intervals < 0.6) < 0.15  # doubles are rare


def test_a_blink_shuts_faster_than_it_opens_and_is_over_in_a_third_of_a_second() -> None:
    lids = lived((Mood("idle"), 60)).curves[:, INDEX["eyeBlinkLeft"]]
    shut = int(np.argmax(lids > 0.9))
    first = shut - int(np.argmax(lids[shut::-1] < 0.05))
    opened = shut + int(np.argmax(lids[shut:] < 0.05))
    assert lids.max() > 0.95
    assert 2 <= shut - first <= 6
    assert shut - first < opened - shut <= 14


@pytest.mark.parametrize(("state", "least"), [("idle", 0.7), ("listening", 0.93), ("speaking", 0.75)])
def test_the_eyes_meet_the_viewer_most_of_the_time_and_always_come_back(state: State, least: float) -> None:
    away = np.hypot(*look(lived((Mood(state), 180), window=100)).T) > 0.14
    assert 1 - away.mean() > least
    edges = np.flatnonzero(np.diff(np.concatenate([[0], away.astype(int), [0]])))
    assert max(end - begin for begin, end in zip(edges[::2], edges[1::2], strict=True)) < 4.5 * 50


def test_a_thinking_face_looks_up_and_aside_until_it_is_done() -> None:
    eyes = look(lived((Mood("listening"), 5), (Mood("thinking"), 20), (Mood("speaking"), 20)))
    thinking, after = eyes[5 * 50 + 20 : 25 * 50], eyes[25 * 50 + 20 : 26 * 50 + 20]
    assert (thinking[:, 1] > 0.25).all()
    assert (np.abs(thinking[:, 0]) > 0.3).mean() > 0.95
    assert np.hypot(*after.T).min() < 0.14


def test_a_listener_nods_now_and_then_and_when_it_is_told() -> None:
    still, nodding = lived((Mood("idle"), 60), seed=3), lived((Mood("listening"), 60), seed=3)
    assert np.diff(still.head[:, 0]).max() * 50 < 0.06
    assert np.diff(nodding.head[:, 0]).max() * 50 > 0.08
    quiet = lived((Mood("listening"), 1.2), seed=3)
    told = lived((Mood("listening"), 0.4), (Mood("listening", nod=True), 0.2), (Mood("listening"), 0.6), seed=3)
    assert np.allclose(quiet.head[:20], told.head[:20])
    assert (told.head[:, 0] - quiet.head[:, 0]).max() > 0.015


def test_the_head_sways_a_little_and_slowly() -> None:
    for state in STATES:
        head = lived((Mood(state), 120), window=100).head
        assert np.abs(head[:, :3]).max() <= 0.10
        assert head[:, 1].std() > 0.006
        assert np.abs(np.diff(head, axis=0)).max() < 0.01


def test_it_breathes_about_fifteen_times_a_minute_and_no_breath_is_like_the_next() -> None:
    chest = lived((Mood("idle"), 300), window=100).breath
    drawn = np.flatnonzero((chest[:-1] < 0.3) & (chest[1:] >= 0.3)) / 50
    assert 12 <= len(drawn) / 5 <= 18
    assert np.diff(drawn).std() > 0.4
    assert chest.min() >= 0
    assert chest.max() <= 1


def test_nothing_that_it_does_in_two_idle_minutes_comes_again() -> None:
    living = lived((Mood("idle"), 120), window=100)
    curves = living.curves[:, [INDEX["eyeBlinkLeft"], INDEX["browInnerUp"]]]
    channels = np.concatenate([living.head, look(living), curves], axis=1).astype(np.float64)
    channels = (channels - channels.mean(axis=0)) / channels.std(axis=0)
    for lag in range(150, 3001, 5):
        alike = (channels[:-lag] * channels[lag:]).mean(axis=0)
        assert alike.mean() < 0.35, f"all of it after {lag / 50} s"
        assert lag < 300 or alike.max() < 0.5, f"one channel after {lag / 50} s"


def test_the_same_seed_lives_the_same_life_however_it_is_cut_and_another_seed_another() -> None:
    moods = [(Mood("idle"), 7.3), (Mood("thinking", "sad", 0.6), 5.1), (Mood("speaking", "happy"), 9.2)]
    life, cut, other = lived(*moods), lived(*moods, window=1), lived(*moods, seed=1)
    for name in ("curves", "head", "breath"):
        assert np.allclose(getattr(life, name), getattr(cut, name), atol=1e-5), name
        assert not np.allclose(getattr(life, name), getattr(other, name), atol=0.02), name


def test_two_answers_are_not_lived_alike_and_the_same_one_always_is() -> None:
    times, silence = np.arange(500) / 50, np.zeros(500)
    one, again, other = (
        Life().move(times, silence, Mood(emotion="friendly"), Being.born(words))[0]
        for words in (b"Yes.", b"Yes.", b"No.")
    )
    assert np.array_equal(one.curves, again.curves)
    assert not np.allclose(one.head, other.head, atol=0.02)
    assert blinks(one).tolist() != blinks(other).tolist()
    smiles = [
        float(each.curves[0, INDEX["mouthSmileLeft"]] / each.curves[0, INDEX["mouthSmileRight"]])
        for each in (one, other)
    ]
    assert smiles[0] == pytest.approx(smiles[1], rel=0.01)  # it is the same face


def test_no_change_of_state_or_feeling_makes_the_face_jump() -> None:
    rng = np.random.default_rng(5)
    emotions = ("neutral", "friendly", "happy", "sad", "surprised", "concerned")
    moods: list[tuple[Mood, float]] = [
        (Mood(STATES[rng.integers(4)], emotions[rng.integers(6)]), float(rng.uniform(0.06, 2.0))) for _ in range(200)
    ]
    living = lived(*moods)
    curve, head = steps(living)
    assert curve < 0.16  # whole emotions come and go in half a second
    assert head < 0.016
    # nor in speed: in a row nothing gains more than a spring's first pull
    calm = [INDEX[name] for name in ("mouthSmileLeft", "mouthFrownLeft", "browInnerUp", "browDownLeft")]
    assert np.abs(np.diff(living.curves[:, calm], 2, axis=0)).max() < 0.045
    assert np.abs(np.diff(living.head, 2, axis=0)).max() < 0.004
    assert np.abs(np.diff(look(living), axis=0)).max() < SACCADE


def test_speech_moves_head_and_brows_and_silence_does_not() -> None:
    syllables = np.where(np.arange(1000) % 12 < 6, 0.02, 1e-4) * np.where(np.arange(1000) % 150 < 110, 1.0, 0.0)
    quiet, loud = (lived((Mood("speaking"), 20), energy=each) for each in (np.zeros(1000), syllables))
    brow = INDEX["browInnerUp"]
    assert (loud.curves[:, brow] - quiet.curves[:, brow]).max() > 0.1
    assert (loud.head[:, 0] - quiet.head[:, 0]).max() > 0.01
    # each phrase is said with the head held another way
    turned = (loud.head - quiet.head)[:, 1]
    held = [float(turned[begin + 100]) for begin in range(0, 900, 150)]
    assert min(abs(a - b) for a, b in pairwise(held)) > 1e-3
    assert np.ptp(held) > 0.01


def test_a_stressed_syllable_makes_it_nod() -> None:
    stress, nods = Stress(), []
    for i in range(400):
        loud = 0.03 if 200 <= i < 212 else (0.001 if i % 10 < 6 else 1e-5)
        stress = stress.heard(loud, 0.02)
        nods.append(stress.nod)
    assert max(nods[200:225]) > 1.3 * max(nods[100:200])
    assert max(nods) <= 1.0


@pytest.mark.parametrize("end", np.arange(1.0, 9.0, 0.9))
def test_no_blink_is_under_way_when_the_face_is_seen_first_and_last(end: float) -> None:
    for seed in range(40):
        down, lids = Lids().move(np.arange(0, end - 0.2, 0.02), seed, "speaking")
        last, lids = lids.move(np.arange(end - 0.2, end, 0.02), seed, "speaking", until=end)
        after, _ = lids.move(np.arange(end, end + 2, 0.02), seed, "idle")
        assert down[0] == last[-1] == 0
        assert after[0] < 0.1
        assert _greatest_step([down, last, after]) < 0.62


def _greatest_step(pieces: Sequence[NDArray[np.float64]]) -> float:
    return float(np.abs(np.diff(np.concatenate(pieces))).max())
