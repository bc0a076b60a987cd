"""A feeling shows in every part of the face but in what the lips say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from visavis.engines.articulation.life import Being, Life, joined
from visavis.engines.articulation.life.expression import expression
from visavis.errors import BadInput
from visavis.media.face import ARKIT, CLOSED_GAP, INDEX, Controls, from_curves, lip_gap, to_curves
from visavis.media.mood import STATES, Mood
from visavis.settings import EMOTIONS

FEELINGS = [name for name in EMOTIONS if name != "neutral"]


def mouths() -> NDArray[np.float32]:
    """(t, 52) every kind of mouth: open vowels, rounded ones, spread ones, f and v, and p, b and m."""
    columns = ["aperture", "jaw", "width", "round", "tuck", "press", "tongue"]
    kinds = [
        {"aperture": 0.9, "jaw": 0.8},
        {"aperture": 0.3, "jaw": 0.2, "width": 0.6},
        {"aperture": 0.25, "jaw": 0.25, "width": -0.4, "round": 0.8},
        {"aperture": 0.1, "jaw": 0.15, "tuck": 0.8},
        {"jaw": 0.2, "press": 0.8},
        {"press": 0.5},
    ]
    rows = np.array([[kind.get(column, 0.0) for column in columns] for kind in kinds], np.float32)
    return to_curves(Controls.from_matrix(rows))


def face(emotion: str, strength: float = 1.0, rows: int = 6, seed: int = 0) -> NDArray[np.float32]:
    """(rows, 52) what a face shows beside its mouth, at its first moment."""
    times = np.arange(rows) / 50
    return Life(seed).move(times, np.zeros(rows), Mood("speaking", emotion, strength), Being())[0].curves


@pytest.mark.parametrize("emotion", FEELINGS)
def test_lips_that_speak_do_as_they_would_without_a_feeling(emotion: str) -> None:
    plain, felt = from_curves(mouths()), from_curves(joined(mouths(), face(emotion)))
    assert np.allclose(felt.aperture, plain.aperture, atol=0.01)
    for name in ("width", "round", "tuck", "press"):
        assert np.allclose(getattr(felt, name), getattr(plain, name), atol=1e-6), name
    assert (lip_gap(joined(mouths(), face(emotion)))[4:] <= CLOSED_GAP).all()


@pytest.mark.parametrize("emotion", [name for name in FEELINGS if name != "surprised"])
def test_lips_at_rest_stay_together_unless_they_are_surprised(emotion: str) -> None:
    silent = np.zeros((6, len(ARKIT)), np.float32)
    assert not lip_gap(joined(silent, face(emotion))).any()
    assert lip_gap(joined(silent, face("surprised"))).min() > 0.05


def test_a_surprised_mouth_closes_for_a_p_and_opens_again_without_a_jump() -> None:
    press = np.clip(1 - np.abs(np.arange(-15, 16)) / 10, 0, 1).astype(np.float32)  # as lips close: in 0.2 s
    nothing = np.zeros_like(press)
    speech = to_curves(Controls(nothing, nothing, nothing, nothing, nothing, press, nothing))
    gap = lip_gap(joined(speech, face("surprised", rows=31)))
    assert gap[15] <= CLOSED_GAP
    assert gap[0] > 0.05
    assert np.abs(np.diff(gap)).max() < 0.06


def test_a_smile_is_in_the_cheeks_and_brows_too_and_makes_room_for_rounded_lips() -> None:
    happy = joined(mouths(), face("happy"))
    smile = happy[:, INDEX["mouthSmileLeft"]]
    assert smile[0] > 0.7
    assert smile[2] < 0.6 * smile[0]
    assert happy[0, INDEX["cheekSquintLeft"]] > 0.1
    assert happy[0, INDEX["browOuterUpLeft"]] > 0.2


def test_no_two_feelings_look_alike_and_half_of_one_is_half_as_much() -> None:
    shown = {emotion: expression(Mood("idle", emotion), 0) for emotion in EMOTIONS}
    assert not shown["neutral"].any()
    for emotion in FEELINGS:
        assert np.allclose(expression(Mood("idle", emotion, 0.5), 0), shown[emotion] / 2)
        others = [np.abs(shown[emotion] - shown[other]).max() for other in EMOTIONS if other != emotion]
        assert min(others) > 0.1


@pytest.mark.parametrize("seed", range(5))
def test_every_face_is_a_little_lopsided_and_none_is_askew(seed: int) -> None:
    shown = expression(Mood("idle", "happy"), seed)
    left, right = shown[INDEX["mouthSmileLeft"]], shown[INDEX["mouthSmileRight"]]
    assert 1e-3 < abs(left - right) < 0.25


def test_a_feeling_comes_and_goes_in_half_a_second() -> None:
    being, smiles = Being(), []
    for i in range(0, 100, 5):
        mood = Mood("idle", "happy") if 25 <= i < 75 else Mood("idle")
        living, being = Life(0).move(np.arange(i, i + 5) / 50, np.zeros(5), mood, being)
        smiles += living.curves[:, INDEX["mouthSmileLeft"]].tolist()
    assert smiles[24] == 0
    assert 0.05 < smiles[29] < 0.5 * smiles[74]
    assert smiles[49] > 0.85 * smiles[74]
    assert smiles[99] < 0.15 * smiles[74]


def test_a_mood_is_read_from_a_name_and_a_strength() -> None:
    assert Mood.of("happy") == Mood("speaking", "happy", 1.0)
    assert Mood.of("sad:0.7", "thinking") == Mood("thinking", "sad", 0.7)
    assert {Mood.of(name).emotion for name in EMOTIONS} == set(EMOTIONS)
    assert {Mood.of("happy:0.5").doing(state).state for state in STATES} == set(STATES)


@pytest.mark.parametrize("text", ["hapy", "happy:2", "happy:-0.1", "happy:much", "", ":0.5", "happy:nan"])
def test_what_is_no_mood_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(BadInput, match=r"choose neutral, friendly, happy, sad, surprised, concerned|as in happy:0\.7"):
        Mood.of(text)
