"""Whether the servers that the settings name answer, found by asking them as a conversation would."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from visavis.engines.registry import Candidate
    from visavis.settings import Settings

_PATIENCE = 10.0
"""Seconds for a first word."""


def fault_of(slot: str, used: Candidate, settings: Settings) -> tuple[str, str] | None:
    """What is wrong with the server in the place of the engine of a slot, and what to do; None if it answers."""
    from visavis.errors import VisavisError

    ask = {"asr": _hear, "llm": _think, "tts": _speak}[slot]
    variable = f"VISAVIS_{slot.upper()}_URL"
    remedy = f"start the server, correct {variable}, or unset it to use the embedded {_embedded(slot)}"
    try:
        asyncio.run(ask(used, settings))
    except TimeoutError:
        silent = f"the server at {getattr(settings, slot + '_url')} sent no word for {_PATIENCE:g} s"
        return silent, f"try again when its model is loaded; or {remedy}"
    except VisavisError as error:
        message, _, mend = str(error).partition("; ")
        return message, mend or remedy
    return None


def fault_of_videos(url: str) -> tuple[str, str] | None:
    """The same for OPEA's animation service, of which only its door is tried: a video would take long."""
    import httpx

    parts = urlsplit(url)
    try:
        httpx.get(f"{parts.scheme}://{parts.netloc}/v1/health", timeout=_PATIENCE)
    except httpx.HTTPError as error:
        remedy = "start it, correct VISAVIS_ANIMATION_URL, or unset it to make the videos here"
        return f"the service at {url} cannot be reached ({error})", remedy
    return None


def _embedded(slot: str) -> str:
    return "model" if slot == "llm" else "engine"


async def _think(used: Candidate, settings: Settings) -> None:
    from visavis.engines.protocols import Message, Sampling

    hello = [Message("user", "Say hello.")]
    async with (
        asyncio.timeout(_PATIENCE),
        used.engine(settings) as model,
        aclosing(model.complete(hello, Sampling(max_tokens=8))) as answer,
    ):
        async for delta in answer:
            if delta.text.strip():
                return


async def _speak(used: Candidate, settings: Settings) -> None:
    from visavis.media.speech import Line

    async with (
        asyncio.timeout(_PATIENCE),
        used.engine(settings) as tts,
        aclosing(tts.synthesize(Line("Hello.", settings.language), settings.voice)) as pieces,
    ):
        await anext(pieces)


async def _hear(used: Candidate, settings: Settings) -> None:
    from visavis.engines.protocols import Recognition
    from visavis.media.audio import Audio

    silence = Audio.silence(3200, 16_000)  # what is heard in it does not matter
    async with asyncio.timeout(_PATIENCE), used.engine(settings) as asr:
        await asr.recognize(silence, None, Recognition(settings.language), True)
