"""Moonshine, by its own library, with a model that was never trained but has the files and graphs of the real ones."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from tests.conversation.stage import Stage, on_stage
from tests.engines.asr.test_pocketsphinx import CHUNK
from tests.engines.asr.tiny_moonshine import FRAME, WORD, WORDS, make, make_first
from tests.weights.pulled import keep
from visavis.conversation import events
from visavis.engines import registry
from visavis.engines.asr.moonshine import _AGAIN, _LONGEST_PASSAGE, _PASSAGE, Moonshine
from visavis.engines.asr.moonshine_decoder import RATE, Decoder, Reading
from visavis.engines.contract import check_asr
from visavis.engines.protocols import Availability, Carry, Recognition, Transcript
from visavis.errors import BadInput, EngineUnavailable
from visavis.media.audio import Audio
from visavis.settings import Settings
from visavis.weights.models import place

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("moonshine_voice") is None, reason="the extra 'moonshine' is not installed"
    ),
    pytest.mark.skipif(importlib.util.find_spec("onnx") is None, reason="the extra 'wav2lip' is not installed"),
]
STEP = FRAME * WORD
"""Samples of a word."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("moonshine"))


@pytest.fixture
def english(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    keep("moonshine-small-en", model)
    return Settings(data_dir=tmp_path)


@pytest_asyncio.fixture
async def ear(english: Settings) -> AsyncIterator[Moonshine]:
    async with Moonshine(english) as engine:
        engine._again = _AGAIN  # whatever else this machine does meanwhile
        yield engine


def speech(seed: int, words: int) -> tuple[Audio, str]:
    """Sound in which the model hears so many words, and these; 0.2 s of silence follow."""
    rng = np.random.default_rng(seed)
    said = rng.integers(1, len(WORDS), words)
    levels = np.repeat((said + 0.5) / (8 * len(WORDS)), STEP)
    sound = np.concatenate([levels * rng.choice([-1.0, 1.0], len(levels)), np.zeros(RATE // 5)])
    return Audio(sound.astype(np.float32), RATE), " ".join(WORDS[k] for k in said)


async def hear(
    ear: Moonshine, audio: Audio, carry: Carry | None = None, *, guesses: bool = True
) -> tuple[list[Transcript], Carry]:
    """The transcripts after each 128 ms, and the carry; the last is final."""
    found = []
    for begin in range(0, len(audio), CHUNK):
        last = begin + CHUNK >= len(audio)
        chunk = audio.slice(begin, begin + CHUNK)
        transcript, carry = await ear.recognize(chunk, carry, Recognition(guesses=guesses), last)
        found.append(transcript)
    assert carry is not None
    return found, carry


async def test_it_keeps_the_laws_of_a_recogniser(english: Settings) -> None:
    engine = Moonshine(english)
    await check_asr(engine, speech(1, 8)[0], engine._live.clear)


async def test_words_are_shown_while_they_are_said(ear: Moonshine) -> None:
    sound, said = speech(2, 8)
    (*shown, final), _ = await hear(ear, sound)
    assert final == Transcript(said, (), True)
    texts = list(dict.fromkeys(each.text for each in shown))
    assert len(texts) >= 4
    assert all(b.startswith(a) for a, b in pairwise(texts))
    assert said.startswith(texts[-1])


def test_a_conversation_is_heard_with_it(english: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_ANSWER", "I see. What else?")
    # on a virtual clock, the thread that gives way is that of all the tests
    monkeypatch.setattr("visavis.engines.asr.moonshine_decoder.give_way", lambda: None)
    questions = [speech(seed, 6) for seed in (31, 32)]
    asked: list[str] = []

    async def act(stage: Stage) -> None:
        async with Moonshine(english) as ear:
            stage.session._ear._asr = ear
            for number, (sound, _) in enumerate(questions):
                await stage.hush(1.0)
                for begin in range(0, len(sound), 320):
                    stage.session.hear(sound.slice(begin, begin + 320))
                    await asyncio.sleep(0.02)
                shown = {event.text for event in stage.of(events.Hearing) if not event.final}
                assert len(shown) >= 3 * (number + 1), "words are shown while somebody speaks"
                await stage.until(events.Answered)

        asked.extend(event.text for event in stage.of(events.Hearing) if event.final)

    on_stage(act)
    # the breath before the first word is a word to the tiny model, and so may be the silence after the last
    assert [text.lower().split()[:6] for text in asked] == [["alpha", *said.split()[:5]] for _, said in questions]


async def test_the_last_word_is_heard_however_the_sound_falls_into_steps(ear: Moonshine) -> None:
    sound, said = speech(3, 3)
    for samples in (3 * STEP, 3 * STEP + 1, 3 * STEP + 1279):
        (*_, final), _ = await hear(ear, sound.slice(0, samples))
        assert final.text == said


async def test_words_of_a_recording_have_their_times(ear: Moonshine) -> None:
    sound, said = speech(4, 6)
    (*_, final), _ = await hear(ear, sound, guesses=False)
    assert final.text == said == " ".join(word.text for word in final.words)
    for number, word in enumerate(final.words):
        assert abs(word.start - number * STEP) < RATE // 10
        assert abs(word.end - (number + 1) * STEP) < RATE // 10


async def test_several_people_speak_at_once_and_are_not_mixed_up(ear: Moonshine) -> None:
    said = [speech(10 + k, 6) for k in range(5)]
    heard = await asyncio.gather(*(hear(ear, sound) for sound, _ in said))
    assert [transcripts[-1].text for transcripts, _ in heard] == [text for _, text in said]
    assert len(ear._live) <= ear._most
    assert len(ear._free) <= ear._most


async def test_another_engine_goes_on_where_one_stopped_and_goes_the_same_steps(
    ear: Moonshine, english: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    feed, read = Decoder.feed, Decoder.read

    async def fed(self: Decoder, sound: np.ndarray) -> None:
        steps.append("feed")
        await feed(self, sound)

    async def done(self: Decoder) -> Reading:
        steps.append("read")
        return await read(self)

    sound, said = speech(5, 8)
    half = len(sound) // 2 // CHUNK * CHUNK
    monkeypatch.setattr(Decoder, "feed", fed)
    monkeypatch.setattr(Decoder, "read", done)
    carry: Carry | None = None
    for begin in range(0, half, CHUNK):
        _, carry = await ear.recognize(sound.slice(begin, begin + CHUNK), carry, Recognition(), False)
    first = steps.copy()
    (*_, here), _ = await hear(ear, sound.slice(half, len(sound)), carry=carry)
    async with Moonshine(english) as other:
        other._again = _AGAIN
        steps.clear()
        (*_, there), _ = await hear(other, sound.slice(half, len(sound)), carry=carry)
    assert steps[: len(first)] == first
    assert first.count("read") >= 2
    assert here == there == Transcript(said, (), True)


async def test_what_was_final_stays_when_the_speaker_goes_on(ear: Moonshine) -> None:
    sound, said = speech(6, 4)
    (*_, first), carry = await hear(ear, sound, guesses=False)
    (*_, both), _ = await hear(ear, sound, carry=carry, guesses=False)
    assert both.text == f"{said} {said}"
    assert both.words[:4] == first.words
    assert [word.start - len(sound) for word in both.words[4:]] == [word.start for word in first.words]
    nothing_new, _ = await ear.recognize(Audio.silence(0, RATE), carry, Recognition(), True)
    assert nothing_new == first
    nothing, _ = await ear.recognize(Audio.silence(0, RATE), None, Recognition(), True)
    assert nothing == Transcript("", (), True)


async def test_a_long_utterance_is_settled_in_its_pauses(ear: Moonshine) -> None:
    parts = [speech(20 + k, 12) for k in range(10)]
    sound = Audio.join([part for part, _ in parts])
    carry: Carry | None = None
    offsets = [0]
    for begin in range(0, len(sound), CHUNK):
        chunk = sound.slice(begin, begin + CHUNK)
        transcript, carry = await ear.recognize(chunk, carry, Recognition(), begin + CHUNK >= len(sound))
        if carry.value.offset != offsets[-1]:
            offsets.append(carry.value.offset)
    assert len(offsets) >= 3
    assert all(_PASSAGE <= b - a < _LONGEST_PASSAGE for a, b in pairwise(offsets[:-1]))
    assert all(np.abs(sound.samples[cut - CHUNK // 2 : cut]).max() < 0.01 for cut in offsets[1:-1])
    # of a pause's silence, what lies in the next word's place makes that another
    assert len(transcript.text.split()) >= 110
    assert transcript.text.startswith(parts[0][1])


async def test_a_call_that_is_cancelled_leaves_an_engine_that_works(ear: Moonshine) -> None:
    sound, said = speech(7, 6)
    task = asyncio.create_task(ear.recognize(sound, None, Recognition(), True))
    await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (*_, final), _ = await hear(ear, sound)
    assert final.text == said


async def test_a_language_of_which_no_model_is_here_is_refused_in_one_line(ear: Moonshine) -> None:
    with pytest.raises(BadInput, match="no model here for the language 'de-AT': it knows en"):
        await ear.recognize(Audio.silence(CHUNK, RATE), None, Recognition("de-AT"), False)


async def test_each_language_is_heard_by_its_own_model(english: Settings, model: Path) -> None:
    keep("moonshine-small-ja", model)
    sound, said = speech(8, 3)
    async with Moonshine(english) as ear:
        carry: Carry | None = None
        for language, between in (("ja", ""), ("en", " ")):
            _, carry = await ear.recognize(sound, None, Recognition(language), True)
            twice, _ = await ear.recognize(sound, carry, Recognition(language), True)
            assert twice.text == said + between + said
        assert {decoder.model for decoder in ear._every} == {"moonshine-small-en", "moonshine-small-ja"}


async def test_a_model_of_the_first_kind_hears_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    keep("moonshine-tiny-ko", make_first(tmp_path / "made"))
    sound, said = speech(8, 4)
    cut = 3 * STEP + RATE // 20
    async with Moonshine(Settings(data_dir=tmp_path, language="ko")) as ear:
        half, carry = await ear.recognize(sound.slice(0, cut), None, Recognition("ko"), False)
        final, _ = await ear.recognize(sound.slice(cut, 4 * STEP), carry, Recognition("ko"), True)
    assert half.text == " ".join(said.split()[:3])
    assert final == Transcript(said, (), True)


def test_it_knows_the_languages_of_its_models(english: Settings, model: Path) -> None:
    here = Moonshine.availability()
    assert here.ready
    assert here.info is not None
    assert here.info.languages == ("en",)
    assert (here.info.licence, here.info.commercial) == ("MIT", True)
    keep("moonshine-small-es", model)
    assert (info := Moonshine.availability().info) is not None
    assert set(info.languages) == {"en", "es"}
    assert {"en", "es", "ja", "de", "ko", "uk"} <= set(Moonshine.info.languages)


def test_a_company_does_not_use_models_that_it_must_not(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    keep("moonshine-tiny-ko", model)
    info = Moonshine.availability().info
    assert info is not None
    assert (info.languages, info.licence, info.commercial) == (("ko",), "LicenseRef-Moonshine-Community", False)
    monkeypatch.setenv("VISAVIS_COMMERCIAL_ONLY", "true")
    monkeypatch.setenv("VISAVIS_LANGUAGE", "ko")
    refused = Moonshine.availability()
    assert not refused.ready
    assert refused.remedy == "visavis models pull moonshine-small-en"


@pytest.mark.parametrize(("language", "wanted"), [("en-GB", "small-en"), ("ja", "small-ja"), ("fi", "small-en")])
async def test_where_no_model_is_here_the_one_to_pull_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, wanted: str
) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("VISAVIS_LANGUAGE", language)
    found = Moonshine.availability()
    assert found == Availability(False, "no model of it is on this machine", f"visavis models pull moonshine-{wanted}")
    with pytest.raises(EngineUnavailable, match=f"visavis models pull moonshine-{wanted}"):
        await Moonshine(Settings(data_dir=tmp_path, language=language)).__aenter__()


def test_it_is_chosen_for_the_languages_of_its_models_only(
    english: Settings, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.metadata import EntryPoint

    points = registry._points("asr")
    mine = EntryPoint("moonshine", "visavis.engines.asr.moonshine:Moonshine", "visavis.asr")
    monkeypatch.setattr(registry, "_points", lambda slot: {**points, "moonshine": mine})
    assert registry.choose("asr", Settings()).info.name == "moonshine"
    with pytest.raises(EngineUnavailable, match="knows the language 'es'"):
        registry.choose("asr", Settings(language="es"))
    keep("moonshine-small-es", model)
    assert registry.choose("asr", Settings(language="es")).info.name == "moonshine"
    assert registry.about(Moonshine(english)).languages == registry.choose("asr", english).info.languages


async def test_a_model_that_is_damaged_is_refused_in_one_line(
    english: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = place("moonshine-small-en")
    (encoder,) = folder.rglob("encoder.ort")
    encoder.write_bytes(bytes(encoder.stat().st_size))
    with pytest.raises(
        EngineUnavailable, match=r"Moonshine cannot load .*visavis models pull moonshine-small-en"
    ) as no:
        await Moonshine(english).__aenter__()
    assert "\n" not in str(no.value)


def test_a_model_with_the_librarys_own_files_is_loaded_as_it_is(english: Settings, model: Path) -> None:
    folder = next(place("moonshine-small-en").rglob("tokenizer.bin")).parent
    shutil.copyfile(model / "decoder_kv.ort", folder / "decoder_kv.ort")
    sound, said = speech(9, 4)

    async def read() -> Reading:
        decoder = Decoder("moonshine-small-en", folder, "en")
        await decoder.load()
        await decoder.begin()
        await decoder.feed(sound.samples)
        reading = await decoder.end()
        decoder.close()
        return reading

    assert asyncio.run(read()).text == said
    for file in folder.glob("*attention*"):
        file.unlink()
    assert replace(asyncio.run(read()), words=()) == Reading(said)


def test_nothing_of_a_sound_card_or_a_downloader_is_imported(english: Settings) -> None:
    program = (
        "import asyncio, sys\n"
        "from visavis.engines.asr.moonshine import Moonshine\n"
        "from visavis.settings import load_settings\n"
        "assert 'moonshine_voice' not in sys.modules\n"
        "async def use():\n"
        "    async with Moonshine(load_settings()): pass\n"
        "asyncio.run(use())\n"
        "print(sorted({'sounddevice', 'requests', 'tqdm', 'onnxruntime'} & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.stdout.strip(), run.returncode) == ("[]", 0), run.stderr
