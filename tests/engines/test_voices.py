"""A voice is found by its name in any capitals, unless that could mean two."""

from __future__ import annotations

import pytest

from visavis.engines.loading import check_voice
from visavis.engines.protocols import Voice
from visavis.engines.registry import choose
from visavis.engines.tts.espeak import choose_voice
from visavis.engines.voices import chosen, first_speaking, named, near
from visavis.errors import BadInput
from visavis.settings import Settings


def test_capitals_do_not_matter_where_only_one_voice_can_be_meant() -> None:
    assert named("SLT", ["slt", "rms"]) == "slt"
    assert named("straße", ["Strasse", "other"]) == "Strasse"
    assert named("nobody", ["slt", "rms"]) is None


def test_of_two_that_differ_only_in_capitals_only_the_exact_spelling_is_taken() -> None:
    assert named("Anna", ["anna", "Anna"]) == "Anna"
    assert named("ANNA", ["anna", "Anna"]) is None
    assert near("ANNA", ["bob", "anna", "Anna"]) == ["anna", "Anna"]


def test_a_part_of_a_name_brings_the_names_that_have_it() -> None:
    known = ["slt", "de_DE-thorsten-medium", "de_DE-thorsten-high", "am_adam"]
    assert near("Thorsten", known) == ["de_DE-thorsten-medium", "de_DE-thorsten-high"]
    assert near("zzz", known) == known


def test_a_voice_that_two_engines_have_is_one_name() -> None:
    assert named("EN", ["en", "en"]) == "en"


def test_a_voice_in_other_capitals_is_checked_chosen_and_spoken_as_it_is_spelled() -> None:
    settings = Settings(voice="EN-gb")
    assert check_voice("EN-gb", settings) == "en-gb"
    assert choose("tts", settings).info.name == "espeak"
    assert choose_voice("en", "EN-gb") == "en-gb"


def test_an_unknown_voice_brings_the_names_most_like_it() -> None:
    with pytest.raises(BadInput, match=r"no voice 'EN-GBB' here; there is en-gb, .*`visavis models voices` lists all"):
        check_voice("EN-GBB", Settings())


VOICES = [Voice("heart", "en-US"), Voice("emma", "en-GB"), Voice("siwis", "fr-FR")]


@pytest.mark.parametrize(
    ("language", "name"), [("en", "heart"), ("EN-gb", "emma"), ("en-AU", "heart"), ("fr", "siwis")]
)
def test_a_language_finds_the_first_voice_that_speaks_it_its_region_before_others(language: str, name: str) -> None:
    assert first_speaking(VOICES, language) == chosen("kokoro", VOICES, language, None)
    assert chosen("kokoro", VOICES, language, None).name == name
    assert first_speaking(VOICES, "de") is None


def test_a_named_voice_is_refused_for_another_language() -> None:
    assert chosen("kokoro", VOICES, "en", "EMMA").name == "emma"
    with pytest.raises(BadInput, match="kokoro's voice 'emma' speaks 'en-GB', not 'fr'"):
        chosen("kokoro", VOICES, "fr", "emma")
    with pytest.raises(BadInput, match="kokoro does not speak 'de'; it has: en-US, en-GB, fr-FR"):
        chosen("kokoro", VOICES, "de", None)
