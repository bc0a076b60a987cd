"""Whisper, with a model that was never trained: what it says is nonsense, how it says it is as it must be."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from numpy.typing import NDArray

from tests.engines.asr.test_pocketsphinx import CHUNK, read
from tests.engines.asr.tiny_whisper import make
from tests.weights.pulled import keep
from visavis.assets import question_path
from visavis.conversation.question import utterances
from visavis.engines.asr import whisper as module
from visavis.engines.asr.languages import CODES, whisper_code
from visavis.engines.asr.whisper import RATE, Whisper, quietest
from visavis.engines.contract import check_asr
from visavis.engines.loading import Engines
from visavis.engines.protocols import Carry, Recognition, Transcript
from visavis.engines.registry import candidates, choose
from visavis.engines.vad.silero import Silero
from visavis.errors import BadInput, EngineUnavailable
from visavis.media.audio import Audio
from visavis.settings import Settings
from visavis.streams.flow import Stream

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("faster_whisper") is None, reason="the extra 'whisper' is not installed"
    ),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("whisper"))


@pytest.fixture
def settings(model: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("VISAVIS_WHISPER_MODEL", str(model))
    return Settings(whisper_model=str(model), whisper_device="cpu", threads=1)


@pytest_asyncio.fixture
async def ear(settings: Settings) -> AsyncIterator[Whisper]:
    async with Whisper(settings) as engine:
        engine._again = RATE  # whatever else this machine does meanwhile
        yield engine


@pytest.fixture(scope="module")
def question() -> Audio:
    return read(question_path())


async def hear(ear: Whisper, audio: Audio, carry: Carry | None = None) -> tuple[list[Transcript], Carry]:
    """The transcripts after each 128 ms, and the carry; the last is final."""
    found = []
    for begin in range(0, len(audio), CHUNK):
        chunk = audio.slice(begin, begin + CHUNK)
        transcript, carry = await ear.recognize(chunk, carry, Recognition(), begin + CHUNK >= len(audio))
        found.append(transcript)
    assert carry is not None
    return found, carry


async def read_whole(ear: Whisper, audio: Audio, language: str = "en") -> Transcript:
    """Its transcript, without guesses on the way."""
    transcript, _ = await ear.recognize(audio, None, Recognition(language), True)
    return transcript


async def test_it_keeps_the_laws_of_a_recogniser(settings: Settings, question: Audio) -> None:
    await check_asr(Whisper(settings), question)


async def test_another_engine_goes_on_where_one_stopped(ear: Whisper, settings: Settings, question: Audio) -> None:
    half = len(question) // 2 // CHUNK * CHUNK
    carry: Carry | None = None
    for begin in range(0, half, CHUNK):
        _, carry = await ear.recognize(question.slice(begin, begin + CHUNK), carry, Recognition(), False)
    (*_, here), _ = await hear(ear, question.slice(half, len(question)), carry=carry)
    async with Whisper(settings) as other:
        (*_, there), _ = await hear(other, question.slice(half, len(question)), carry=carry)
    assert here == there
    assert here.text


async def test_words_have_times_inside_the_sound_and_are_those_of_the_text(ear: Whisper, question: Audio) -> None:
    (*_, final), _ = await hear(ear, question)
    assert final.final
    assert len(final.words) >= 2
    assert " ".join(word.text for word in final.words) == final.text
    assert all(a.start <= b.start and a.end <= b.start for a, b in pairwise(final.words))
    assert 0 <= final.words[0].start < final.words[-1].end <= len(question)


async def test_what_is_being_said_is_shown_once_a_second(
    ear: Whisper, question: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[int] = []
    segments = module._segments

    def noted(model: Any, sound: NDArray[np.float32], *rest: Any) -> Iterator[Any]:
        heard.append(len(sound))
        return segments(model, sound, *rest)

    monkeypatch.setattr(module, "_segments", noted)
    transcripts, _ = await hear(ear, question)
    shown = [transcript.text for transcript in transcripts[:-1]]
    assert any(shown)
    assert not any(shown[: RATE // CHUNK])
    distinct = list(dict.fromkeys(heard))  # one that runs in circles is read twice
    assert all(b - a >= RATE for a, b in pairwise(distinct[:-1]))
    assert distinct[-1] == len(question), "the final one is about all sound"
    assert len(distinct) == len(question) // RATE + 1


async def test_a_recording_is_read_once(ear: Whisper, question: Audio, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    segments = module._segments

    def noted(model: Any, sound: NDArray[np.float32], *rest: Any) -> Iterator[Any]:
        heard.append(len(sound))
        return segments(model, sound, *rest)

    monkeypatch.setattr(module, "_segments", noted)

    async def recorded() -> Stream[Audio]:
        yield question

    async with Silero(Settings()) as vad:
        engines = replace(Engines(*[None] * 6), vad=vad, asr=ear)  # type: ignore[arg-type]
        (final,) = await utterances(recorded(), engines, "en")
    assert final.text
    assert len(set(heard)) == 1


async def test_what_was_final_stays_when_the_speaker_goes_on(ear: Whisper, question: Audio) -> None:
    (*_, first), carry = await hear(ear, question)
    (*_, both), _ = await hear(ear, question, carry=carry)
    assert both.text == f"{first.text} {first.text}"
    assert both.words[: len(first.words)] == first.words
    assert [word.start - len(question) for word in both.words[len(first.words) :]] == [w.start for w in first.words]
    nothing_new, _ = await ear.recognize(Audio.silence(0, RATE), carry, Recognition(), True)
    assert nothing_new == first


async def test_silence_and_noise_are_no_words(ear: Whisper) -> None:
    noise = Audio(np.random.default_rng(0).normal(0, 0.002, 2 * RATE).astype(np.float32), RATE)
    for sound in (Audio.silence(3 * RATE, RATE), Audio.silence(160, RATE), noise):
        (*_, final), _ = await hear(ear, sound)
        assert final == Transcript("", (), True)
    nothing, _ = await ear.recognize(Audio.silence(0, RATE), None, Recognition(), True)
    assert nothing == Transcript("", (), True)


async def test_an_utterance_of_a_minute_is_cut_where_it_is_quiet(ear: Whisper, question: Audio) -> None:
    pause = Audio.silence(RATE // 2, RATE)
    sound = Audio.join([question, pause] * 15)
    ear._again = len(sound)  # the guesses are another test's
    carry: Carry | None = None
    offsets = set()
    for begin in range(0, len(sound), CHUNK):
        last = begin + CHUNK >= len(sound)
        transcript, carry = await ear.recognize(sound.slice(begin, begin + CHUNK), carry, Recognition(), last)
        assert carry.value.samples < 28 * RATE
        offsets.add(carry.value.offset)
    cuts = sorted(offsets)[1:-1]
    assert len(cuts) == 2
    assert all(np.abs(sound.samples[cut - 800 : cut + 800]).max() < 0.01 for cut in cuts)
    assert all(20 * RATE <= b - a <= 28 * RATE for a, b in pairwise([0, *cuts]))
    starts = [word.start for word in transcript.words]
    assert starts == sorted(starts)
    assert starts[-1] > cuts[-1]
    assert transcript.words[-1].end <= len(sound)


def test_the_quietest_place_is_found() -> None:
    sound = np.full(10 * RATE, 0.5, np.float32)
    sound[7 * RATE : 7 * RATE + 4000] = 0.01
    assert 7 * RATE < quietest(sound, 5 * RATE, 10 * RATE) < 7 * RATE + 4000


async def test_text_that_runs_in_circles_is_read_again(
    ear: Whisper, question: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    segments = module._segments

    def noted(model: Any, sound: NDArray[np.float32], language: str, beams: int, unlike: int) -> Iterator[Any]:
        asked.append(unlike)
        return segments(model, sound, language, beams, unlike)

    monkeypatch.setattr(module, "_segments", noted)
    monkeypatch.setattr(module, "_LOOP", 0.0)  # so everything does
    (*_, final), _ = await hear(ear, question)
    assert asked[-2:] == [0, 3]
    tokens = final.text.split()
    runs = [tuple(tokens[k : k + 3]) for k in range(len(tokens) - 2)]
    assert len(runs) == len(set(runs))


async def test_each_language_has_its_own_token(ear: Whisper, question: Audio) -> None:
    heard = {code: (await read_whole(ear, question, code)).text for code in ("en", "de", "pt-BR", "nb", "zh")}
    assert all(heard.values())
    assert len(set(heard.values())) >= 3  # the network was never told what they mean
    assert heard["nb"] == (await read_whole(ear, question, "no")).text


async def test_a_language_that_it_does_not_know_is_refused_in_one_line(ear: Whisper) -> None:
    for language, says in (
        ("tlh", "does not know the language 'tlh'"),
        ("yue", "does not know Cantonese: use large-v3"),
    ):
        with pytest.raises(BadInput, match=says):
            await ear.recognize(Audio.silence(CHUNK, RATE), None, Recognition(language), False)


async def test_a_call_that_is_cancelled_leaves_an_engine_that_works(ear: Whisper, question: Audio) -> None:
    alone = await read_whole(ear, question)
    task = asyncio.create_task(ear.recognize(question, None, Recognition(), True))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await read_whole(ear, question) == alone


def test_it_is_chosen_where_its_model_is(settings: Settings) -> None:
    assert choose("asr", settings).info.name == "whisper"
    assert choose("asr", Settings(language="de")).info.name == "whisper"
    assert next(c for c in candidates("asr") if c.availability.ready).info.name == "whisper"
    assert len({whisper_code(code) for code in CODES} - {None}) == 100


@pytest.mark.parametrize(
    ("setting", "reason", "remedy"),
    [
        ("small", "the model 'small' is not on this machine", "visavis models pull whisper-small, or hf download"),
        ("small", "the model 'small' is not on this machine", "hf download Systran/faster-whisper-small, or set"),
        ("openai/whisper-tiny", "'openai/whisper-tiny' is not", "hf download Systran/faster-whisper-tiny, or set"),
        ("turbo", "'turbo' is not", "hf download mobiuslabsgmbh/faster-whisper-large-v3-turbo"),
        ("someone/whisper-ct2", "is not on this machine", "hf download someone/whisper-ct2"),
        ("/nowhere", "there is no folder /nowhere", "set VISAVIS_WHISPER_MODEL"),
    ],
)
def test_a_model_that_is_not_here_is_never_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, reason: str, remedy: str
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("VISAVIS_WHISPER_MODEL", setting)
    found = Whisper.availability()
    assert not found.ready
    assert reason in found.reason
    assert remedy in found.remedy


async def test_a_model_in_the_hugging_face_cache_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    repository = tmp_path / "hub" / "models--Systran--faster-whisper-small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc123")
    shutil.copytree(model, repository / "snapshots" / "abc123")
    assert Whisper.availability().ready
    async with Whisper(Settings(whisper_device="cpu", threads=1)) as ear:
        assert ear.model_name == "small"
    (repository / "snapshots" / "abc123" / "tokenizer.json").unlink()
    found = Whisper.availability()
    assert "has no tokenizer.json" in found.reason
    assert found.remedy == "visavis models pull whisper-small"


async def test_a_model_that_was_pulled_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path, question: Audio
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "nothing"))
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("VISAVIS_WHISPER_MODEL", raising=False)
    keep("whisper-base", model)
    assert Whisper.availability().ready, "of those that were pulled, another will do"
    assert Whisper(Settings()).model_name == "Systran/faster-whisper-base"
    keep("whisper-small", model)
    async with Whisper(Settings(whisper_device="cpu", threads=1)) as ear:
        assert ear.model_name == "small"
        assert (await read_whole(ear, question)).text
    monkeypatch.setenv("VISAVIS_WHISPER_MODEL", "turbo")
    assert Whisper.availability().remedy.startswith("visavis models pull whisper-large-v3-turbo, or hf download")


async def test_a_model_that_is_damaged_is_refused_in_one_line(tmp_path: Path, model: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(model, damaged)
    with (damaged / "model.bin").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(EngineUnavailable, match=r"Whisper cannot load .* on cpu as int8") as refusal:
        await Whisper(Settings(whisper_model=str(damaged), whisper_device="cpu")).__aenter__()
    assert "\n" not in str(refusal.value)
