"""A voice's sample: made once, kept, and only of voices that there are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest

from tests.conversation.stage import GREY
from tests.gateway.scripted import live
from visavis.conversation.reply import Manner
from visavis.engines.fake import FakeTts
from visavis.engines.loading import Engines
from visavis.engines.protocols import Voice
from visavis.gateway.live import Live
from visavis.gateway.samples import _KEPT, Samples
from visavis.media.speech import Line, Speech
from visavis.media.wav import wav_audio
from visavis.settings import Settings
from visavis.streams.flow import Stream


class Counting(FakeTts):
    """Counts what it is asked to say, and by whom."""

    def __init__(self) -> None:
        super().__init__(Settings())
        self.asked: list[tuple[str, str | None]] = []
        self.beside = 0

    def voices(self) -> list[Voice]:
        return [Voice("hum", "en"), Voice("brumm", "de"), *(Voice(f"v{n}", "en") for n in range(_KEPT + 1))]

    async def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        self.asked.append((line.language, voice))
        self.beside += 1
        await asyncio.sleep(0.01)
        assert self.beside == 1, "one at a time"
        self.beside -= 1
        async for piece in super().synthesize(line, "hum"):
            yield piece


def having(tts: Counting) -> Engines:
    """Engines of which only the voice is used."""
    rest: Any = None
    return Engines(rest, rest, rest, tts, rest, rest)


async def test_a_voice_says_a_sentence_of_its_language_and_is_asked_once() -> None:
    tts = Counting()
    async with tts:
        samples = Samples(lambda: having(tts), 1.0)
        one, two, german = await asyncio.gather(samples.of("hum"), samples.of("hum"), samples.of("brumm"))
        assert one is not None
        assert one == two
        sound = wav_audio(one)
        assert sound is not None
        assert np.abs(sound.samples).max() > 0.01
        assert german is not None
        assert {each for each in tts.asked if each[1] == "brumm"} == {("de", "brumm")}
        before = len(tts.asked)
        assert await samples.of("hum") == one
        assert len(tts.asked) == before
        assert await samples.of("nobody") is None


async def test_only_the_last_samples_are_kept() -> None:
    tts = Counting()
    async with tts:
        samples = Samples(lambda: having(tts), 1.0)
        await samples.of("hum")
        for n in range(_KEPT + 1):
            await samples.of(f"v{n}")
        before = len(tts.asked)
        await samples.of(f"v{_KEPT}")
        assert len(tts.asked) == before
        await samples.of("hum")
        assert len(tts.asked) > before


async def test_the_page_fetches_a_voices_sample_beside_the_talk() -> None:
    async with live() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
        (name,) = [voice.name for voice in FakeTts(Settings()).voices()][:1]
        answer = await http.get(f"/voices/{name}/sample.wav")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
        assert answer.content[:4] == b"RIFF"
        assert wav_audio(answer.content) is not None
        missing = await http.get("/voices/nobody/sample.wav")
        assert (missing.status_code, missing.json()["detail"]) == (404, "there is no voice 'nobody'")


@pytest.mark.parametrize("name", ["..%2f..%2fetc", "%00", "a" * 3000])
async def test_no_name_is_more_than_a_name(name: str) -> None:
    async with live() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        assert (await http.get(f"/voices/{name}/sample.wav")).status_code == 404


def test_a_voice_that_an_avatar_misses_is_logged_once_and_another_of_the_language_speaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pool: Any = SimpleNamespace(usual=having(Counting()))
    talk = Live(Settings(), pool, False, tmp_path)
    try:
        german = Manner(language="de")
        missing = replace(GREY, voice="nobody")
        assert [talk.voice_of(missing, german) for _ in range(3)] == ["brumm"] * 3
        assert [each.getMessage() for each in caplog.records] == [
            "grey's own voice 'nobody' cannot be had here: brumm speaks"
        ]
        assert talk.voice_of(replace(GREY, voice="HUM"), Manner()) == "hum"
        assert talk.voice_of(replace(GREY, name="vera", voice="slt"), Manner()) == "hum"
        assert talk.voice_of(GREY, Manner()) == "hum"
        assert len(caplog.records) == 1
    finally:
        asyncio.run(talk.close())
