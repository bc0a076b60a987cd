"""Every speech sound has a shape of the mouth."""

from __future__ import annotations

import numpy as np
import pytest

from visavis.engines.articulation.visemes import VISEMES, Viseme, parts
from visavis.media.face import Controls, from_curves, lip_gap, to_curves
from visavis.media.phones import ARPABET_TO_IPA, is_closure, is_vowel


@pytest.mark.parametrize("viseme", VISEMES.values(), ids=VISEMES.keys())
def test_a_viseme_survives_the_way_to_arkit_curves_and_back(viseme: Viseme) -> None:
    controls = Controls.from_matrix(viseme.target[None])
    curves = to_curves(controls)
    assert curves.min() >= 0
    assert curves.max() <= 1
    assert np.allclose(from_curves(curves, controls.tongue).to_matrix(), viseme.target[None], atol=1e-6)
    assert lip_gap(curves)[0] == pytest.approx(viseme.target[0], abs=1e-6)


@pytest.mark.parametrize("symbol", sorted({s for s in ARPABET_TO_IPA.values() if s}))
def test_the_sounds_of_english_have_the_shape_of_their_kind(symbol: str) -> None:
    found = parts(symbol)
    assert sum(share for _, share in found) == pytest.approx(1.0)
    assert found[0][0].vowel == is_vowel(symbol)
    assert found[0][0].closure == is_closure(symbol)


@pytest.mark.parametrize("symbol", ["y", "ø", "ɯ", "ɤ", "ã", "ɔ̃", "œ̃", "ʉ", "ɨ", "aː", "ɶ", "ɞ"])
def test_vowels_of_other_languages_open_the_mouth(symbol: str) -> None:
    assert all(viseme.vowel and viseme.target[0] >= 0.3 for viseme, _ in parts(symbol))


def test_round_vowels_are_round_and_spread_ones_are_not() -> None:
    for symbol in "yuoøœɔʊ":
        assert parts(symbol)[0][0].target[3] > 0.5, symbol
    for symbol in "ieɛaɯ":
        assert parts(symbol)[0][0].target[3] < 0.1, symbol


@pytest.mark.parametrize("symbol", ["p", "b", "m", "pʰ", "bʲ", "m̥", "ɓ", "pf"])
def test_bilabials_of_any_language_shut_the_lips(symbol: str) -> None:
    assert parts(symbol)[0][0].closure


def test_a_diphthong_glides_and_an_affricate_opens() -> None:
    assert [viseme.name for viseme, _ in parts("aʊ")] == ["open", "hook"]
    assert [viseme.name for viseme, _ in parts("tʃ")] == ["t", "sh"]


@pytest.mark.parametrize("symbol", ["", " ", "ː", "ˈ"])
def test_what_is_no_sound_is_rest(symbol: str) -> None:
    assert parts(symbol)[0][0] is VISEMES["rest"]


@pytest.mark.parametrize("symbol", ["ж", "漢", "ǃ", "ꞎ", "?"])
def test_an_unknown_letter_is_something_ordinary(symbol: str) -> None:
    for viseme, _ in parts(symbol):
        assert not viseme.closure
