"""Engines are found by their entry points, chosen by rank, language and name, and never fail without a remedy."""

from __future__ import annotations

import pytest

from visavis.engines.live import LiveStates
from visavis.engines.protocols import OPTIONAL, SLOTS
from visavis.engines.registry import candidates, choose
from visavis.errors import BadConfiguration, EngineUnavailable
from visavis.settings import Settings


@pytest.mark.parametrize("slot", [*SLOTS, *OPTIONAL])
def test_every_slot_has_a_real_engine_and_a_fake_one(slot: str) -> None:
    names = [candidate.info.name for candidate in candidates(slot)]  # type: ignore[arg-type]
    assert "fake" in names
    assert len(names) >= 2
    assert all(candidate.info.slot == slot for candidate in candidates(slot))  # type: ignore[arg-type]


def test_the_fake_is_never_chosen_by_itself() -> None:
    assert choose("animation", Settings()).info.name != "fake"
    assert choose("animation", Settings(animation="fake")).info.name == "fake"


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadConfiguration, match=r"there is no tts engine 'nobody'; choose one of: auto, .*espeak"):
        choose("tts", Settings(tts="nobody"))


def test_a_language_chooses_the_voice_that_speaks_it() -> None:
    assert choose("tts", Settings(language="de")).info.name == "espeak"


def test_a_voice_chooses_the_engine_that_has_it() -> None:
    assert choose("tts", Settings(voice="en-gb")).info.name == "espeak"


def test_a_language_nobody_recognises_is_said_so() -> None:
    with pytest.raises(EngineUnavailable, match="knows the language 'xx'"):
        choose("asr", Settings(language="xx"))


def test_live_states_are_bounded_and_taken_once() -> None:
    dropped: list[str] = []
    states: LiveStates[str] = LiveStates(2, dropped.append)
    ids = [states.put(name) for name in ("a", "b", "c")]
    assert dropped == ["a"]
    assert states.take(ids[0]) is None
    assert states.take(ids[1]) == "b"
    assert states.take(ids[1]) is None
    states.clear()
    assert dropped == ["a", "c"]
