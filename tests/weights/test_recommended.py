"""What is recommended speaks the language, fits the machine, and fills the slots that matter most first."""

from __future__ import annotations

import importlib.util

import pytest

from visavis.weights import recommended as rules
from visavis.weights.models import Model, ModelFile, Speed
from visavis.weights.recommended import SHOWN, duration, install, missing_extras, recommended, speaks

GB = 10**9


def _model(
    name: str,
    slot: str,
    megabytes: int,
    order: int,
    *languages: str,
    speed: Speed = "fast",
    extra: str = "",
    non_commercial: bool = False,
    recommended: bool = True,
) -> Model:
    return Model(
        name=name,
        title=name,
        slot=slot,
        engine=name.partition("-")[0],
        purpose="is here for a test",
        repository="visavis/tiny",
        files=(ModelFile("model.bin", megabytes * 1_000_000),),
        licence="MIT",
        licence_url="https://example.org/licence",
        languages=languages,
        memory=megabytes * 1_000_000,
        speed=speed,
        order=order,
        extra=extra,
        non_commercial=non_commercial,
        recommended=recommended,
    )


CATALOGUE = (
    _model("moonshine-small", "asr", 300, 30, "en", "es", extra="moonshine"),
    _model("moonshine-medium", "asr", 550, 40, "en", extra="moonshine", recommended=False),
    _model("whisper-small", "asr", 900, 10, speed="medium", extra="whisper"),
    _model("whisper-base", "asr", 350, 5, extra="whisper"),
    _model("kokoro", "tts", 700, 30, "en", "es", speed="medium", extra="kokoro"),
    _model("piper-de", "tts", 200, 20, "de", extra="piper", non_commercial=True),
    _model("piper-nl", "tts", 200, 20, "nl", extra="piper"),
    _model("qwen-4b", "llm", 3600, 30, speed="slow"),
    _model("qwen-2b", "llm", 2600, 20, speed="medium"),
    _model("qwen-1b", "llm", 1400, 10),
    _model("turn", "turn", 60, 10, "en", "de", "es"),
)


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models above, and all their libraries."""
    monkeypatch.setattr("visavis.weights.models.models", lambda: {model.name: model for model in CATALOGUE})
    monkeypatch.setattr(rules, "has_library", lambda model: True)


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("language", "gigabytes", "cores", "expected"),
    [
        ("en", 1, 8, "moonshine-small turn"),
        ("en", 2, 8, "moonshine-small kokoro"),
        ("en", 4, 8, "moonshine-small qwen-1b turn"),
        ("en", 8, 8, "moonshine-small kokoro qwen-2b turn"),
        ("en-GB", 8, 8, "moonshine-small kokoro qwen-2b turn"),
        ("en", 16, 8, "moonshine-small kokoro qwen-4b turn"),
        ("en", 16, 4, "moonshine-small kokoro qwen-2b turn"),
        ("en", 16, 2, "moonshine-small kokoro qwen-1b turn"),
        ("de", 2, 8, "whisper-base piper-de turn"),
        ("de", 4, 8, "whisper-base piper-de qwen-1b"),
        ("de", 8, 8, "whisper-small piper-de qwen-2b turn"),
        ("de", 16, 2, "whisper-small piper-de qwen-1b turn"),
        ("nl", 4, 8, "whisper-base piper-nl qwen-1b"),
        ("nl", 4, 1, "whisper-base piper-nl qwen-1b"),
        ("sw", 16, 8, "whisper-small qwen-4b"),
        ("en", 0.1, 8, ""),
    ],
)
def test_each_machine_and_language_gets_what_serves_it_best(
    language: str, gigabytes: float, cores: int, expected: str
) -> None:
    found = recommended(language, memory=round(gigabytes * GB), cores=cores)
    assert " ".join(model.name for model in found) == expected


@pytest.mark.usefixtures("catalogue")
def test_what_is_not_for_commercial_use_is_left_out_when_asked() -> None:
    found = recommended("de", memory=16 * GB, cores=8, commercial_only=True)
    assert [model.name for model in found] == ["whisper-small", "qwen-4b", "turn"]


def test_one_that_is_free_to_use_goes_before_a_better_one_that_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = (_model("free", "tts", 10, 1, "fr"), _model("bound", "tts", 10, 9, "fr", non_commercial=True))
    monkeypatch.setattr("visavis.weights.models.models", lambda: {model.name: model for model in pair})
    assert [model.name for model in recommended("fr", memory=GB)] == ["free"]


@pytest.mark.usefixtures("catalogue")
def test_without_a_library_another_engine_does_and_the_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "has_library", lambda model: model.extra not in ("moonshine", "kokoro"))
    found = recommended("en", memory=16 * GB, cores=8)
    assert [model.name for model in found] == ["whisper-small", "qwen-4b", "turn"]
    extras = missing_extras("en", memory=16 * GB, cores=8)
    assert extras == ("kokoro", "moonshine")
    assert install(extras) == "pip install 'visavis[kokoro,moonshine]'"
    assert missing_extras("nl", memory=16 * GB, cores=8) == ()


def test_a_library_is_looked_for_and_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def find_spec(name: str) -> None:
        asked.append(name)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    assert not rules.has_library(CATALOGUE[0])
    assert rules.has_library(CATALOGUE[-1])
    assert asked == ["moonshine_voice"]


LANGUAGES = ("en", "de", "es", "ja", "fr", "uk", "sw")


@pytest.mark.parametrize("gigabytes", [2, 4, 8, 16])
def test_of_the_real_catalogue_everything_fits_together_and_speaks(gigabytes: int) -> None:
    for language in LANGUAGES:
        found = recommended(language, memory=gigabytes * GB, cores=4, usable=lambda model: True)
        print(f"{gigabytes:3} GB  {language}  " + " + ".join(f"{m.name} ({m.bytes / 1e6:,.0f} MB)" for m in found))
        assert sum(model.memory for model in found) <= gigabytes * GB / 2
        slots = [model.slot for model in found]
        assert slots == sorted(set(slots), key=SHOWN.index)
        assert all(model.recommended and speaks(model, language) for model in found)
        assert "asr" in slots
        assert "llm" in slots or gigabytes < 4


@pytest.mark.parametrize(
    ("size", "told"),
    [
        (9_000_000, "less than a minute at 20 Mbit/s"),
        (180_000_000, "about a minute at 20 Mbit/s"),
        (2_400_000_000, "about 16 min at 20 Mbit/s"),
    ],
)
def test_the_time_is_told_for_a_speed_that_is_named(size: int, told: str) -> None:
    assert duration(size) == told
