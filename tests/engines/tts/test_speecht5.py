"""SpeechT5, with networks that were never trained: what they hum is nonsense, how they hum it is as it must be."""

from __future__ import annotations

import asyncio
import importlib.util
import pickle
import shutil
import zipfile
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from tests.engines.tts.tiny_speecht5 import SPEAKERS, environment, make
from visavis.engines.contract import check_tts
from visavis.engines.loading import check_voice
from visavis.engines.registry import choose
from visavis.engines.tts import speakers
from visavis.engines.tts.pace import paced
from visavis.engines.tts.speecht5 import SpeechT5
from visavis.errors import BadInput, EngineUnavailable
from visavis.media.speech import Line, Speech
from visavis.settings import Settings, load_settings

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("transformers") is None, reason="the extra 'speecht5' is not installed"
    ),
    pytest.mark.slow,
]
LINE = Line("Pat may buy a big map, but Bob won't.")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("speecht5"))


@pytest.fixture
def settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    return load_settings()


@pytest_asyncio.fixture
async def mouth(settings: Settings) -> AsyncIterator[SpeechT5]:
    async with SpeechT5(settings) as engine:
        yield engine


async def spoken(mouth: SpeechT5, line: Line, voice: str | None = None) -> list[Speech]:
    return [piece async for piece in mouth.synthesize(line, voice)]


def sound(pieces: list[Speech]) -> np.ndarray:
    return np.concatenate([piece.audio.samples for piece in pieces])


@pytest.mark.parametrize("voice", [None, "male"])
async def test_it_keeps_the_laws_of_a_synthesizer(settings: Settings, voice: str | None) -> None:
    await check_tts(SpeechT5(settings), LINE, voice)


async def test_it_speaks_at_16_khz_as_loud_as_every_voice(mouth: SpeechT5) -> None:
    (speech,) = await spoken(mouth, Line("Hi there."))
    assert speech.audio.rate == 16_000
    pause = round(0.3 * 16_000)
    assert not speech.audio.samples[-pause:].any()
    level = float(np.sqrt(np.mean(speech.audio.samples[:-pause] ** 2)))
    assert 0.08 < level < 0.2
    assert speech.phones is None, "it does not know them, and does not say so"


async def test_the_same_line_sounds_the_same_and_each_speaker_and_text_differently(mouth: SpeechT5) -> None:
    one = sound(await spoken(mouth, LINE, "amy"))
    assert np.array_equal(one, sound(await spoken(mouth, LINE)))
    assert np.array_equal(one, sound(await spoken(mouth, LINE, "AMY")))
    for line, voice in ((LINE, "ben"), (Line("Pat may buy a red map, but Bob won't."), "amy")):
        other = sound(await spoken(mouth, line, voice))
        size = min(len(one), len(other))
        assert np.abs(one[:size] - other[:size]).max() > 0.01


async def test_two_lines_at_once_sound_as_they_do_alone(mouth: SpeechT5) -> None:
    other = Line("The dog is over there.")
    alone = [sound(await spoken(mouth, line)) for line in (LINE, other)]
    both = await asyncio.gather(spoken(mouth, LINE), spoken(mouth, other))
    assert all(np.array_equal(a, sound(b)) for a, b in zip(alone, both, strict=True))


async def test_our_loop_makes_what_transformers_makes(mouth: SpeechT5) -> None:
    import torch

    network, text = mouth._network, "The fox jumps over the dog, and over the dog again."
    assert network is not None
    network._model.config.speech_decoder_prenet_dropout = 0.0  # which is drawn with other seeds there
    speaker = speakers.load(mouth._settings.speecht5_speakers or Path(), "ben")
    ours = np.concatenate(list(network.speak(text, speaker)))
    letters = network._tokenizer(text, return_tensors="pt").input_ids
    theirs = network._model.generate_speech(letters, torch.from_numpy(speaker[None]), vocoder=network._vocoder).numpy()
    assert len(theirs) > 5 * 16_000, "long enough for several chunks"
    assert len(ours) == len(theirs)
    assert np.abs(ours - theirs).max() < 1e-4


async def test_a_long_line_comes_in_pieces_and_the_first_is_short(mouth: SpeechT5) -> None:
    text = (
        "When the rain falls hard, the river rises fast, and then we all go home because it is wet and cold outside,"
        " and nobody wants to be there when the night comes down over the hills."
    )
    pieces = await spoken(mouth, Line(text))
    assert len(pieces) >= 3
    said = [" ".join(word.text for word in piece.words) for piece in pieces]
    assert " ".join(said) == text
    assert len(said[0]) <= 60
    assert all(len(each) <= 110 for each in said)
    assert [piece.final for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    for piece in pieces:
        assert all(a.end == b.start for a, b in pairwise(piece.words))
        assert piece.words[-1].end <= len(piece.audio)


async def test_a_closed_line_stops_within_a_step(mouth: SpeechT5) -> None:
    line = Line("and the quick brown fox jumps over the lazy dog " * 2)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await spoken(mouth, line)
    whole = loop.time() - begun
    task = asyncio.create_task(spoken(mouth, line))
    await asyncio.sleep(whole / 10)
    begun = loop.time()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert mouth._worker is not None
    await mouth._worker.run(lambda: None)  # waits behind what still runs
    assert loop.time() - begun < whole / 3


async def test_another_speed_takes_another_time(mouth: SpeechT5) -> None:
    plain = len(sound(await spoken(mouth, Line("Hi there,"))))
    for speed in (0.5, 2.0):
        other = len(sound(await spoken(mouth, Line("Hi there,", speed=speed))))
        assert 0.9 < other * speed / plain < 1.15


@pytest.mark.parametrize("speed", [0.25, 0.7, 1.0, 4.0])
def test_another_pace_keeps_the_pitch(speed: float) -> None:
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000)).astype(np.float32)
    made = paced(tone, 16_000, speed)
    assert abs(len(made) * speed / len(tone) - 1) < 0.05
    middle = made[len(made) // 4 : len(made) // 4 + 4000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(np.argmax(spectrum) * 16_000 / len(middle) - 440) < 8


async def test_text_without_words_is_a_moment_of_silence(mouth: SpeechT5) -> None:
    for text in ("", "...", " - "):
        (speech,) = await spoken(mouth, Line(text))
        assert 0 < speech.audio.duration <= 0.3
        assert not speech.audio.samples.any()


@pytest.mark.parametrize(
    ("line", "voice", "message"),
    [
        (Line("Guten Tag", "de"), None, "speaks English only, not 'de'"),
        (Line("Hello"), "nobody", "no voice 'nobody'; choose one of: amy, ben, male"),
        (Line("你好世界"), None, "cannot read the letters"),
    ],
)
async def test_what_it_cannot_say_is_refused_in_one_line(
    mouth: SpeechT5, line: Line, voice: str | None, message: str
) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        await spoken(mouth, line, voice)
    assert "\n" not in str(caught.value)


def test_a_voice_of_its_speakers_chooses_it(settings: Settings) -> None:
    assert [voice.name for voice in SpeechT5(settings).voices()] == list(SPEAKERS)
    assert choose("tts", settings.model_copy(update={"voice": "ben"})).info.name == "speecht5"
    assert check_voice("BEN", settings) == "ben"


async def test_speakers_in_one_npz_are_the_same(settings: Settings, folder: Path, mouth: SpeechT5) -> None:
    packed = settings.model_copy(update={"speecht5_speakers": folder / "speakers.npz"})
    async with SpeechT5(packed) as other:
        assert other.voices() == mouth.voices()
        assert np.array_equal(sound(await spoken(other, LINE, "ben")), sound(await spoken(mouth, LINE, "ben")))


class Trap:
    """Pickled, it makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


async def test_a_pickle_among_the_speakers_is_never_run(settings: Settings, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    people = tmp_path / "people"
    people.mkdir()
    np.save(people / "eve.npy", np.array([Trap(sprung)], object), allow_pickle=True)
    packed = tmp_path / "packed.npz"
    with zipfile.ZipFile(packed, "w") as file:
        file.write(people / "eve.npy", "eve.npy")
    for place in (people, packed):
        with pytest.raises(EngineUnavailable, match=r"the speaker 'eve' in .* cannot be read"):
            await SpeechT5(settings.model_copy(update={"speecht5_speakers": place})).__aenter__()
    np.save(people / "eve.npy", np.zeros(256, np.float32))
    with pytest.raises(EngineUnavailable, match="has 256 numbers: 512 are needed"):
        await SpeechT5(settings.model_copy(update={"speecht5_speakers": people})).__aenter__()
    assert not sprung.exists()


async def test_weights_as_microsoft_publishes_them_are_read_and_a_pickled_program_is_not(
    settings: Settings, folder: Path, tmp_path: Path, mouth: SpeechT5
) -> None:
    import torch
    from safetensors.torch import load_file

    published = tmp_path / "published"
    shutil.copytree(folder / "model", published)
    tensors = load_file(published / "model.safetensors")
    (published / "model.safetensors").unlink()
    torch.save(tensors, published / "pytorch_model.bin")
    theirs = settings.model_copy(update={"speecht5_model": str(published)})
    async with SpeechT5(theirs) as other:
        assert np.allclose(sound(await spoken(other, LINE)), sound(await spoken(mouth, LINE)), atol=1e-3)
    sprung = tmp_path / "sprung"
    for trapped in (
        lambda file: torch.save({"trap": Trap(sprung)}, file),
        lambda file: pickle.dump(Trap(sprung), file),
    ):
        with (published / "pytorch_model.bin").open("wb") as file:
            trapped(file)
        with pytest.raises(EngineUnavailable, match="SpeechT5 cannot be loaded on cpu") as refusal:
            await SpeechT5(theirs).__aenter__()
        assert "\n" not in str(refusal.value)
    assert not sprung.exists()


@pytest.mark.parametrize(
    ("change", "reason", "remedy"),
    [
        (
            {"speecht5_model": "microsoft/speecht5_tts"},
            "'microsoft/speecht5_tts' is not on this machine",
            "hf download",
        ),
        ({"speecht5_vocoder": "/nowhere"}, "'/nowhere' is not on this machine", "set VISAVIS_SPEECHT5_VOCODER to"),
        ({"speecht5_speakers": ""}, "no speakers are set", "set VISAVIS_SPEECHT5_SPEAKERS to a folder"),
        ({"speecht5_speakers": "/nowhere"}, "there is no /nowhere", "set VISAVIS_SPEECHT5_SPEAKERS to a folder"),
        ({"speecht5_speakers": __file__}, "is not a folder of .npy", "set VISAVIS_SPEECHT5_SPEAKERS to a folder"),
    ],
)
def test_what_is_not_here_is_never_downloaded(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    change: dict[str, str],
    reason: str,
    remedy: str,
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    assert SpeechT5.availability().ready
    for name, value in change.items():
        if value:
            monkeypatch.setenv(f"VISAVIS_{name.upper()}", value)
        else:
            monkeypatch.delenv(f"VISAVIS_{name.upper()}")
    found = SpeechT5.availability()
    assert not found.ready
    assert reason in found.reason
    assert remedy in found.remedy
