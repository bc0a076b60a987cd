"""Speaking by a server: OpenAI's kind, and OPEA's of both eras."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import numpy as np
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from tests.serving.foreign import Foreign, era_a, era_b, hum, listening
from visavis.engines.contract import check_tts
from visavis.engines.tts.openai import OpenAISynthesizer
from visavis.errors import EngineFailed
from visavis.media.audio import Audio
from visavis.media.speech import Line, Speech
from visavis.serving.sound import encoded
from visavis.settings import Settings

LINE = Line("Hello there, how are you?")


def speaking(answer: Callable[[dict[str, object]], Response]) -> FastAPI:
    app = FastAPI()

    @app.post("/v1/audio/speech", response_model=None)
    async def speech(request: Request) -> Response:
        return answer(await request.json())

    return app


async def spoken(url: str, line: Line = LINE, **settings: str) -> list[Speech]:
    async with OpenAISynthesizer(Settings(tts_url=url, **settings)) as voice:  # type: ignore[arg-type]
        return [piece async for piece in voice.synthesize(line, None)]


async def test_it_keeps_the_laws_of_a_synthesizer() -> None:
    async with listening(era_b(Foreign())) as url:
        await check_tts(OpenAISynthesizer(Settings(tts_url=url)), LINE)


@pytest.mark.parametrize(
    ("era", "route", "asked"),
    [(era_a, "/v1/audio/speech", "tts"), (era_b, "/v1/tts", "tts"), (era_b, "", "speech")],
)
async def test_every_kind_of_server_is_known_by_its_answers(
    era: Callable[[Foreign], FastAPI], route: str, asked: str
) -> None:
    foreign = Foreign()
    async with listening(era(foreign)) as url:
        pieces = await spoken(url + route)
        sound = Audio.join([piece.audio for piece in pieces])
    assert sound.rate == 16_000
    assert len(sound) == len(LINE.text) * 960
    assert [word.text for piece in pieces for word in piece.words] == LINE.text.split()
    assert len(foreign.bodies[asked]) == 1


async def test_sound_is_passed_on_while_it_comes_and_closing_stops_the_server() -> None:
    stopped = asyncio.Event()

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            yield hum("x")[:40] + b"\xff" * 4  # a header that knows no length
            while True:
                yield bytes(8000)
                await asyncio.sleep(0.02)
        finally:
            stopped.set()

    app = speaking(lambda _: StreamingResponse(endless(), media_type="audio/wav"))
    async with listening(app) as url, OpenAISynthesizer(Settings(tts_url=url)) as voice:
        async with aclosing(voice.synthesize(LINE, None)) as pieces:
            first = await anext(pieces)
        assert not first.final
        assert 0.2 < len(first.audio) / first.audio.rate < 1.5
        async with asyncio.timeout(5):
            await stopped.wait()


@pytest.mark.parametrize("kind", ["mp3", "opus", "flac"])
async def test_another_format_than_the_one_asked_for_is_taken(kind: str) -> None:
    sound = Audio(np.sin(np.arange(24_000) / 20).astype(np.float32) * np.float32(0.3), 24_000)
    async with listening(speaking(lambda _: Response(encoded(sound, kind)))) as url:
        pieces = await spoken(url)
    assert sum(len(p.audio) / p.audio.rate for p in pieces) == pytest.approx(1.0, abs=0.1)


async def test_model_voice_and_speed_are_asked_for_only_where_they_were_chosen() -> None:
    seen: list[dict[str, object]] = []

    def answer(body: dict[str, object]) -> Response:
        seen.append(body)
        return Response(hum("hello"), media_type="audio/wav")

    async with listening(speaking(answer)) as url:
        await spoken(url)
        await spoken(url, Line("Hi.", speed=1.5), tts_model="tts-1", voice="nova")
    assert seen[0] == {"input": LINE.text, "voice": "default", "response_format": "wav"}
    assert seen[1] == {"input": "Hi.", "voice": "nova", "response_format": "wav", "model": "tts-1", "speed": 1.5}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response(b""), "did not answer as a voice"),
        (Response(b"not a sound file at all, but some text" * 9), "did not answer as a voice"),
        (JSONResponse({"error": "x"}), "did not answer as a voice"),
        (Response(b"<!doctype html><p>hello", media_type="text/html"), "sends a web page"),
        (JSONResponse({"detail": "no such voice"}, 400), "answered 400: no such voice"),
    ],
)
async def test_garbage_is_an_error_that_says_what_came(answer: Response, said: str) -> None:
    async with listening(speaking(lambda _: answer)) as url:
        with pytest.raises(EngineFailed, match=said):
            await spoken(url)


async def test_the_voices_that_a_server_lists_can_be_asked_for() -> None:
    app = speaking(lambda _: Response(hum("hello")))

    @app.get("/v1/audio/voices")
    async def voices() -> dict[str, list[object]]:
        return {"voices": ["af_sky", {"name": "slt"}]}

    async with listening(app) as url, OpenAISynthesizer(Settings(tts_url=url)) as voice:
        assert [each.name for each in voice.voices()] == ["default", "af_sky", "slt"]
