"""What the voices sound like, for whoever is about to choose one: each is asked once, and kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from visavis.conversation.sample import sample
from visavis.engines.loading import Engines
from visavis.media.wav import wav_bytes

_KEPT = 32
"""Samples at most, a third of a megabyte each."""


class Samples:
    """Of the synthesizer of the moment."""

    def __init__(self, engines: Callable[[], Engines], speed: float) -> None:
        self._engines, self._speed = engines, speed
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._turn = asyncio.Lock()  # one at a time: who talks needs the voice, too

    async def of(self, name: str) -> bytes | None:
        """A voice's sample as WAV; None where there is no such voice. Raises `EngineFailed`."""
        async with self._turn:
            engines = self._engines()
            tts = engines.tts
            voice = next((each for each in tts.voices() if each.name == name), None)
            if voice is None:
                return None
            key = (tts.info.name, name)
            if (found := self._kept.get(key)) is None:
                with engines.guests.inside():
                    audio = await sample(tts, voice, speed=self._speed)
                found = self._kept[key] = await asyncio.to_thread(wav_bytes, audio)
            self._kept.move_to_end(key)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return found
