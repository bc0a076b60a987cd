"""The megaservice and the microservices over services elsewhere: ours in processes of their own, and foreign ones."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise

import av
import httpx
import numpy as np
import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.browser.voices import RATE, silence, speech
from tests.serving.foreign import Foreign, era_a, era_b, listening
from tests.serving.processes import SILENCE, file, process, started, text
from tests.serving.test_animation import film

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
Chain = tuple[httpx.AsyncClient, dict[str, str]]


@asynccontextmanager
async def megaservice(**environment: str) -> AsyncGenerator[httpx.AsyncClient, None]:
    """`visavis serve` with OPEA's variables."""
    command = ("serve", "--no-open", "--port", "0")
    async with (
        process(*command, says=r"talk: +(\S+)/", **environment) as (address, _),
        httpx.AsyncClient(base_url=address, timeout=120) as http,
    ):
        yield http


def variables(address: str, *prefixes: str) -> dict[str, str]:
    """A service's address as OPEA's megaservice is told it."""
    host, port = address.removeprefix("http://").split(":")
    return {name: value for each in prefixes for name, value in ((f"{each}_HOST_IP", host), (f"{each}_PORT", port))}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def question() -> str:
    return text(file(np.concatenate([silence(0.4), await speech("What is your name?"), silence(0.4)]), RATE))


@pytest.mark.parametrize(
    ("era", "names"),
    [
        (era_a, ("ASR_SERVICE", "LLM_SERVICE", "TTS_SERVICE", "ANIMATION_SERVICE")),
        (era_b, ("WHISPER_SERVER", "LLM_SERVER", "SPEECHT5_SERVER", "ANIMATION_SERVICE")),
    ],
)
async def test_foreign_services_that_know_only_opeas_shapes_do_all_the_work(
    era: Callable[[Foreign], FastAPI], names: tuple[str, ...], question: str
) -> None:
    foreign = Foreign()
    async with listening(era(foreign)) as address, megaservice(**variables(address, *names)) as http:
        response = await http.post("/v1/avatarchatbot", json={"audio": question, "max_tokens": 64})
        assert response.text == '"/outputs/result.mp4"'  # as the service there tells it
        told = (await http.post("/v1/avatarchatbot", json={"audio": question, "response_format": "object"})).json()
        assert (told["transcript"], told["text"]) == (foreign.heard, foreign.answer)
        assert (told["video_path"], told["video_url"]) == ("/outputs/result.mp4", None)
        sound = (await http.post("/v1/audioqna", json={"audio": question, "temperature": 0.7, "top_p": 0.5})).json()
        assert sound.startswith("UklG")
        refused = await http.post("/v1/avatarchatbot", json={"audio": question, "stream": True})
        assert refused.status_code == 422
        assert "ask without 'stream'" in refused.json()["detail"]
        foreign.failing = 2  # they are busy for a moment: they are asked again
        assert (await http.post("/v1/avatarchatbot", json={"audio": question})).status_code == 200
        theirs = {"text": "Who are you?", "animator": "wav2lip+gfpgan"}
        assert (await http.post("/v1/avatarchatbot", json=theirs)).status_code == 200
        silent = (await http.post("/v1/avatarchatbot", json={"audio": SILENCE, "response_format": "object"})).json()
        assert (silent["transcript"], silent["text"]) == ("", "")
    assert (0.7, 0.5) in [(body["temperature"], body["top_p"]) for body in foreign.bodies["llm"]]
    assert "Who are you?" in [body["messages"][-1]["content"] for body in foreign.bodies["llm"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chain() -> AsyncGenerator[Chain, None]:
    """The megaservice over our four microservices, each with its backend in a further process where it has one."""
    async with AsyncExitStack() as stack:
        names = {"asr": "ASR_SERVICE", "llm": "LLM_SERVICE", "tts": "TTS_SERVICE"}
        wav2lip = await stack.enter_async_context(started("wav2lip"))
        services = [
            stack.enter_async_context(started(each, *(["--llm", "fake"] if each == "llm" else []))) for each in names
        ]
        services.append(stack.enter_async_context(started("animation", WAV2LIP_ENDPOINT=wav2lip)))
        addresses = dict(zip((*names, "animation"), await asyncio.gather(*services), strict=True))
        environment: dict[str, str] = {}
        for name, address in addresses.items():
            environment |= variables(address, f"{name.upper()}_SERVICE")
        http = await stack.enter_async_context(megaservice(**environment))
        yield http, addresses


async def test_a_video_made_by_services_of_ours_can_be_fetched_from_the_megaservice(
    chain: Chain, question: str
) -> None:
    http, _ = chain
    body = {"audio": question, "response_format": "object", "face": "finn"}
    told = (await http.post("/v1/avatarchatbot", json=body)).json()
    assert told["transcript"] == "what is your name"
    assert told["text"] == "You said: What is your name?. My name is Visavis."
    length, pictures = film((await http.get(told["video_url"])).content)
    assert length > 2
    assert len(pictures) == pytest.approx(25 * length, abs=3)


async def test_a_stream_through_all_of_them_begins_before_it_is_made_and_is_one_video(
    chain: Chain, question: str
) -> None:
    http, _ = chain
    await http.post("/v1/avatarchatbot", json={"text": "Hi there", "stream": True})
    begun, arrivals, data = time.perf_counter(), list[float](), b""
    async with http.stream("POST", "/v1/avatarchatbot", json={"audio": question, "stream": True}) as response:
        assert response.headers["content-type"] == "video/mp4"
        async for chunk in response.aiter_bytes():
            arrivals.append(time.perf_counter() - begun)
            data += chunk
    assert arrivals[0] < 0.7 * arrivals[-1]
    length, pictures = film(data)
    assert len(pictures) == pytest.approx(25 * length, abs=3)
    for kind in ("video", "audio"):
        with av.open(io.BytesIO(data), "r") as container:
            packets = container.demux(**{kind: 0})
            times = [float(packet.pts * packet.time_base) for packet in packets if packet.pts is not None]
        gaps = [b - a for a, b in pairwise(times)]
        assert min(gaps) > 0
        assert max(gaps) < 0.1  # from one sentence to the next, too


async def test_a_client_that_leaves_a_stream_frees_everything(chain: Chain, question: str) -> None:
    http, addresses = chain
    body = {"text": "Tell me all of it. " * 40, "stream": True}
    async with http.stream("POST", "/v1/avatarchatbot", json=body) as response:
        await anext(response.aiter_bytes())
    left = time.perf_counter()
    async with httpx.AsyncClient(base_url=addresses["animation"], timeout=20) as animation:
        sound = text(file(await speech("Hello."), RATE))
        assert (await animation.post("/v1/animation", json={"byte_str": sound})).status_code == 200
    assert (await http.post("/v1/avatarchatbot", json={"text": "Hi"})).status_code == 200
    assert time.perf_counter() - left < 15


async def test_a_recording_reaches_a_server_in_one_piece_and_silence_does_not(question: str) -> None:
    foreign = Foreign()
    async with (
        listening(era_b(foreign)) as address,
        started("asr", ASR_ENDPOINT=address) as service,
        httpx.AsyncClient(base_url=service, timeout=30) as http,
    ):
        pause = text(file(np.concatenate([await speech("Hello."), silence(2.0), await speech("Who are you?")]), RATE))
        for audio, heard in ((pause, foreign.heard), (SILENCE, ""), (text(file(silence(1.0), RATE)), "")):
            response = await http.post("/v1/audio/transcriptions", json={"byte_str": audio})
            assert response.json()["query"] == heard
        assert len(foreign.bodies["asr"]) == 1
        form = {"response_format": "verbose_json"}
        told = await http.post("/v1/audio/transcriptions", data=form, files={"file": file(silence(0.1), RATE)})
        assert told.json()["segments"] == []
        spoken = await http.post("/v1/audio/transcriptions", data=form, files={"file": base64.b64decode(question)})
        assert spoken.json()["segments"][0]["end"] > 1.0


async def test_a_service_killed_in_mid_answer_is_said_and_used_again_once_it_is_back(
    question: str, unused_tcp_port_factory: Callable[[], int], capfd: pytest.CaptureFixture[str]
) -> None:
    port = unused_tcp_port_factory()
    async with AsyncExitStack() as stack:
        speecht5 = ("service", "speecht5", "--port", str(port))
        _, voice = await stack.enter_async_context(process(*speecht5, says="^(speecht5):"))
        http = await stack.enter_async_context(
            megaservice(**variables(f"http://127.0.0.1:{port}", "SPEECHT5_SERVER"), VISAVIS_LLM="fake")
        )
        long = {"text": "This is one of many sentences. " * 30, "stream": True}
        with pytest.raises(httpx.RemoteProtocolError):
            await read(http, long, at_first=voice.kill)
        failed = await http.post("/v1/audioqna", json={"audio": question})
        assert failed.status_code == 502
        assert f"the server at http://127.0.0.1:{port}/v1 cannot be reached" in failed.json()["detail"]
        await stack.enter_async_context(process(*speecht5, says="^(speecht5):"))
        assert (await http.post("/v1/audioqna", json={"audio": question})).status_code == 200
    assert "Traceback" not in capfd.readouterr().err


async def read(http: httpx.AsyncClient, body: dict[str, object], at_first: Callable[[], None]) -> None:
    """Read a streamed answer to its end; something happens at its first bytes."""
    async with http.stream("POST", "/v1/avatarchatbot", json=body) as response:
        assert response.status_code == 200
        pieces = response.aiter_bytes()
        await anext(pieces)
        at_first()
        async for _ in pieces:
            pass
