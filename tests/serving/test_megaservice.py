"""AvatarChatbot behind the gateway, with the wire format of OPEA's. Names begin with the contract's case."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncGenerator

import httpx
import numpy as np
import pytest
import pytest_asyncio

from tests.browser.conftest import served
from tests.browser.voices import RATE, silence, speech
from tests.serving.processes import SILENCE, file, text
from tests.serving.test_animation import film
from tests.serving.test_tts import seconds

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncGenerator[httpx.AsyncClient, None]:
    """With a scripted mind, which says what it was asked."""
    async with served("--port", "0") as (address, _), httpx.AsyncClient(base_url=address, timeout=120) as http:
        yield http


async def asked(words: str) -> str:
    return text(file(np.concatenate([silence(0.4), await speech(words), silence(0.4)]), RATE))


async def test_a1_a_spoken_question_becomes_the_path_of_a_video_as_a_bare_string(gateway: httpx.AsyncClient) -> None:
    body = {"audio": await asked("What is your name?"), "max_tokens": 64, "foo": 1}
    response = await gateway.post("/v1/avatarchatbot", json=body)
    assert response.headers["content-type"] == "application/json"
    assert re.fullmatch(r'"/outputs/[0-9a-f]{32}/result\.mp4"', response.text)
    length, pictures = film((await gateway.get(response.json())).content)
    assert length > 2.0
    assert len(pictures) == pytest.approx(25 * length, abs=2)


async def test_the_object_tells_what_was_heard_and_said_and_where_the_video_is(gateway: httpx.AsyncClient) -> None:
    body = {"audio": await asked("What is your name?"), "response_format": "object"}
    told = (await gateway.post("/v1/avatarchatbot", json=body)).json()
    assert set(told) == {"video_url", "video_path", "transcript", "text", "timings"}
    assert told["transcript"] == "what is your name"
    assert told["text"] == "You said: What is your name?. My name is Visavis."
    assert 0 < told["timings"]["listening"] < told["timings"]["first_clip"] < told["timings"]["total"]
    assert told["video_url"] == f"{str(gateway.base_url).rstrip('/')}{told['video_path']}"
    assert (await gateway.get(told["video_url"])).content.find(b"ftyp") == 4


@pytest.mark.parametrize("key", ["text", "messages"])
async def test_a_typed_question_is_answered_too_by_the_face_and_voice_it_names(
    gateway: httpx.AsyncClient, key: str
) -> None:
    body = {key: "Who are you?", "face": "finn", "voice": "rms"}
    response = await gateway.post("/v1/avatarchatbot", json=body, headers={"accept": "video/mp4"})
    assert response.headers["content-type"] == "video/mp4"
    assert film(response.content)[0] > 1.0


async def test_what_curl_sends_as_it_stands_is_taken(gateway: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = await gateway.post("/v1/avatarchatbot", content=b'{"text": "Who are you?"}', headers=headers)
    assert response.json().endswith("/result.mp4")


async def test_silence_is_answered_aloud_and_with_an_empty_text(gateway: httpx.AsyncClient) -> None:
    body = {"audio": SILENCE, "response_format": "object"}
    told = (await gateway.post("/v1/avatarchatbot", json=body)).json()
    assert (told["transcript"], told["text"]) == ("", "")
    assert film((await gateway.get(told["video_path"])).content)[0] > 0.8


async def test_q1_audioqna_answers_with_the_sound_alone(gateway: httpx.AsyncClient) -> None:
    for audio in (SILENCE, await asked("What is your name?")):
        response = await gateway.post("/v1/audioqna", json={"audio": audio, "max_tokens": 64})
        assert response.text.startswith('"Ukl')
        assert seconds(base64.b64decode(response.json())) > 0.5


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"{}", 400), (b"{", 422), (b"[]", 422), (b"", 422), (b'{"audio": 1}', 422), (b'{"audio": "x"}', 400)],
)
async def test_n2_a_malformed_body_is_refused_with_a_reason_and_never_with_500(
    gateway: httpx.AsyncClient, content: bytes, status: int
) -> None:
    response = await gateway.post("/v1/avatarchatbot", content=content)
    assert response.status_code in (status, 422)
    assert response.json()
    assert "/tmp" not in response.text


async def test_ten_questions_at_once_have_ten_answers(gateway: httpx.AsyncClient) -> None:
    numbers = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    bodies = [{"text": f"Number {number}", "response_format": "object"} for number in numbers]
    every = await asyncio.gather(*(gateway.post("/v1/avatarchatbot", json=body) for body in bodies))
    told = [each.json() for each in every]
    assert [each["text"] for each in told] == [f"You said: Number {number}. My name is Visavis." for number in numbers]
    videos = [(await gateway.get(each["video_path"])).content for each in told]
    assert len(set(videos)) == 10


async def test_it_describes_itself_as_opeas_megaservice_does(gateway: httpx.AsyncClient) -> None:
    assert (await gateway.get("/v1/health_check")).json()["Service Title"] == "AvatarChatbotService"
    assert (await gateway.get("/v1/health")).status_code == 200
    assert (await gateway.get("/v1/statistics")).json() == {}


async def test_n9_its_services_and_parameters_are_listed(gateway: httpx.AsyncClient) -> None:
    listed = (await gateway.get("/v1/list_service")).json()
    assert listed["asr/MicroService"] == {"endpoint": "/v1/audio/transcriptions"}
    assert len(listed) == 4
    assert (await gateway.get("/v1/list_parameters")).json() is None


async def test_it_is_as_open_as_opeas_where_that_is_asked_for() -> None:
    foreign = {"origin": "http://evil.example", "authorization": "Bearer None"}
    body = {"text": "Who are you?"}
    async with (
        served("--port", "0", "--host", "0.0.0.0", "--opea-open") as (address, _),
        httpx.AsyncClient(base_url=httpx.URL(address).copy_with(host="127.0.0.1"), timeout=60) as http,
    ):
        response = await http.post("/v1/avatarchatbot", json=body, headers=foreign)
        assert response.json().endswith("/result.mp4")
        assert response.headers["access-control-allow-origin"] == "*"
    async with served("--port", "0") as (address, _), httpx.AsyncClient(base_url=address) as http:
        assert (await http.post("/v1/avatarchatbot", json=body, headers=foreign)).status_code == 403
