"""An engine here takes over while a server fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.responses import Response, StreamingResponse

from tests.serving.foreign import Foreign, era_b, listening
from visavis.engines.asr.openai import OpenAIRecognizer
from visavis.engines.fake import FakeAsr, FakeLlm, FakeTts
from visavis.engines.fallback import FallbackModel, FallbackRecognizer, FallbackSynthesizer
from visavis.engines.loading import load_engines
from visavis.engines.protocols import Carry, Message, Recognition, Sampling
from visavis.engines.registry import about
from visavis.errors import EngineFailed
from visavis.media.audio import Audio
from visavis.media.speech import Line
from visavis.settings import load_settings

CHUNK = Audio(np.full(3200, 0.2, np.float32), 16_000)
NOWHERE = "http://127.0.0.1:9/v1"


@pytest.fixture(autouse=True)
def servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for slot in ("ASR", "LLM", "TTS"):
        monkeypatch.setenv(f"VISAVIS_{slot}_URL", NOWHERE)
    monkeypatch.setenv("VISAVIS_LLM_MODEL", "m")


async def test_with_the_setting_engines_here_stand_behind_the_servers_and_do_their_work() -> None:
    settings = load_settings(fallback=True)
    async with load_engines(settings, ("asr", "llm", "tts")) as engines:
        assert isinstance(engines.asr, FallbackRecognizer)
        assert isinstance(engines.llm, FallbackModel)
        assert isinstance(engines.tts, FallbackSynthesizer)
        assert about(engines.asr) == about(OpenAIRecognizer(settings)), "what is asked about them is the server's"
        assert "slt" in {voice.name for voice in engines.tts.voices()}
        pieces = [piece async for piece in engines.tts.synthesize(Line("Hello there."), None)]
        assert sum(len(piece.audio) for piece in pieces) > 8000


async def test_without_it_a_failure_is_one() -> None:
    async with load_engines(load_settings(), ["tts"]) as engines:
        with pytest.raises(EngineFailed, match="cannot be reached"):
            [piece async for piece in engines.tts.synthesize(Line("Hello there."), None)]


async def test_an_utterance_is_heard_whole_by_whoever_can_and_what_was_settled_stays() -> None:
    foreign = Foreign(heard="from afar")
    async with listening(era_b(foreign)) as url:
        settings = load_settings(asr_url=url + "/v1/asr")
        async with FallbackRecognizer(OpenAIRecognizer(settings), FakeAsr(settings)) as ears:
            carry: Carry | None = None
            texts: list[str] = []
            for failing, final in ((0, False), (0, True), (0, False), (9, True), (0, False), (0, True)):
                foreign.failing = failing
                transcript, carry = await ears.recognize(CHUNK, carry, Recognition(), final)
                texts.append(transcript.text)
    here = "what is your name"
    assert texts[:4] == ["", "from afar", "from afar", f"from afar {here}"]
    assert texts[4:] == [f"from afar {here}", f"from afar {here} from afar"]


async def test_half_an_answer_is_not_gone_on_with_by_another_mind() -> None:
    app = FastAPI()

    @app.post("/v1/chat/completions", response_model=None)
    async def chat() -> Response:
        async def events() -> AsyncGenerator[str, None]:
            yield (
                "data: " + json.dumps({"choices": [{"delta": {"content": "I think"}, "finish_reason": None}]}) + "\n\n"
            )
            await asyncio.sleep(0.05)

        return StreamingResponse(events(), media_type="text/event-stream")

    from visavis.engines.llm.openai import OpenAICompatible

    async with listening(app) as url:
        settings = load_settings(llm_url=url)
        async with (
            FallbackModel(OpenAICompatible(settings), FakeLlm(settings)) as mind,
            aclosing(mind.complete([Message("user", "Hi")], Sampling())) as deltas,
        ):
            assert (await anext(deltas)).text == "I think"
            with pytest.raises(EngineFailed, match="broke off"):
                await anext(deltas)


async def test_a_mind_and_a_voice_here_answer_while_the_servers_are_away() -> None:
    from visavis.engines.llm.openai import OpenAICompatible
    from visavis.engines.tts.openai import OpenAISynthesizer

    settings = load_settings()
    async with (
        FallbackModel(OpenAICompatible(settings), FakeLlm(settings)) as mind,
        FallbackSynthesizer(OpenAISynthesizer(settings), FakeTts(settings)) as voice,
    ):
        deltas = [delta async for delta in mind.complete([Message("user", "Hi")], Sampling())]
        assert "".join(delta.text for delta in deltas).startswith("You said: Hi")
        pieces = [piece async for piece in voice.synthesize(Line("Hi"), "hum")]
        assert len(pieces[0].audio) > 0
