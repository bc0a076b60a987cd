"""An answer is written: its script fills with speech, and when each stage came is noted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from visavis.avatars.avatar import Avatar
from visavis.conversation.answer import Answer
from visavis.conversation.reply import Manner, answer
from visavis.conversation.speak import speak
from visavis.engines.loading import Engines
from visavis.engines.protocols import Delta
from visavis.media.speech import Line, Speech
from visavis.streams.flow import each
from visavis.streams.noted import noted

_APOLOGY = "Sorry, something went wrong on my side. Please ask me again."


async def write(current: Answer, engines: Engines, avatar: Avatar, manner: Manner, written: Callable[[], None]) -> None:
    """Write the whole script; `written` is called whenever there is more of it. Raises what the engines raise."""

    def thought(delta: Delta) -> None:
        if delta.text.strip():
            current.mark("word", _now())

    def spoken(piece: Speech) -> None:
        current.mark("audio", _now())

    speech = answer(current.history, engines, avatar, manner, thought)
    await current.write(noted(speech, spoken), written)


async def apologize(current: Answer, engines: Engines, manner: Manner, written: Callable[[], None]) -> None:
    """Say aloud that it went wrong, if the voice still works; the script is ended in any case."""
    with suppress(Exception):  # it cannot speak: what happened was told in writing
        apology = speak(each([Line(_APOLOGY, "en", manner.speed)]), engines.tts, manner.voice)
        await current.write(apology, written)
    current.script.ended = True


def _now() -> float:
    return asyncio.get_running_loop().time()
