"""The recogniser's service, in OPEA's wire formats and in OpenAI's. Names begin with the contract's case."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator

import httpx
import openai
import pytest
import pytest_asyncio

from tests.browser.voices import RATE, silence, speech
from tests.serving.processes import SILENCE, file, started, text
from visavis.serving.plain import plain

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service() -> AsyncGenerator[httpx.AsyncClient, None]:
    async with started("asr") as address, httpx.AsyncClient(base_url=address, timeout=60) as http:
        yield http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def question() -> bytes:
    import numpy as np

    return file(np.concatenate([silence(0.5), await speech("What is your name?"), silence(0.5)]), RATE)


async def test_c1_silence_is_heard_as_nothing_and_answered_with_parameters_for_a_model(
    service: httpx.AsyncClient,
) -> None:
    response = await service.post("/v1/audio/transcriptions", json={"byte_str": SILENCE})
    assert response.status_code == 200
    told = response.json()
    assert re.fullmatch("[0-9a-f]{32}", told.pop("id"))
    assert told == {
        "model": None,
        "query": "",
        "max_tokens": 1024,
        "max_new_tokens": 1024,
        "top_k": 10,
        "top_p": 0.95,
        "typical_p": 0.95,
        "temperature": 0.01,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "repetition_penalty": 1.03,
        "streaming": True,
        "language": "auto",
        "chat_template": None,
        "documents": [],
    }


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "opus"])
async def test_c2_c3_an_uploaded_file_of_any_kind_is_heard_in_lower_case(service: httpx.AsyncClient, kind: str) -> None:
    data = file(await speech("What is your name?"), RATE, kind)
    form = {"model": "openai/whisper-small", "language": "english"}
    response = await service.post("/v1/audio/transcriptions", files={"file": data}, data=form)
    assert response.json() == {"text": "what is your name"}


async def test_c6_json_needs_no_name(service: httpx.AsyncClient, question: bytes) -> None:
    body = f'{{"byte_str": "{text(question)}", "id": null, "max_tokens": 64}}'
    request = service.build_request("POST", "/v1/audio/transcriptions", content=body)
    assert "content-type" not in request.headers
    assert (await service.send(request)).json()["query"] == "what is your name"


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json"])
async def test_c7_the_backend_reads_json_whatever_it_is_called(
    service: httpx.AsyncClient, question: bytes, kind: str
) -> None:
    body, headers = f'{{"audio": "{text(question)}"}}', {"content-type": kind} if kind else {}
    response = await service.post("/v1/asr", content=body, headers=headers)
    assert response.json() == {"asr_result": "what is your name"}


async def test_n8_base64_in_a_form_is_heard_as_the_file_is(service: httpx.AsyncClient, question: bytes) -> None:
    uploaded = await service.post("/v1/audio/transcriptions", files={"file": question})
    for data in (text(question), f"data:audio/wav;base64,{text(question)}"):
        written = await service.post("/v1/audio/transcriptions", data={"file": data})
        assert written.json() == uploaded.json() == {"text": "what is your name"}


async def test_n1_what_is_wrong_with_a_body_is_said(service: httpx.AsyncClient) -> None:
    response = await service.post("/v1/audio/transcriptions", json={})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "byte_str"]
    assert (await service.get("/v1/audio/transcriptions")).status_code == 405
    for content in (b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"byte_str": 3}'):
        response = await service.post("/v1/audio/transcriptions", content=content)
        assert response.status_code == 422, content
    plain = {"content-type": "text/plain"}
    response = await service.post("/v1/audio/transcriptions", content=b"byte_str", headers=plain)
    assert response.status_code == 422


@pytest.mark.parametrize("data", ["", "not base64!", "YWJj", SILENCE[:20]])
async def test_what_is_no_sound_is_refused_in_words_that_tell_no_path(service: httpx.AsyncClient, data: str) -> None:
    for path, key in (("/v1/asr", "audio"), ("/v1/audio/transcriptions", "byte_str")):
        response = await service.post(path, json={key: data})
        assert response.status_code == 400
        message = response.json()["detail"]
        assert message == response.json()["error"]["message"]
        assert len(message) > 20
        assert "/" not in message


async def test_too_long_a_request_is_refused(service: httpx.AsyncClient) -> None:
    async with started("asr", VISAVIS_MAX_UPLOAD="100000") as address, httpx.AsyncClient(base_url=address) as http:
        response = await http.post("/v1/asr", json={"audio": "A" * 200_000})
        assert response.status_code == 413

        async def pieces() -> AsyncGenerator[bytes, None]:
            yield b'{"audio": "'
            for _ in range(50):
                yield b"A" * 10_000

        response = await http.post("/v1/asr", content=pieces())
        assert response.status_code == 413
        assert (await http.post("/v1/asr", json={"audio": SILENCE})).status_code == 200


async def test_openais_client_gets_text_words_and_subtitles(service: httpx.AsyncClient, question: bytes) -> None:
    async with openai.AsyncOpenAI(base_url=f"{service.base_url}/v1", api_key="none") as client:
        asked = {"model": "whisper-1", "file": ("question.wav", question)}
        assert (await client.audio.transcriptions.create(**asked)).text == "what is your name"  # type: ignore[call-overload]
        plain = await client.audio.transcriptions.create(**asked, response_format="text")  # type: ignore[call-overload]
        assert plain.strip() == "what is your name"
        verbose = await client.audio.transcriptions.create(**asked, response_format="verbose_json")  # type: ignore[call-overload]
        words = verbose.words
        assert [word.word for word in words] == ["what", "is", "your", "name"]
        assert 0.4 < words[0].start < words[0].end <= words[1].start < words[-1].end < verbose.duration + 0.01
        subtitles = await client.audio.transcriptions.create(**asked, response_format="srt")  # type: ignore[call-overload]
        assert re.fullmatch(r"1\n00:00:00,\d{3} --> 00:00:01,\d{3}\nwhat is your name\n", subtitles)
        web = await client.audio.transcriptions.create(**asked, response_format="vtt")  # type: ignore[call-overload]
        assert re.fullmatch(r"WEBVTT\n\n00:00:00\.\d{3} --> 00:00:01\.\d{3}\nwhat is your name\n", web)


async def test_a_language_or_a_format_that_it_has_not_is_refused(service: httpx.AsyncClient, question: bytes) -> None:
    for form, says in (
        ({"language": "german"}, "knows the language 'de'"),
        ({"response_format": "docx"}, "verbose_json"),
    ):
        response = await service.post("/v1/audio/transcriptions", files={"file": question}, data=form)
        assert response.status_code == 400
        assert says in response.json()["detail"]


async def test_f1_its_health_statistics_and_metrics_are_told_as_opea_tells_them(service: httpx.AsyncClient) -> None:
    health = (await service.get("/v1/health_check")).json()
    assert list(health) == ["Service Title", "Version", "Service Description"]
    assert (health["Service Title"], health["Service Description"]) == ("opea_service@asr", "Convert audio to text.")
    for path in ("/health", "/v1/health"):
        response = await service.get(path)
        assert (response.status_code, response.content) == (200, b"")
    for _ in range(3):
        await service.post("/v1/asr", json={"audio": SILENCE})
    told = (await service.get("/v1/statistics")).json()["opea_service@asr"]
    assert set(told) == {f"{kind}_latency{of}" for kind in ("p50", "p99", "average") for of in ("", "_first_token")}
    assert 0 < told["p50_latency"] <= told["p99_latency"]
    assert told["p50_latency_first_token"] is None
    metrics = (await service.get("/metrics")).text
    assert re.search(r'http_requests_total\{handler="/v1/asr",method="POST",status="2xx"\} \d', metrics)


async def written(service: httpx.AsyncClient, question: bytes, model: str) -> str:
    form = {"model": model} if model else {}
    response = await service.post("/v1/audio/transcriptions", files={"file": question}, data=form)
    return str(response.json()["text"])


async def test_opeas_shapes_are_in_lower_case_without_punctuation_and_openais_as_they_were_heard(
    question: bytes,
) -> None:
    heard = "Don't panic, Zoë: it's 10:30 — “GRÖSSE” ist 3.5% (¿Qué?)."
    expected = "don't panic zoë it's 10:30 grösse ist 3.5% qué"
    async with (
        started("asr", "--asr", "fake", FAKE_HEARD=heard) as address,
        httpx.AsyncClient(base_url=address, timeout=60) as http,
    ):
        sound = text(question)
        assert (await http.post("/v1/asr", json={"audio": sound})).json() == {"asr_result": expected}
        told = await http.post("/v1/audio/transcriptions", json={"byte_str": sound})
        assert told.json()["query"] == expected
        for model in ("openai/whisper-small", "openai/whisper-large-v3", ""):
            assert await written(http, question, model) == expected
        for model in ("whisper-1", "whisper-small", "gpt-4o-transcribe"):
            assert await written(http, question, model) == heard
        form = {"model": "openai/whisper-small", "response_format": "verbose_json"}
        verbose = (await http.post("/v1/audio/transcriptions", files={"file": question}, data=form)).json()
        assert verbose["text"] == verbose["segments"][0]["text"] == expected
        assert [word["word"] for word in verbose["words"]] == expected.split()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("你好，世界！", "你好 世界"),
        ("नमस्ते, दुनिया।", "नमस्ते दुनिया"),
        ("L’été, c’est l’été…", "l'été c'est l'été"),
        ("'Tis the dogs' well-known song", "'tis the dogs' well known song"),
        ("ИСТИНА? Да!", "истина да"),
        (" ... -- ' ", ""),
    ],
)
async def test_punctuation_is_told_in_every_script(said: str, told: str) -> None:
    assert plain(said) == told


async def test_any_language_is_taken_by_a_recogniser_that_knows_any(question: bytes) -> None:
    async with started("asr", "--asr", "fake") as address, httpx.AsyncClient(base_url=address, timeout=60) as http:
        for language, known in (("german", "de"), ("de", "de"), ("haitian creole", "ht"), ("auto", "en"), ("", "en")):
            form = {"model": "whisper-1", "language": language, "response_format": "verbose_json"}
            response = await http.post("/v1/audio/transcriptions", files={"file": question}, data=form)
            assert response.json()["language"] == known
        form = {"language": "no such language"}
        response = await http.post("/v1/audio/transcriptions", files={"file": question}, data=form)
        assert response.status_code == 400
        assert "is no language's code: write it as in en or de" in response.json()["detail"]


async def test_openais_client_is_told_which_model_hears(service: httpx.AsyncClient) -> None:
    async with openai.AsyncOpenAI(base_url=f"{service.base_url}/v1", api_key="none") as client:
        assert [model.id async for model in client.models.list()] == ["pocketsphinx"]


async def test_json_that_curl_sends_as_a_form_is_read_as_what_it_is(service: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = b'{"byte_str": "' + SILENCE.encode() + b'"}'
    response = await service.post("/v1/audio/transcriptions", content=body, headers=headers)
    assert response.json()["query"] == ""
