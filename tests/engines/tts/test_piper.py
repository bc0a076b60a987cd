"""Piper's voices: each a model of its own, with a language, a licence and perhaps several speakers."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.engines.tts.tiny_voices import make_piper
from tests.weights.pulled import keep
from visavis.engines.tts.piper import Piper
from visavis.errors import BadInput, EngineUnavailable
from visavis.media.speech import Line, Speech
from visavis.settings import Settings
from visavis.weights.models import models_of, place

pytestmark = pytest.mark.skipif(importlib.util.find_spec("piper") is None, reason="the extra 'piper' is not installed")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A German and a Ukrainian voice, which has three speakers and reads letters."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    keep("piper-de-thorsten", make_piper(tmp_path / "de"))
    speakers = ("lada", "mykyta", "tetiana")
    ukrainian = make_piper(tmp_path / "uk", "uk_UA-ukrainian_tts-medium", "uk", speakers=speakers, kind="text")
    keep("piper-uk", ukrainian)
    return Settings(data_dir=tmp_path, language="de")


async def said(engine: Piper, line: Line, voice: str | None = None) -> list[Speech]:
    return [piece async for piece in engine.synthesize(line, voice)]


def test_voices_are_called_as_their_files_and_their_speakers(settings: Settings) -> None:
    names = ["lada", "mykyta", "tetiana"]
    assert [(voice.name, voice.language) for voice in Piper(settings).voices()] == [
        ("de_DE-thorsten-medium", "de-DE"),
        *((f"uk_UA-ukrainian_tts-medium-{name}", "uk-UA") for name in names),
    ]


def test_what_it_is_follows_from_the_voices_that_are_here(settings: Settings) -> None:
    info = Piper(settings).availability().info
    assert info is not None
    assert set(info.languages) == {"de", "uk"}
    assert not info.commercial
    assert "GPL-3.0-or-later AND " in info.licence
    assert "research-only Lessac" in info.licence
    shutil.rmtree(place("piper-de-thorsten"))
    info = Piper(settings).availability().info
    assert info is not None
    assert info.languages == ("uk",)
    assert info.commercial
    assert info.licence == "GPL-3.0-or-later AND CC0-1.0"


def test_commercial_use_leaves_only_voices_that_allow_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_COMMERCIAL_ONLY", "1")
    only = settings.model_copy(update={"commercial_only": True})
    assert {voice.language for voice in Piper(only).voices()} == {"uk-UA"}
    info = Piper.availability().info
    assert info is not None
    assert info.commercial


async def test_the_language_chooses_the_voice_and_the_name_does(settings: Settings) -> None:
    async with Piper(settings) as piper:
        (german,) = await said(piper, Line("Guten Tag.", "de"))
        (lada,) = await said(piper, Line("Добрий день.", "uk"))
        (mykyta,) = await said(piper, Line("Добрий день.", "uk"), "uk_UA-ukrainian_tts-medium-mykyta")
        with pytest.raises(BadInput, match="speaks 'de-DE', not 'uk'"):
            await said(piper, Line("Добрий день.", "uk"), "de_DE-thorsten-medium")
    assert german.phones
    assert len(lada.audio) == len(mykyta.audio)
    assert not np.allclose(lada.audio.samples, mykyta.audio.samples)


async def test_a_voice_that_reads_letters_tells_when_words_are_said_but_no_sounds(settings: Settings) -> None:
    async with Piper(settings) as piper:
        (speech,) = await said(piper, Line("Добрий день, друже.", "uk"))
    assert speech.phones is None
    assert [word.text for word in speech.words] == ["Добрий", "день,", "друже."]
    for word in speech.words:
        assert np.abs(speech.audio.samples[word.start : word.end]).max() > 0.03
    for one, two in zip(speech.words, speech.words[1:], strict=False):
        assert not speech.audio.samples[one.end + 10 : two.start - 10].any()


async def test_without_the_onnx_package_words_are_laid_over_the_sound(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "onnx.py").write_text("raise ImportError('not installed')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'hidden'}:{Path(__file__).parents[3] / 'src'}")
    async with Piper(settings) as piper:
        (speech,) = await said(piper, Line("Guten Tag.", "de"))
    assert speech.phones is None
    assert [word.text for word in speech.words] == ["Guten", "Tag."]


async def test_a_voice_whose_pronunciation_would_have_to_be_fetched_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    folder = make_piper(tmp_path / "zh")
    config = folder / "de_DE-thorsten-medium.onnx.json"
    config.write_text(config.read_text().replace('"espeak"', '"pinyin"', 2).replace('"pinyin": {', '"espeak": {'))
    keep("piper-de-thorsten", folder)
    with pytest.raises(EngineUnavailable, match="needs a pronunciation dictionary of its own"):
        await Piper(Settings(data_dir=tmp_path)).__aenter__()


def test_without_a_voice_it_says_which_one_to_pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VISAVIS_LANGUAGE", "pl")
    missing = Piper.availability()
    assert (missing.ready, missing.remedy) == (False, "visavis models pull piper-pl-gosia")


def test_every_voice_of_the_catalogue_has_a_graph_its_settings_and_a_language() -> None:
    for model in models_of("tts", "piper"):
        graph, settings = (Path(file.path).name for file in model.files)
        assert settings == f"{graph}.json"
        assert [graph.split("_")[0]] == list(model.languages)
        assert ("Lessac" in model.licence) == model.non_commercial
        assert model.extra == "piper"


def test_ours_is_a_process_without_its_library() -> None:
    program = "import sys, visavis.engines.tts.piper, visavis.engines.tts.kokoro as k; k.Kokoro.availability(); "
    program += "assert not {'piper', 'kokoro_onnx', 'phonemizer', 'onnxruntime', 'onnx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
