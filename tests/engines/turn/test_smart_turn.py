"""Smart Turn: the sound as its network was taught to hear it, and an answer to whether a turn is complete."""

from __future__ import annotations

import asyncio
import importlib.util
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from tests.engines.turn.tiny_smart_turn import FILE, make
from tests.weights.pulled import keep
from visavis.assets import question_path
from visavis.engines import registry
from visavis.engines.contract import check_turn
from visavis.engines.loading import load_engines
from visavis.engines.turn.log_mel import RATE, SAMPLES, log_mel
from visavis.engines.turn.smart_turn import SmartTurn
from visavis.errors import EngineFailed, EngineUnavailable
from visavis.media.audio import Audio
from visavis.media.wav import wav_audio
from visavis.settings import Settings
from visavis.weights.models import place

needs_onnx = pytest.mark.skipif(importlib.util.find_spec("onnx") is None, reason="the extra 'wav2lip' is not installed")
POINT = EntryPoint("smart-turn", "visavis.engines.turn.smart_turn:SmartTurn", "visavis.turn")


@pytest.fixture
def pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    keep("smart-turn", make(tmp_path / "made"))
    return Settings(data_dir=tmp_path)


def tone(hertz: float, seconds: float = 2.0) -> Audio:
    return Audio((0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32), RATE)


def question() -> np.ndarray:
    sound = wav_audio(question_path().read_bytes())
    assert sound is not None
    return sound.samples


@pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="transformers is not installed")
@pytest.mark.parametrize("seconds", [0.5, 3.0, 8.0, 11.0])
def test_it_hears_as_whispers_own_ear(seconds: float) -> None:
    from transformers import WhisperFeatureExtractor

    spoken = np.resize(question(), int(seconds * RATE)).astype(np.float32)
    last = spoken[-SAMPLES:]
    expected = WhisperFeatureExtractor(chunk_length=8)(
        np.pad(last, (SAMPLES - len(last), 0)),
        sampling_rate=RATE,
        return_tensors="np",
        padding="max_length",
        max_length=SAMPLES,
        truncation=True,
        do_normalize=True,
    ).input_features[0]
    made = log_mel(spoken)
    assert made.shape == expected.shape == (80, 800)
    assert made.dtype == np.float32
    assert np.abs(made - expected).max() < 1e-4


def test_silence_and_nothing_have_features_too() -> None:
    assert np.isfinite(log_mel(np.zeros(0, np.float32))).all()
    assert np.array_equal(log_mel(np.zeros(0, np.float32)), log_mel(np.zeros(RATE, np.float32)))


@needs_onnx
async def test_it_keeps_the_laws_of_a_turn_detector(pulled: Settings) -> None:
    await check_turn(SmartTurn(pulled), Audio(question(), RATE))


@needs_onnx
async def test_how_a_turn_ends_decides(pulled: Settings) -> None:
    async with SmartTurn(pulled) as ear:
        assert await ear.complete(tone(5000)) > 0.9
        assert await ear.complete(tone(200)) < 0.1
        assert await ear.complete(Audio.join([tone(200, 9.0), tone(5000)])) > 0.9


@needs_onnx
async def test_a_call_that_is_cancelled_leaves_an_engine_that_works(pulled: Settings) -> None:
    async with SmartTurn(pulled) as ear:
        task = asyncio.create_task(ear.complete(tone(200)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await ear.complete(tone(5000)) > 0.9


@needs_onnx
async def test_what_is_no_probability_is_a_failure(pulled: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SmartTurn(pulled) as ear:
        monkeypatch.setattr("visavis.engines.turn.smart_turn._asked", lambda session, samples: float("nan"))
        with pytest.raises(EngineFailed, match="no probability"):
            await ear.complete(tone(200))


@needs_onnx
async def test_a_damaged_model_is_refused_in_one_line(pulled: Settings) -> None:
    file = place("smart-turn") / FILE
    file.write_bytes(bytes(file.stat().st_size))
    with pytest.raises(EngineUnavailable, match=r"Smart Turn cannot load .*visavis models pull smart-turn") as refusal:
        await SmartTurn(pulled).__aenter__()
    assert "\n" not in str(refusal.value)


async def test_the_slot_stays_empty_where_nothing_was_pulled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(registry, "_points", lambda slot: {"smart-turn": POINT} if slot == "turn" else {})
    async with load_engines(Settings(data_dir=tmp_path), ["turn"]) as engines:
        assert engines.turn is None
    assert SmartTurn.availability().remedy == "visavis models pull smart-turn"
    with pytest.raises(EngineUnavailable, match="visavis models pull smart-turn"):
        async with load_engines(Settings(data_dir=tmp_path, turn="smart-turn"), ["turn"]):
            pass


@needs_onnx
async def test_the_slot_is_filled_where_one_was_pulled_for_a_language_that_it_knows(
    pulled: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_points", lambda slot: {"smart-turn": POINT} if slot == "turn" else {})
    async with load_engines(pulled, ["turn"]) as engines:
        assert engines.turn is not None
        assert await engines.turn.complete(tone(5000)) > 0.9
    for other in ({"turn": "none"}, {"language": "sw"}):
        async with load_engines(pulled.model_copy(update=other), ["turn"]) as engines:
            assert engines.turn is None
