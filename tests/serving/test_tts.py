"""The synthesizer's service, in OPEA's wire formats and in OpenAI's. Names begin with the contract's case."""

from __future__ import annotations

import base64
import io
import time
import wave
from collections.abc import AsyncGenerator

import av
import httpx
import numpy as np
import openai
import pytest
import pytest_asyncio

from tests.serving.processes import started

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service() -> AsyncGenerator[httpx.AsyncClient, None]:
    async with started("tts") as address, httpx.AsyncClient(base_url=address, timeout=60) as http:
        yield http


def seconds(data: bytes) -> float:
    """Of a WAV as OPEA makes it: 16 kHz, mono, 16 bits, and not silent."""
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(samples.astype(int)).max() > 3_000
    return len(samples) / 16_000


async def test_d1_text_becomes_base64_of_a_wav(service: httpx.AsyncClient) -> None:
    response = await service.post("/v1/audio/speech", json={"text": "Who are you?", "id": "0" * 32, "prompt": "who"})
    assert set(response.json()) == {"id", "byte_str"}
    assert response.json()["byte_str"].startswith("Ukl")
    one = seconds(base64.b64decode(response.json()["byte_str"]))
    both = (await service.post("/v1/audio/speech", json={"text": ["Who are you?", "And why?"]})).json()
    assert 0.5 < one < seconds(base64.b64decode(both["byte_str"])) - 0.3


async def test_d2_input_becomes_a_riff_file_also_where_no_format_is_named(service: httpx.AsyncClient) -> None:
    response = await service.post("/v1/audio/speech", json={"input": "Hello, who are you?"})
    assert response.content.startswith(b"RIFF")
    assert response.headers["content-type"] == "audio/wav"
    assert seconds(response.content) > 0.8


@pytest.mark.parametrize("kind", ["", "text/plain"])
async def test_d4_the_backend_answers_in_base64(service: httpx.AsyncClient, kind: str) -> None:
    headers = {"content-type": kind} if kind else {}
    response = await service.post("/v1/tts", content=b'{"text": "Who are you?", "voice": "default"}', headers=headers)
    assert list(response.json()) == ["tts_result"]
    assert seconds(base64.b64decode(response.json()["tts_result"])) > 0.5


async def test_the_end_of_a_text_without_a_full_stop_is_said(service: httpx.AsyncClient) -> None:
    short = await service.post("/v1/audio/speech", json={"input": "I am here."})
    long = await service.post("/v1/audio/speech", json={"input": "I am here. And there is more to say"})
    assert seconds(long.content) > seconds(short.content) + 0.8


@pytest.mark.parametrize(
    ("kind", "codec"), [("mp3", "mp3"), ("opus", "opus"), ("flac", "flac"), ("aac", "aac"), ("wav", "pcm_s16le")]
)
async def test_openais_client_gets_the_format_it_asks_for(service: httpx.AsyncClient, kind: str, codec: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{service.base_url}/v1", api_key="none") as client:
        asked = {"model": "tts-1", "voice": "alloy", "input": "Hello there.", "response_format": kind}
        response = await client.audio.speech.create(**asked)  # type: ignore[arg-type]
        with av.open(io.BytesIO(response.content), "r") as file:
            stream = file.streams.audio[0]
            assert stream.codec_context.name.removesuffix("float") == codec
            samples = sum([frame.samples for frame in file.decode(stream)])
            assert 0.4 < samples / stream.rate < 2.0


@pytest.mark.parametrize("kind", ["wav", "mp3", "pcm", "opus"])
async def test_speech_comes_while_it_is_spoken(service: httpx.AsyncClient, kind: str) -> None:
    body = {"input": "This is one of many sentences. " * 60, "response_format": kind, "stream": True}
    begun, arrivals, data = time.perf_counter(), list[float](), b""
    async with service.stream("POST", "/v1/audio/speech", json=body) as response:
        async for chunk in response.aiter_bytes():
            arrivals.append(time.perf_counter() - begun)
            data += chunk
    assert arrivals[0] < 0.5 * arrivals[-1]
    if kind == "pcm":
        assert len(data) / 48_000 > 60
        return
    with av.open(io.BytesIO(data), "r") as file:
        stream = file.streams.audio[0]
        assert sum([frame.samples for frame in file.decode(stream)]) / stream.rate > 60


async def test_slower_speech_takes_longer_and_another_voice_sounds_different(service: httpx.AsyncClient) -> None:
    known = [voice["name"] for voice in (await service.get("/v1/audio/voices")).json()["voices"]]
    plain = await service.post("/v1/audio/speech", json={"input": "I am here now."})
    slow = await service.post("/v1/audio/speech", json={"input": "I am here now.", "speed": 0.6})
    other = await service.post("/v1/audio/speech", json={"input": "I am here now.", "voice": known[-1]})
    assert seconds(slow.content) > 1.3 * seconds(plain.content)
    assert other.content.startswith(b"RIFF")
    assert other.content != plain.content


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"text": ""}, 400, "nothing to say"),
        ({"input": "?!"}, 400, "no words"),
        ({"input": "Hello.", "voice": "nobody"}, 400, "no voice 'nobody'"),
        ({"input": "x" * 5000}, 400, "4,096"),
        ({"input": "Hello.", "speed": 9}, 422, "less than or equal to 4"),
        ({}, 422, "Field required"),
        ([], 422, "dictionary"),
    ],
)
async def test_what_cannot_be_said_is_refused_with_a_reason(
    service: httpx.AsyncClient, body: object, status: int, says: str
) -> None:
    response = await service.post("/v1/audio/speech", json=body)
    assert response.status_code == status
    assert says in response.json()["error"]["message"]


async def test_openais_client_is_told_which_model_speaks(service: httpx.AsyncClient) -> None:
    async with openai.AsyncOpenAI(base_url=f"{service.base_url}/v1", api_key="none") as client:
        (model,) = [model.id async for model in client.models.list()]
    assert model in ("flite", "espeak")
