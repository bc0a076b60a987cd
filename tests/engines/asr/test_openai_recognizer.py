"""Hearing by a server: OpenAI's kind, and OPEA's of both eras."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from tests.serving.foreign import Foreign, era_a, era_b, listening
from visavis.engines.asr.openai import OpenAIRecognizer
from visavis.engines.contract import check_asr
from visavis.engines.protocols import Carry, Recognition
from visavis.errors import EngineFailed
from visavis.media.audio import Audio
from visavis.settings import Settings

SOUND = Audio(np.sin(np.arange(16_000)).astype(np.float32) * np.float32(0.2), 16_000)


async def test_it_keeps_the_laws_of_a_recogniser() -> None:
    async with listening(era_b(Foreign())) as url:
        await check_asr(OpenAIRecognizer(Settings(asr_url=url + "/v1")), SOUND)


@pytest.mark.parametrize(
    ("era", "route", "asked"),
    [(era_a, "/v1/audio/transcriptions", "asr"), (era_b, "/v1/asr", "asr"), (era_b, "/v1", "transcriptions")],
)
async def test_every_kind_of_server_is_known_by_its_answers(
    era: Callable[[Foreign], FastAPI], route: str, asked: str
) -> None:
    foreign = Foreign()
    async with (
        listening(era(foreign)) as url,
        OpenAIRecognizer(Settings(asr_url=url + route)) as ears,
    ):
        for _ in range(2):
            transcript, _ = await ears.recognize(SOUND, None, Recognition(), True)
            assert transcript.text == "who are you"
    assert len(foreign.bodies[asked]) == 2


async def test_nothing_is_sent_before_an_utterance_is_over_and_words_that_were_heard_stay() -> None:
    foreign = Foreign()
    carry: Carry | None = None
    async with listening(era_b(foreign)) as url, OpenAIRecognizer(Settings(asr_url=url + "/v1/asr")) as ears:
        transcript, carry = await ears.recognize(SOUND, carry, Recognition(), False)
        assert (transcript.text, foreign.bodies) == ("", {})
        transcript, carry = await ears.recognize(SOUND, carry, Recognition(), True)
        foreign.heard = "and what do you do"
        transcript, carry = await ears.recognize(SOUND, carry, Recognition(), False)
        assert transcript.text == "who are you"
        transcript, carry = await ears.recognize(SOUND, carry, Recognition(), True)
        assert transcript.text == "who are you and what do you do"


async def test_a_server_that_fails_to_hear_says_so() -> None:
    foreign = Foreign(heard={})  # type: ignore[arg-type]  # as OPEA's Whisper answers then
    async with listening(era_b(foreign)) as url, OpenAIRecognizer(Settings(asr_url=url + "/v1/asr")) as ears:
        with pytest.raises(EngineFailed, match="sent no text"):
            await ears.recognize(SOUND, None, Recognition(), True)


async def test_a_page_for_people_is_told_apart() -> None:
    app = FastAPI()

    @app.post("/v1/audio/transcriptions")
    async def page() -> HTMLResponse:
        return HTMLResponse("<!doctype html><title>Welcome</title>")

    async with listening(app) as url, OpenAIRecognizer(Settings(asr_url=url)) as ears:
        with pytest.raises(EngineFailed, match="sends a web page"):
            await ears.recognize(SOUND, None, Recognition(), True)
