"""The engines of a server: the usual ones, those that only some requests ask for, and others in their place when models
were pulled or removed, while people talk."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from visavis import machine
from visavis.engines.loading import Engines, Load, begin, entered, leave, together, usable_voices
from visavis.engines.protocols import Slot
from visavis.engines.registry import about, candidates, choose, speaks, usable
from visavis.engines.standing import Standing, standing
from visavis.engines.voices import named
from visavis.errors import BadConfiguration, BadInput, EngineUnavailable, VisavisError
from visavis.settings import Settings, load_settings
from visavis.weights.models import changed_at

_SWITCHED: tuple[Slot, ...] = ("asr", "turn", "llm", "tts")
"""Slots whose engines have models to be pulled."""
_LOOK = 2.0
"""Seconds between two looks at the models' folder."""
_log = logging.getLogger(__name__)


class Pool:
    """`usual` are the engines of this moment; whoever uses them is one of their `guests`."""

    def __init__(self, settings: Settings, loads: dict[Slot, Load], usual: Engines, stands: Standing) -> None:
        self.usual = usual
        self.loaded: Callable[[Engines, Collection[Slot]], Awaitable[None]] | None = None
        """Called with other engines before they take over, to do what the first who uses them would wait for."""
        self.replaced: Callable[[Engines, Collection[Slot]], None] = lambda usual, slots: None
        """Called when others took over, in the very step in which they do."""
        self._settings, self._loads, self._stands = settings, loads, stands
        self._others: dict[tuple[Slot, str], Load] = {}
        self._renewing = asyncio.Lock()
        self._freeing: set[asyncio.Task[None]] = set()

    async def drawn_by(self, engines: Engines, animator: str | None) -> Engines:
        """The same with another animator. Raises `BadInput` for one that there is not."""
        if not animator or animator in ("auto", self.usual.animation.info.name):
            return engines
        known = [each.info.name for each in usable("animation", self._settings)]
        if (name := named(animator, known)) is None:
            others = candidates("animation", self._settings)
            why = {each.info.name: each.availability.reason for each in others if not each.info.commercial}
            unfit = named(animator, why)
            reason = f" ({why[unfit]})" if unfit else ""
            raise BadInput(f"there is no animator '{animator[:40]}' here{reason}: there is {', '.join(known)}")
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

    @property
    def slots(self) -> Collection[Slot]:
        """Those with an engine."""
        return list(self._loads)

    async def renew(self) -> Collection[Slot]:
        """Choose anew where models came or went, load that beside what is used, and let it take over in one step.

        Answers and utterances that have begun keep what they began with; it is freed when the last of them is over.
        Returns the slots with another engine. Raises what loading raises: then all is as it was.
        """
        async with self._renewing:
            now = await asyncio.to_thread(standing, self._settings, list(self._stands))
            slots = [slot for slot in now if now[slot] != self._stands[slot]]
            came = [model for slot in slots for model in now[slot].models if model not in self._stands[slot].models]
            self._stands = now  # what cannot be loaded is not tried over and over
            if not slots:
                return []
            _check_room(sum(model.memory for model in came))
            loads = begin(self._settings, slots)
            try:
                found = await entered(loads)
                if self.loaded is not None:
                    await self.loaded(together(found), list(loads))
            except BaseException:
                await leave(loads.values())
                raise
            self._take_over(slots, loads, found)
            return slots

    def _take_over(self, slots: Collection[Slot], loads: dict[Slot, Load], found: dict[str, Any]) -> None:
        before = [self._loads.pop(slot) for slot in slots if slot in self._loads]
        others = [key for key in self._others if key[0] in slots]
        before += [self._others.pop(key) for key in others]
        self._loads |= loads
        took_over: dict[str, Any] = {slot: found.get(slot) for slot in slots}
        self.usual = replace(self.usual, **took_over)
        freeing = asyncio.create_task(self._free(before))
        self._freeing.add(freeing)
        freeing.add_done_callback(self._freeing.discard)
        self.replaced(self.usual, slots)

    async def _free(self, loads: list[Load]) -> None:
        await self.usual.guests.left()
        await leave(loads)
        await asyncio.to_thread(machine.release)

    async def freed(self) -> None:
        """Until everything that was replaced is freed."""
        await asyncio.gather(*self._freeing)

    async def watch(self) -> None:
        """Renew whenever models come or go, until cancelled: another process may have pulled them."""
        seen = await asyncio.to_thread(changed_at)
        while True:
            await asyncio.sleep(_LOOK)
            if (now := await asyncio.to_thread(changed_at)) == seen:
                continue
            seen = now
            try:
                if slots := await self.renew():
                    _log.warning("now used: %s", ", ".join(f"{s} {getattr(self.usual, s).info.name}" for s in slots))
            except VisavisError as error:
                _log.warning("what was pulled is not used yet: %s", error)
            except Exception:
                _log.exception("what was pulled cannot be used")

    async def close(self) -> None:
        """Free everything; nobody uses any of it."""
        self.usual.guests.dismiss()
        await asyncio.gather(*self._freeing, leave([*self._loads.values(), *self._others.values()]))

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
            self._others[key] = Load(chosen.engine(settings))
        load = self._others[key]
        try:
            return await load.entered()
        except VisavisError:
            if self._others.get(key) is load:
                del self._others[key]
            raise


@asynccontextmanager
async def open_pool(settings: Settings, slots: Collection[Slot]) -> AsyncGenerator[Pool, None]:
    """Load the engines of `slots`; when the block ends, all are freed. Raises as `load_engines` does."""
    stands = await asyncio.to_thread(standing, settings, [slot for slot in _SWITCHED if slot in slots])
    loads = begin(settings, slots)
    try:
        pool = Pool(settings, loads, together(await entered(loads)), stands)
    except BaseException:
        await leave(loads.values())
        raise
    watching = asyncio.create_task(pool.watch())
    try:
        yield pool
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await pool.close()


def _check_room(needed: int) -> None:
    """Raise `EngineUnavailable` where engines do not fit beside those that are used."""
    if needed > (free := machine.available()):
        raise EngineUnavailable(
            f"{needed / 1e9:.1f} GB of memory are needed beside what is used now, and {free / 1e9:.1f} are free: "
            "start visavis anew to use it"
        )


def checked_language(asked: str | None, usual: str) -> str:
    """The language that a request asks for; the usual one where it does not. Raises `BadInput` for what is none."""
    if not asked or asked.lower() in ("auto", "default", usual.lower()):
        return usual
    try:
        return load_settings(language=asked).language
    except BadConfiguration:
        raise BadInput(f"'{asked[:40]}' is no language's code: write it as in en or de") from None
