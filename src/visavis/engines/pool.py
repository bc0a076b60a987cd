"""Engines that only some requests ask for: loaded at the first such request, freed with all the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

from visavis.engines.loading import Engines, usable_voices
from visavis.engines.protocols import Slot
from visavis.engines.registry import about, choose, speaks, usable
from visavis.engines.voices import named
from visavis.errors import BadConfiguration, BadInput, EngineUnavailable, VisavisError
from visavis.settings import Settings, load_settings


class Pool:
    """Beside the `usual` engines, which are entered already."""

    def __init__(self, settings: Settings, usual: Engines, stack: AsyncExitStack) -> None:
        self.usual = usual
        self._settings, self._stack = settings, stack
        self._others: dict[tuple[Slot, str], asyncio.Future[Any]] = {}

    async def drawn_by(self, engines: Engines, animator: str | None) -> Engines:
        """The same with another animator. Raises `BadInput` for one that there is not."""
        if not animator or animator in ("auto", self.usual.animation.info.name):
            return engines
        known = [each.info.name for each in usable("animation")]
        if (name := named(animator, known)) is None:
            raise BadInput(f"there is no animator '{animator[:40]}' here: there is {', '.join(known)}")
        return replace(engines, animation=await self._engine("animation", animation=name))

    async def hearing(self, engines: Engines, language: str) -> Engines:
        """The same with ears for a language. Raises `BadInput` where there are none."""
        if speaks(about(self.usual.asr), language):
            return engines
        return replace(engines, asr=await self._engine("asr", asr="auto", language=language))

    def language_of(self, voice: str | None, usual: str) -> str:
        """The language in which a voice answers: the usual one, if it knows that."""
        if voice is None:
            return usual
        every = [*self.usual.tts.voices(), *usable_voices(self._settings)]
        name = named(voice, {each.name for each in every})
        spoken = [each.language for each in every if each.name == name]
        base = usual.split("-")[0].lower()
        return next((usual for each in spoken if each.split("-")[0].lower() == base), next(iter(spoken), usual))

    async def speaking(self, engines: Engines, language: str, voice: str | None) -> Engines:
        """The same with a synthesizer that has the voice and knows the language.

        Raises `BadInput` where there is none for the language; one for the voice is looked for, and may not be found.
        """
        tts = self.usual.tts
        has_voice = voice is None or named(voice, (each.name for each in tts.voices())) is not None
        if has_voice and speaks(about(tts), language):
            return engines
        return replace(engines, tts=await self._engine("tts", tts="auto", language=language, voice=voice))

    async def settled(self) -> None:
        """Wait for what is being loaded: only then it can be freed."""
        await asyncio.gather(*self._others.values(), return_exceptions=True)

    async def _engine(self, slot: Slot, **asked: str | None) -> Any:
        settings = self._settings.model_copy(update=asked)
        try:
            chosen = choose(slot, settings)
        except (EngineUnavailable, BadConfiguration) as error:
            raise BadInput(str(error)) from None
        usual = getattr(self.usual, slot)
        if chosen.info.name == usual.info.name:
            return usual
        key = (slot, chosen.info.name)
        if key not in self._others:
            self._others[key] = asyncio.ensure_future(self._stack.enter_async_context(chosen.engine(settings)))
        loading = self._others[key]
        try:
            return await asyncio.shield(loading)  # whoever asked first may leave: others wait for it, too
        except VisavisError:
            self._others.pop(key, None)
            raise


@asynccontextmanager
async def open_pool(settings: Settings, usual: Engines) -> AsyncGenerator[Pool, None]:
    """Engines on demand beside the usual ones."""
    async with AsyncExitStack() as stack:
        pool = Pool(settings, usual, stack)
        try:
            yield pool
        finally:
            await pool.settled()


def checked_language(asked: str | None, usual: str) -> str:
    """The language that a request asks for; the usual one where it does not. Raises `BadInput` for what is none."""
    if not asked or asked.lower() in ("auto", "default", usual.lower()):
        return usual
    try:
        return load_settings(language=asked).language
    except BadConfiguration:
        raise BadInput(f"'{asked[:40]}' is no language's code: write it as in en or de") from None
