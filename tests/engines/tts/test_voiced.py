"""Piper and Kokoro, each by its own library and in its own process, with tiny models in the files of the real ones."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from tests.engines.tts.tiny_voices import make_kokoro, make_piper
from tests.weights.pulled import keep
from visavis.engines.contract import check_tts
from visavis.engines.tts import kokoro, piper
from visavis.engines.tts.kokoro import Kokoro
from visavis.engines.tts.pieces import LEVEL
from visavis.engines.tts.piper import Piper
from visavis.errors import BadInput, EngineFailed, EngineUnavailable
from visavis.media.speech import Line, Speech
from visavis.settings import Settings

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("piper") is None, reason="the extra 'piper' is not installed"),
    pytest.mark.skipif(importlib.util.find_spec("kokoro_onnx") is None, reason="the extra 'kokoro' is not installed"),
]
TEXT = "Pat may buy a big map, but Bob won't — will he? Don't wait: \"that\" is (really) [far]… isn't it, at 3 o'clock?"
Voices = Piper | Kokoro
Make = Callable[..., Voices]


@pytest.fixture(params=[Piper, Kokoro])
def make(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """An engine that has a model, which tells durations or not."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))

    def made(durations: bool = True) -> Voices:
        if request.param is Piper:
            folder = make_piper(tmp_path / "piper", "en_US-kristin-medium", "en-us", durations=durations)
            keep("piper-en-kristin", folder)
            return Piper(Settings(data_dir=tmp_path))
        folder = make_kokoro(tmp_path / "kokoro", durations=durations)
        keep("kokoro", folder)
        return Kokoro(Settings(data_dir=tmp_path))

    return made


@pytest_asyncio.fixture
async def voice(make: Make) -> AsyncIterator[Voices]:
    async with make() as engine:
        yield engine


async def said(engine: Voices, text: str, voice: str | None = None, *, speed: float = 1.0) -> list[Speech]:
    return [piece async for piece in engine.synthesize(Line(text, "en", speed), voice)]


def child(engine: Voices) -> int:
    """The process's id."""
    assert engine._process is not None
    assert engine._process.pid is not None
    return engine._process.pid


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("durations", [True, False])
async def test_it_keeps_the_laws_of_a_synthesizer(make: Make, durations: bool) -> None:
    await check_tts(make(durations), Line(TEXT))


async def test_the_words_told_are_the_words_written(voice: Voices) -> None:
    pieces = await said(voice, TEXT)
    assert " ".join(word.text for piece in pieces for word in piece.words) == TEXT


async def test_phones_are_told_exactly_when_they_are_heard(voice: Voices) -> None:
    for piece in await said(voice, TEXT):
        assert piece.phones
        assert [phone.symbol for phone in piece.phones if phone.symbol]
        for phone in piece.phones:
            sound = piece.audio.samples[phone.start : phone.end]
            assert (np.abs(sound).max() > 0.03) == bool(phone.symbol), phone
        for word in piece.words:
            inside = [p for p in piece.phones if p.symbol and word.start <= p.start and p.end <= word.end]
            assert (inside[0].start, inside[-1].end) == (word.start, word.end), word


async def test_symbols_become_sounds_that_lips_know(voice: Voices) -> None:
    (piece,) = await said(voice, "Judge my boat now.")
    assert piece.phones
    assert [p.symbol for p in piece.phones if p.symbol] == [
        "dʒ", "ʌ", "dʒ", "m", "aɪ", "b", "oʊ", "t", "n", "aʊ",
    ]  # fmt: skip


async def test_without_durations_words_are_laid_over_the_sound(make: Make) -> None:
    async with make(durations=False) as voice:
        pieces = await said(voice, TEXT)
    assert " ".join(word.text for piece in pieces for word in piece.words) == TEXT
    for piece in pieces:
        assert piece.phones is None
        assert piece.words[-1].end <= len(piece.audio)
        assert piece.words[-1].end >= 0.6 * len(piece.audio)


async def test_a_long_text_begins_with_a_short_piece_and_comes_in_many(voice: Voices) -> None:
    pieces = await said(voice, "This is a sentence of some length, " * 30)
    assert len(pieces) > 8
    assert len(pieces[0].words) < len(pieces[1].words)
    assert sum(len(piece.words) for piece in pieces) == 7 * 30


async def test_an_endless_word_is_said_in_parts(voice: Voices) -> None:
    pieces = await said(voice, "a" * 1500)
    assert len(pieces) > 3
    assert sum(piece.audio.duration for piece in pieces) > 1


async def test_silence_for_a_text_without_words(voice: Voices) -> None:
    for text in ("", " … "):
        (piece,) = await said(voice, text)
        assert piece.final
        assert len(piece.audio)
        assert not piece.audio.samples.any()


async def test_it_is_as_loud_as_every_voice(voice: Voices) -> None:
    (piece,) = await said(voice, "The maps on the bus.")
    assert piece.phones
    sounding = np.concatenate([piece.audio.samples[p.start : p.end] for p in piece.phones if p.symbol])
    assert abs(20 * np.log10(np.sqrt(np.mean(sounding**2)) / LEVEL)) < 1


async def test_a_hurried_line_takes_less_time(voice: Voices) -> None:
    (usual,), (fast,) = await said(voice, "One after the other."), await said(voice, "One after the other.", speed=1.8)
    assert fast.words[-1].end < 0.75 * usual.words[-1].end


async def test_a_voice_or_language_that_it_has_not_is_refused_in_a_sentence(voice: Voices) -> None:
    name = voice.voices()[0].name
    with pytest.raises(BadInput, match=f"no voice 'nobody'; choose one of: {name}"):
        await said(voice, "Hello.", "nobody")
    with pytest.raises(BadInput, match="does not speak 'de'; it has: en-US"):
        [_ async for _ in voice.synthesize(Line("Guten Tag.", "de"), None)]
    with pytest.raises(BadInput, match=f"voice '{name}' speaks 'en-US', not 'de'"):
        [_ async for _ in voice.synthesize(Line("Guten Tag.", "de"), name)]
    assert await said(voice, "Hello.", name.upper())


async def test_a_process_that_is_killed_in_mid_speech_is_a_failure_and_then_speaks_again(voice: Voices) -> None:
    pid = child(voice)
    os.kill(pid, signal.SIGSTOP)
    speaking = asyncio.ensure_future(said(voice, "Hello there."))
    await asyncio.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(EngineFailed, match="its process ended; try again, or use another"):
        await speaking
    (piece,) = await said(voice, "Still here.")
    assert [word.text for word in piece.words] == ["Still", "here."]
    assert child(voice) != pid


async def test_a_process_that_hangs_is_a_failure(voice: Voices, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (piper, kokoro):
        monkeypatch.setattr(module, "_ANSWER", 0.3)
    os.kill(child(voice), signal.SIGSTOP)
    with pytest.raises(EngineFailed, match="does not answer"):
        await said(voice, "Hello?")


async def test_who_stops_listening_loses_nobody_the_loaded_voice(voice: Voices) -> None:
    pid = child(voice)
    listening = asyncio.ensure_future(said(voice, TEXT * 20))
    await asyncio.sleep(0.02)
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    (piece,) = await said(voice, "Next.")
    assert [word.text for word in piece.words] == ["Next."]
    assert child(voice) == pid


@pytest.mark.parametrize("hung", [False, True])
async def test_nothing_is_left_of_a_voice_that_is_left_in_mid_speech(
    make: Make, hung: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (piper, kokoro):
        monkeypatch.setattr(module, "_LEAVE", 0.3)
    async with make() as engine:
        pid = child(engine)
        if hung:
            os.kill(pid, signal.SIGSTOP)
        speaking = asyncio.ensure_future(said(engine, TEXT * 20))
        await asyncio.sleep(0.02)
        speaking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await speaking
    assert gone(pid)


async def test_two_who_speak_at_once_are_both_heard(voice: Voices) -> None:
    one, two = await asyncio.gather(said(voice, "One after the other."), said(voice, "Both of us."))
    assert [word.text for piece in one for word in piece.words] == ["One", "after", "the", "other."]
    assert [word.text for piece in two for word in piece.words] == ["Both", "of", "us."]


async def test_a_model_that_is_damaged_is_refused_at_once(make: Make, tmp_path: Path) -> None:
    engine = make()
    for path in (tmp_path / "weights").rglob("*.onnx"):
        path.write_bytes(path.read_bytes()[:-100].ljust(path.stat().st_size, b"\0"))
    with pytest.raises(EngineUnavailable, match="cannot speak: "):
        await engine.__aenter__()
    assert engine._process is None


async def test_a_model_that_was_removed_is_not_offered(make: Make, tmp_path: Path) -> None:
    engine = make()
    for path in (tmp_path / "weights").rglob("*.onnx"):
        path.unlink()
    assert engine.voices() == []
    assert not engine.availability().ready
    assert "visavis models pull" in engine.availability().remedy
    with pytest.raises(EngineUnavailable, match=r"cannot run here: .*visavis models pull"):
        await engine.__aenter__()
