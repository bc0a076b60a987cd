"""Every service says in a header which engines had a part in its answer, and under which licences."""

from __future__ import annotations

from dataclasses import replace

import httpx
import numpy as np
import pytest

from tests.serving.processes import SILENCE, file, text
from visavis.engines.fake import FakeLlm
from visavis.serving.service import create_service
from visavis.settings import Settings

pytestmark = pytest.mark.asyncio

FAKES = {slot: "fake" for slot in ("vad", "asr", "llm", "tts", "articulation", "animation")}


async def _answer(name: str, path: str, body: dict[str, object]) -> httpx.Response:
    service = create_service(name, Settings(**FAKES, size=128))  # type: ignore[arg-type]
    async with (
        service.router.lifespan_context(service),
        httpx.AsyncClient(transport=httpx.ASGITransport(service), base_url="http://localhost") as http,
    ):
        return await http.post(path, json=body)


@pytest.mark.parametrize(
    ("name", "path", "body", "told"),
    [
        ("asr", "/v1/audio/transcriptions", {"byte_str": SILENCE}, "asr=fake (Apache-2.0)"),
        ("llm", "/v1/chat/completions", {"query": "Hello", "streaming": False}, "llm=fake (Apache-2.0)"),
        ("llm", "/v1/chat/completions", {"query": "Hello", "streaming": True}, "llm=fake (Apache-2.0)"),
        ("tts", "/v1/audio/speech", {"text": "Hello."}, "tts=fake (Apache-2.0)"),
        (
            "animation",
            "/v1/animation",
            {"byte_str": text(file(np.full(16_000, 0.1, np.float32), 16_000))},
            "articulation=fake (Apache-2.0); animation=fake (Apache-2.0)",
        ),
    ],
)
async def test_each_service_tells_its_engine(name: str, path: str, body: dict[str, object], told: str) -> None:
    response = await _answer(name, path, body)
    assert response.status_code == 200, response.text
    assert response.headers["x-visavis-engines"] == told


async def test_what_is_refused_is_nobodys_work() -> None:
    response = await _answer("tts", "/v1/audio/speech", {"text": "..."})
    assert response.status_code == 400
    assert "x-visavis-engines" not in response.headers


async def test_a_name_of_any_letters_fits_into_a_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLlm, "info", replace(FakeLlm.info, licence="freí\r\nX: y"))
    response = await _answer("llm", "/v1/chat/completions", {"query": "Hello", "streaming": False})
    assert response.headers["x-visavis-engines"] == "llm=fake (fre???X: y)"
