"""AvatarChatbot behind the gateway, with the wire format of OPEA's. Names begin with the contract's case."""

from __future__ import annotations

import asyncio
import base64
import re
import time
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
    response = await gateway.post("/v1/avatarchatbot", json=body)
    told = response.json()
    assert set(told) == {"video_url", "video_path", "transcript", "text", "engines", "timings"}
    assert [each["slot"] for each in told["engines"]] == ["asr", "llm", "tts", "articulation", "animation"]
    assert {part.partition("=")[0] for part in response.headers["x-visavis-engines"].split("; ")} == {
        each["slot"] for each in told["engines"]
    }
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
    described = (await gateway.get("/openapi.json")).json()
    assert {"/v1/avatarchatbot", "/v1/audioqna", "/avatars/{name}.jpg"} <= set(described["paths"])


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


async def test_a_question_streams_its_video_which_begins_before_it_is_made(gateway: httpx.AsyncClient) -> None:
    body = {"text": "Tell me this: " + "who are you, and what do you do? " * 6, "stream": True}
    begun, arrivals, data = time.perf_counter(), list[float](), b""
    async with gateway.stream("POST", "/v1/avatarchatbot", json=body) as response:
        assert response.headers["content-type"] == "video/mp4"
        async for chunk in response.aiter_bytes():
            arrivals.append(time.perf_counter() - begun)
            data += chunk
    assert arrivals[0] < 0.5 * arrivals[-1]
    length, pictures = film(data)
    assert len(pictures) == pytest.approx(25 * length, abs=3)


async def test_an_answer_in_another_language_is_spoken_by_a_voice_that_knows_it(gateway: httpx.AsyncClient) -> None:
    body = {"text": "Wie geht es dir?", "language": "de", "response_format": "object"}
    told = (await gateway.post("/v1/avatarchatbot", json=body)).json()
    assert "Wie geht es dir?" in told["text"]
    english = (await gateway.post("/v1/avatarchatbot", json={**body, "language": "en"})).json()
    lengths = [film((await gateway.get(each["video_path"])).content)[0] for each in (told, english)]
    assert lengths[0] != pytest.approx(lengths[1], abs=0.05)


async def test_a_voice_of_another_language_speaks_that_one_where_none_is_named(gateway: httpx.AsyncClient) -> None:
    spoken = await gateway.post("/v1/audioqna", json={"text": "Wie geht es dir?", "voice": "de"})
    assert seconds(base64.b64decode(spoken.json())) > 0.8
    refused = await gateway.post("/v1/audioqna", json={"text": "Who are you?", "voice": "de", "language": "en"})
    assert refused.status_code == 422
    assert "speaks German, not 'en'" in refused.json()["detail"]


async def test_a_voice_of_another_synthesizer_can_be_asked_for(gateway: httpx.AsyncClient) -> None:
    body = {"text": "Who are you?", "voice": "en-gb"}
    other = (await gateway.post("/v1/audioqna", json=body)).json()
    own = (await gateway.post("/v1/audioqna", json={"text": "Who are you?"})).json()
    assert seconds(base64.b64decode(other)) != pytest.approx(seconds(base64.b64decode(own)), abs=0.01)


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"animator": "wishful"}, "there is no animator 'wishful' here: there is rig"),
        ({"animator": "fake"}, "there is no animator 'fake'"),
        ({"language": "tlh"}, "no tts engine here knows the language 'tlh'"),
        ({"language": "../x"}, "no language's code"),
        ({"audio": SILENCE, "text": None, "language": "de"}, "no asr engine here knows the language 'de'"),
    ],
)
async def test_what_is_not_to_be_had_is_refused_before_any_work(
    gateway: httpx.AsyncClient, wish: dict[str, str], says: str
) -> None:
    for stream in (False, True):
        response = await gateway.post("/v1/avatarchatbot", json={"text": "Who are you?", **wish, "stream": stream})
        assert response.status_code == 422
        assert says in response.json()["error"]["message"]


async def test_the_animator_that_is_used_can_be_asked_for_by_its_name(gateway: httpx.AsyncClient) -> None:
    response = await gateway.post("/v1/avatarchatbot", json={"text": "Hi there.", "animator": "rig"})
    assert response.status_code == 200
