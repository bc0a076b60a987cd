"""PocketSphinx writes down what was said, the same words whatever happens to its decoders."""

from __future__ import annotations

import asyncio
import os
import signal
import wave
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
import soxr

from visavis.assets import question_path
from visavis.engines.asr import pocketsphinx as module
from visavis.engines.asr.pocketsphinx import RATE, PocketSphinx
from visavis.engines.asr.words import clean
from visavis.engines.contract import check_asr
from visavis.engines.protocols import Carry, Recognition, Transcript
from visavis.engines.tts.flite import Flite
from visavis.errors import BadInput
from visavis.media.audio import Audio
from visavis.media.speech import Line
from visavis.settings import Settings

pytestmark = pytest.mark.skipif(not PocketSphinx.availability().ready, reason=PocketSphinx.availability().reason)
CHUNK = 2048


@pytest_asyncio.fixture
async def ear() -> AsyncIterator[PocketSphinx]:
    async with PocketSphinx(Settings()) as engine:
        yield engine


def read(path: Path) -> Audio:
    """A WAV file at 16 kHz."""
    with wave.open(str(path)) as file:
        sound = Audio.from_int16(np.frombuffer(file.readframes(file.getnframes()), np.int16), file.getframerate())
    return sound if sound.rate == RATE else Audio(soxr.resample(sound.samples, sound.rate, RATE), RATE)


async def hear(ear: PocketSphinx, audio: Audio) -> list[Transcript]:
    """The transcripts after each 128 ms; the last is final."""
    found = []
    carry: Carry | None = None
    for begin in range(0, len(audio), CHUNK):
        chunk = audio.slice(begin, begin + CHUNK)
        transcript, carry = await ear.recognize(chunk, carry, Recognition(), begin + CHUNK >= len(audio))
        found.append(transcript)
    return found


async def speak(text: str, voice: str) -> Audio:
    async with Flite(Settings()) as flite:
        pieces = [piece.audio async for piece in flite.synthesize(Line(text), voice)]
    silence = Audio.silence(RATE * 3 // 10, RATE)
    return Audio.join([silence, *pieces, silence])


def errors(said: str, heard: str) -> int:
    """Words to insert, delete or replace (Levenshtein)."""
    a, b = said.split(), heard.split()
    row = list(range(len(b) + 1))
    for i, word in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


async def test_it_keeps_the_laws_of_a_recogniser() -> None:
    engine = PocketSphinx(Settings())
    await check_asr(engine, read(question_path()), engine._live.clear)


async def test_the_sample_question_is_understood_word_for_word(ear: PocketSphinx) -> None:
    transcripts = await hear(ear, read(question_path()))
    final = transcripts[-1]
    assert final.text == "what can you tell me about friendship"
    assert " ".join(word.text for word in final.words) == final.text
    assert any("what can you" in transcript.text for transcript in transcripts[:-8]), "words come while they are spoken"


async def test_words_stand_where_they_were_said(ear: PocketSphinx) -> None:
    sound = read(question_path())
    words = (await hear(ear, sound))[-1].words
    assert abs(words[0].start / RATE - 0.34) < 0.08
    assert all(a.end <= b.start + 160 for a, b in pairwise(words))
    assert words[-1].end / RATE < sound.duration - 0.4


@pytest.mark.skipif(not Flite.availability().ready, reason="libflite1 is not installed")
async def test_clear_questions_are_understood(ear: PocketSphinx) -> None:
    questions = [
        ("slt", "what time is it"), ("slt", "do you like music"), ("slt", "can you help me with my homework"),
        ("rms", "why is the sky blue"), ("rms", "what is your name"), ("rms", "where do you live"),
        ("rms", "what should i have for dinner tonight"), ("awb", "where do you live"), ("awb", "do you like music"),
    ]  # fmt: skip
    wrong = total = 0
    for voice, question in questions:
        heard = (await hear(ear, await speak(question + "?", voice)))[-1].text
        wrong += errors(question, heard)
        total += len(question.split())
    assert wrong / total <= 0.1


async def test_silence_and_noise_are_not_words(ear: PocketSphinx) -> None:
    noise = np.random.default_rng(0).normal(0, 0.002, RATE).astype(np.float32)
    for sound in (Audio.silence(RATE, RATE), Audio.silence(160, RATE), Audio(noise, RATE)):
        final = (await hear(ear, sound))[-1]
        assert len(final.words) <= 1
        assert final.final
    nothing, _ = await ear.recognize(Audio.silence(0, RATE), None, Recognition(), True)
    assert nothing == Transcript("", (), True)


async def test_a_long_utterance_is_settled_passage_by_passage(
    ear: PocketSphinx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PASSAGE", 2 * RATE)
    monkeypatch.setattr(module, "_LONGEST_PASSAGE", 5 * RATE)
    question = read(question_path())
    sound = Audio.join([question] * 4)
    carry: Carry | None = None
    for begin in range(0, len(sound), CHUNK):
        final = begin + CHUNK >= len(sound)
        transcript, carry = await ear.recognize(sound.slice(begin, begin + CHUNK), carry, Recognition(), final)
        assert carry.value.samples <= 5 * RATE + CHUNK
    starts = [word.start for word in transcript.words]
    assert starts == sorted(starts)
    assert errors("what can you tell me about friendship " * 4, transcript.text) <= 8
    assert transcript.words[-1].end > 3.3 * len(question)


async def test_a_call_that_is_cancelled_leaves_an_engine_that_works(ear: PocketSphinx) -> None:
    sound = read(question_path())
    _, carry = await ear.recognize(sound.slice(0, CHUNK), None, Recognition(), False)
    task = asyncio.create_task(ear.recognize(sound.slice(CHUNK, 4 * CHUNK), carry, Recognition(), False))
    await asyncio.sleep(0.002)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await hear(ear, sound))[-1].text == "what can you tell me about friendship"


async def test_an_utterance_goes_on_where_its_process_died(ear: PocketSphinx) -> None:
    sound = read(question_path())
    half = len(sound) // 2 // CHUNK * CHUNK
    carry: Carry | None = None
    for begin in range(0, half, CHUNK):
        _, carry = await ear.recognize(sound.slice(begin, begin + CHUNK), carry, Recognition(), False)
    assert ear._child is not None
    assert ear._child.pid is not None
    os.kill(ear._child.pid, signal.SIGKILL)
    await asyncio.sleep(0.2)
    transcript, _ = await ear.recognize(sound.slice(half, len(sound)), carry, Recognition(), True)
    assert transcript.text == "what can you tell me about friendship"


async def test_many_utterances_at_once_share_few_decoders(ear: PocketSphinx) -> None:
    sound = read(question_path()).slice(0, RATE)
    carries: list[Carry | None] = [None] * 5
    for begin in (0, CHUNK, 2 * CHUNK):
        for i, carry in enumerate(carries):
            _, carries[i] = await ear.recognize(sound.slice(begin, begin + CHUNK), carry, Recognition(), False)
    assert len(ear._free) + len(ear._live) <= 3


async def test_another_language_is_refused_in_one_line(ear: PocketSphinx) -> None:
    with pytest.raises(BadInput, match="understands English only, not 'de'"):
        await ear.recognize(Audio.silence(CHUNK, RATE), None, Recognition("de"), False)


def test_noises_variants_and_foul_words_are_left_out() -> None:
    raw = ["<s>", "hello(2)", "[NOISE]", "<sil>", "world", "fucking", "shit(2)", "bitches", "++um++", "class", "scrap"]
    assert [word for word in map(clean, raw) if word] == ["hello", "world", "class", "scrap"]


@pytest.mark.reference
@pytest.mark.parametrize(
    ("name", "said", "wrong"),
    [
        ("weather_question", "what is the weather in paris", 0),
        ("hello_world", "hello world", 0),
        ("who_are_you", "who are you", 1),
    ],
)
async def test_recorded_questions_are_understood(
    ear: PocketSphinx, reference: Path, name: str, said: str, wrong: int
) -> None:
    heard = (await hear(ear, read(reference / "speech" / f"{name}.wav")))[-1].text
    assert errors(said, heard) <= wrong
