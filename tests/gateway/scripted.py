"""The real server over scripted engines."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from tests.gateway.doors import serving
from visavis.gateway.app import create_app
from visavis.gateway.limits import Limits, Rate
from visavis.settings import load_settings

ANSWER = "The moon is a ball of grey rock, and it goes around the earth once a month."
FAKES = {slot: "fake" for slot in ("vad", "asr", "llm", "tts", "articulation", "animation")}
FREE = Limits(connections=Rate(1e6, 1e6), uploads=Rate(1e6, 1e6))


@asynccontextmanager
async def live(**values: Any) -> AsyncGenerator[int, None]:
    """Its port; `values` are settings."""
    settings = load_settings(size=128, **{**FAKES, **values})
    async with serving(create_app(settings, limits=FREE)) as port:
        yield port
