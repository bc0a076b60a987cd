"""espeak-ng: every listed voice speaks, its process may die or hang, and nothing of it is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from visavis.engines.contract import check_tts
from visavis.engines.tts import espeak as module
from visavis.engines.tts.espeak import Espeak, choose_voice, to_ipa
from visavis.errors import BadInput, EngineFailed
from visavis.media.audio import Audio
from visavis.media.phones import VOWEL_LETTERS
from visavis.media.speech import Line, Speech
from visavis.settings import Settings

GREETINGS = {
    "ar": "مرحبا", "bg": "Здравей", "bn": "হ্যালো", "el": "Γειά σου",
    "fa": "سلام", "gu": "નમસ્તે", "hi": "नमस्ते", "hy": "Բարեւ",
    "ka": "გამარჯობა", "kk": "Сәлем", "kn": "ನಮಸ್ಕಾರ", "ko": "안녕하세요",
    "mk": "Здраво", "ml": "ഹലോ", "mr": "नमस्कार", "ne": "नमस्ते",
    "pa": "ਸਤ ਸ੍ਰੀ", "ru": "Привет", "ta": "வணக்கம்", "te": "హలో",
    "uk": "Привіт", "ur": "سلام", "zh": "你好", "yue": "你好",
}  # fmt: skip


@pytest_asyncio.fixture
async def espeak() -> AsyncIterator[Espeak]:
    async with Espeak(Settings()) as engine:
        yield engine


async def said(espeak: Espeak, line: Line, voice: str | None = None) -> list[Speech]:
    return [piece async for piece in espeak.synthesize(line, voice)]


def child(espeak: Espeak) -> int:
    """The worker's process id."""
    assert espeak._process is not None
    assert espeak._process.pid is not None
    return espeak._process.pid


async def test_it_keeps_the_laws_of_a_synthesizer() -> None:
    await check_tts(Espeak(Settings()), Line("Pat may buy a big map, but Bob won't — will he?"))


async def test_every_listed_voice_speaks_its_language(espeak: Espeak) -> None:
    for voice in espeak.voices():
        text = GREETINGS.get(voice.language.split("-")[0], "Mama, 3 papa.")
        (speech,) = await said(espeak, Line(text, voice.language), voice.name)
        assert speech.audio.duration > 0.4, voice
        assert speech.phones, voice
        sounds = [phone.symbol for phone in speech.phones if phone.symbol]
        assert sounds, voice
        assert any(letter in VOWEL_LETTERS for symbol in sounds for letter in symbol), (voice, sounds)
        assert all(symbol.isalpha() for symbol in sounds), (voice, sounds)
        assert " ".join(word.text for word in speech.words) == text, voice


async def test_the_words_told_are_the_words_written(espeak: Espeak) -> None:
    text = "Don't worry — the moon is 384,400 km away; \"that\" is (really) far… isn't it?"
    pieces = await said(espeak, Line(text))
    assert " ".join(word.text for piece in pieces for word in piece.words) == text


async def test_a_long_text_comes_in_several_pieces(espeak: Espeak) -> None:
    pieces = await said(espeak, Line("This is a sentence of some length, " * 30))
    assert len(pieces) > 4
    assert all(piece.audio.duration < 20 for piece in pieces)


async def test_a_line_takes_as_long_twice_and_less_when_asked_to_hurry(espeak: Espeak) -> None:
    (one,), (two,) = await said(espeak, Line("One after the other.")), await said(espeak, Line("One after the other."))
    (fast,) = await said(espeak, Line("One after the other.", speed=1.8))
    assert [p.symbol for p in one.phones or ()] == [p.symbol for p in two.phones or ()]
    assert abs(one.audio.duration - two.audio.duration) < 0.005
    assert fast.audio.duration < 0.75 * one.audio.duration


@pytest.mark.parametrize(
    ("language", "voice", "name"),
    [
        ("en", None, "en-us"), ("en-GB", None, "en-gb"), ("en-AU", None, "en-us"), ("de-AT", None, "de"),
        ("fr", None, "fr-fr"), ("fr-CH", None, "fr-ch"), ("zh-CN", None, "cmn"), ("no", None, "nb"),
        ("pt", None, "pt"), ("pt-BR", None, "pt-br"), ("en", "en-gb", "en-gb"), ("ES", None, "es"),
    ],
)  # fmt: skip
def test_the_language_chooses_the_voice(language: str, voice: str | None, name: str) -> None:
    assert choose_voice(language, voice) == name


@pytest.mark.parametrize(
    ("language", "voice", "message"),
    [
        ("tlh", None, "does not speak 'tlh'; it has: en, "),
        ("en", "slt", "no voice 'slt'; choose one of: en-us, "),
        ("en", "de", "voice 'de' speaks German, not 'en'"),
    ],
)
def test_what_it_cannot_say_is_refused_in_one_line(language: str, voice: str | None, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        choose_voice(language, voice)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("symbol", "ipa"),
    [
        ("ˈoʊ", ("oʊ",)),
        ("iː", ("i",)),
        ("ˈɔːɹ", ("ɔ", "ɹ")),
        ("tʃ", ("tʃ",)),
        ("ç", ("ç",)),
        ("ɐ̃", ("ɐ",)),
        ("g", ("ɡ",)),
    ],
)
def test_phones_are_plain_ipa(symbol: str, ipa: tuple[str, ...]) -> None:
    assert to_ipa(symbol) == ipa


async def test_a_process_that_died_is_started_again(espeak: Espeak) -> None:
    before = child(espeak)
    os.kill(before, signal.SIGKILL)
    await asyncio.sleep(0.1)
    assert await said(espeak, Line("Still here."))
    assert child(espeak) != before


async def test_a_process_that_hangs_is_an_engine_failure_and_then_works_again(
    espeak: Espeak, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_ANSWER", 0.3)
    os.kill(child(espeak), signal.SIGSTOP)
    with pytest.raises(EngineFailed, match="does not answer"):
        await said(espeak, Line("Hello?"))
    monkeypatch.setattr(module, "_ANSWER", 10.0)
    assert await said(espeak, Line("Back again."))


async def test_a_cancelled_request_leaves_an_engine_that_works(espeak: Espeak) -> None:
    os.kill(child(espeak), signal.SIGSTOP)
    task = asyncio.create_task(said(espeak, Line("Never mind.")))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (speech,) = await said(espeak, Line("Next."))
    assert [word.text for word in speech.words] == ["Next."]


@pytest.mark.parametrize("hung", [False, True])
async def test_leaving_ends_the_process(hung: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LEAVE", 0.3)
    async with Espeak(Settings()) as espeak:
        pid = child(espeak)
        if hung:
            os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_silence_for_a_text_without_words(espeak: Espeak) -> None:
    (speech,) = await said(espeak, Line(" … "))
    assert speech.audio.samples.tolist() == Audio.silence(len(speech.audio), 22050).samples.tolist()


def test_its_process_starts_without_numpy_and_ours_without_its_library() -> None:
    light = "import sys, visavis.engines.tts.espeak_process as p; assert 'numpy' not in sys.modules"
    apart = "import sys, visavis.engines.tts.espeak as e; assert 'espeakng_loader' not in sys.modules"
    for program in (light, apart):
        subprocess.run([sys.executable, "-c", program], check=True)
