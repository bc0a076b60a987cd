"""The engines that OPEA's RFC names, behind its own services, in processes of their own."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import io
import os
import re
import sys
import wave
from collections.abc import AsyncGenerator

import httpx
import numpy as np
import pytest
import pytest_asyncio

from tests.browser.voices import RATE, silence, speech
from tests.engines.asr import tiny_whisper
from tests.engines.tts import tiny_speecht5
from tests.serving.processes import SILENCE, file, started, text
from visavis.serving.plain import plain

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
WHISPER = {"VISAVIS_WHISPER_DEVICE": "cpu", "VISAVIS_THREADS": "1"}
"""Settings; the model is added when it is made."""
whisper_only = pytest.mark.skipif(
    importlib.util.find_spec("faster_whisper") is None, reason="the extra 'whisper' is not installed"
)
speecht5_only = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="the extra 'speecht5' is not installed"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whisper(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[httpx.AsyncClient, None]:
    model = tiny_whisper.make(tmp_path_factory.mktemp("whisper"))
    WHISPER["VISAVIS_WHISPER_MODEL"] = str(model)
    async with started("whisper", **WHISPER) as address, httpx.AsyncClient(base_url=address, timeout=60) as http:
        yield http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speecht5(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[httpx.AsyncClient, None]:
    settings = tiny_speecht5.environment(tiny_speecht5.make(tmp_path_factory.mktemp("speecht5")))
    async with (
        started("speecht5", "--tts", "speecht5", **settings) as address,
        httpx.AsyncClient(base_url=address, timeout=60) as http,
    ):
        yield http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def question() -> bytes:
    return file(np.concatenate([silence(0.5), await speech("What is your name?"), silence(0.5)]), RATE)


@whisper_only
async def test_whisper_is_used_by_itself_and_answers_in_each_form(whisper: httpx.AsyncClient, question: bytes) -> None:
    assert (await whisper.get("/v1/models")).json()["data"][0]["id"] == "tiny-whisper"
    result = (await whisper.post("/v1/asr", json={"audio": text(question)})).json()["asr_result"]
    assert result
    assert result == plain(result)
    query = (await whisper.post("/v1/audio/transcriptions", json={"byte_str": text(question)})).json()["query"]
    assert query == result
    form = {"model": "whisper-1", "response_format": "verbose_json"}
    verbose = (await whisper.post("/v1/audio/transcriptions", files={"file": question}, data=form)).json()
    assert plain(verbose["text"]) == result
    assert 0.0 < verbose["words"][0]["start"] < verbose["words"][-1]["end"] < 3.0


@whisper_only
async def test_each_request_may_be_in_a_language_of_its_own(whisper: httpx.AsyncClient, question: bytes) -> None:
    heard = {}
    for language in ("english", "german", "zh", "pt-BR", "auto"):
        response = await whisper.post("/v1/audio/transcriptions", files={"file": question}, data={"language": language})
        assert response.status_code == 200
        heard[language] = response.json()["text"]
    assert heard["auto"] == heard["english"]
    assert len(set(heard.values())) >= 3
    response = await whisper.post("/v1/audio/transcriptions", files={"file": question}, data={"language": "tlh"})
    assert response.status_code == 400
    assert "knows the language 'tlh': there is whisper (108 languages)" in response.json()["detail"]


@whisper_only
async def test_silence_is_heard_as_nothing(whisper: httpx.AsyncClient) -> None:
    assert (await whisper.post("/v1/asr", json={"audio": SILENCE})).json() == {"asr_result": ""}


@whisper_only
async def test_what_cannot_be_loaded_ends_the_service_with_one_line(whisper: httpx.AsyncClient) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "visavis", "service", "whisper", "--port", "0",
        env={**os.environ, **WHISPER, "VISAVIS_WHISPER_DEVICE": "cpu", "VISAVIS_WHISPER_COMPUTE": "float16"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, said = await process.communicate()
    assert process.returncode == 2
    assert re.fullmatch(r"visavis: Whisper cannot load .* on cpu as float16: .*whisper_compute=int8.*\n", said.decode())


@speecht5_only
async def test_speecht5_answers_in_each_form_and_its_speakers_are_voices(speecht5: httpx.AsyncClient) -> None:
    assert (await speecht5.get("/v1/models")).json()["data"][0]["id"] == "model"
    known = (await speecht5.get("/v1/audio/voices")).json()["voices"]
    assert [voice["name"] for voice in known] == list(tiny_speecht5.SPEAKERS)
    answers = []
    for voice in ("default", "male"):  # OPEA's two
        told = await speecht5.post("/v1/tts", json={"text": "Who are you?", "voice": voice})
        answers.append(base64.b64decode(told.json()["tts_result"]))
    said = await speecht5.post("/v1/audio/speech", json={"input": "Who are you?", "voice": "male"})
    assert said.content == answers[1] != answers[0]
    for answer in answers:
        with wave.open(io.BytesIO(answer)) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
            samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        assert len(samples) > 8_000
        assert np.abs(samples.astype(int)).max() > 3_000
