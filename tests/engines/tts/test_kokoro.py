"""Kokoro's voices: many in one file, named by their languages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tests.engines.tts.tiny_voices import make_kokoro
from tests.weights.pulled import keep
from visavis.engines.tts.kokoro import Kokoro
from visavis.media.speech import Line, Speech
from visavis.settings import Settings
from visavis.weights.models import place

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("kokoro_onnx") is None, reason="the extra 'kokoro' is not installed"
)
NAMES = (
    "am_adam", "bf_emma", "ef_dora", "ff_siwis", "hf_alpha", "if_sara", "jf_alpha", "pf_dora", "zf_xiaobei", "af_heart",
)  # fmt: skip
SENTENCES = {
    "en-US": "Judge my boat.", "en-GB": "Judge my boat.", "es": "Hola, ¿qué tal?", "fr-FR": "Bonjour, ça va ?",
    "hi": "नमस्ते, आप कैसे हैं?", "it": "Ciao, come stai?", "pt-BR": "Olá, tudo bem?",
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    keep("kokoro", make_kokoro(tmp_path / "kokoro", NAMES))
    return Settings(data_dir=tmp_path)


async def said(engine: Kokoro, line: Line, voice: str | None = None) -> list[Speech]:
    return [piece async for piece in engine.synthesize(line, voice)]


def test_its_best_voice_is_the_first_and_what_it_cannot_pronounce_is_not_offered(settings: Settings) -> None:
    voices = Kokoro(settings).voices()
    assert [voice.name for voice in voices] == [
        "af_heart", "am_adam", "bf_emma", "ef_dora", "ff_siwis", "hf_alpha", "if_sara", "pf_dora",
    ]  # fmt: skip
    assert voices[2].language == "en-GB"
    assert voices[2].description == "English, British, a woman"
    info = Kokoro.availability().info
    assert info is not None
    assert info.languages == ("en", "es", "fr", "hi", "it", "pt")
    assert info.commercial


async def test_it_speaks_every_language_that_it_offers(settings: Settings) -> None:
    async with Kokoro(settings) as kokoro:
        for voice in kokoro.voices():
            text = SENTENCES[voice.language]
            (speech,) = await said(kokoro, Line(text, voice.language), voice.name)
            assert " ".join(word.text for word in speech.words) == text
            assert speech.phones
            assert len([phone for phone in speech.phones if phone.symbol]) >= 7, voice


async def test_a_language_with_its_region_chooses_the_voice(settings: Settings) -> None:
    async with Kokoro(settings) as kokoro:
        british, emma = [await said(kokoro, Line("Go on.", "en-GB"), voice) for voice in (None, "bf_emma")]
        (american,) = await said(kokoro, Line("Go on.", "en"))
    assert np.array_equal(british[0].audio.samples, emma[0].audio.samples)
    assert [phone.symbol for phone in british[0].phones or ()][2] == "əʊ"
    assert [phone.symbol for phone in american.phones or ()][2] == "oʊ"


def test_a_file_of_voices_that_is_none_offers_none(settings: Settings) -> None:
    (file,) = place("kokoro").rglob("voices*")
    file.write_bytes(b"\0" * file.stat().st_size)
    assert Kokoro(settings).voices() == []
    missing = Kokoro.availability()
    assert (missing.ready, missing.remedy) == (False, "visavis models pull kokoro")
