"""The conversations of a server: engines, places, and the people who come, lose their connection, and come back."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections import OrderedDict
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from starlette.websockets import WebSocket

from visavis.avatars.avatar import Avatar
from visavis.avatars.builtins import BUILTINS
from visavis.avatars.store import AvatarStore, resolve
from visavis.conversation.animate import animate
from visavis.conversation.history import History
from visavis.conversation.naming import system_prompt
from visavis.conversation.reply import Manner, own_voice
from visavis.conversation.rests import rested
from visavis.conversation.spoken import warm
from visavis.engines.loading import Engines
from visavis.engines.pool import Pool, open_pool
from visavis.engines.protocols import Animator, Slot
from visavis.engines.registry import choose, usable
from visavis.engines.used import records, used
from visavis.engines.voices import first_speaking, named
from visavis.errors import BadInput, EngineUnavailable
from visavis.gateway.admission import Admission, Place, calls, places
from visavis.gateway.connection import Connection
from visavis.gateway.equipment import Equipment
from visavis.gateway.events import Choice, EngineUsed
from visavis.gateway.metrics import Metrics
from visavis.gateway.samples import Samples
from visavis.gateway.visit import Kept, Visit
from visavis.gateway.websocket import jpeg
from visavis.media.mood import Mood
from visavis.media.speech import Line
from visavis.playback.mp4 import write_mp4
from visavis.settings import Settings, cores
from visavis.streams.flow import each
from visavis.streams.worker import Worker

DEFAULT = "default"
"""Names the avatar that the server was started with, which may be made from a file."""
_AVATARS = 8
"""Avatars kept in memory, some 3 MB each."""
_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_live(settings: Settings) -> AsyncGenerator[Live, None]:
    """Load the engines and be ready for people; when the block ends, every conversation does."""
    slots: list[Slot] = ["llm", "tts", "articulation", "animation"]
    hears = _hears(settings)
    if not settings.threads:
        # a model that takes every core would stop every face while it thinks
        settings = settings.model_copy(update={"threads": max(cores() - 1, 1)})
    slots += ["vad", "asr", "turn"] if hears else []
    async with open_pool(settings, slots) as pool:
        with tempfile.TemporaryDirectory(prefix="visavis-", ignore_cleanup_errors=True) as folder:
            live = Live(settings, pool, hears, Path(folder))
            try:
                await live.warm()
                yield live
            finally:
                await live.close()


def _hears(settings: Settings) -> bool:
    try:
        choose("asr", settings)
        choose("vad", settings)
    except EngineUnavailable:
        return False
    return True


class Live:
    """What is common to all conversations."""

    def __init__(self, settings: Settings, pool: Pool, hears: bool, folder: Path) -> None:
        self.settings, self.hears = settings, hears
        self.pool = pool
        self.equipment = Equipment(settings, pool)
        """Better engines, to be fetched."""
        self.metrics = Metrics()
        self.admission = Admission(places(settings))
        self.calls = asyncio.BoundedSemaphore(calls(settings))
        """Taken by each WebRTC connection."""
        self.encoder = Worker("jpeg")
        self.ready = False
        self._folder = folder
        self._store = AvatarStore(settings.data_dir / "avatars")
        self._files = Worker("avatars")
        self._avatars: OrderedDict[tuple[str, int], Avatar] = OrderedDict()
        self._lacking: set[tuple[str, str | None]] = set()
        """Voices that were missed, and by whom: it is said once."""
        self._samples = Samples(lambda: self.engines, settings.speed)
        self._visits: dict[str, _Stay] = {}
        self._making: dict[str, asyncio.Task[Path | None]] = {}
        self.metrics.count(lambda: self.admission.inside, lambda: self.admission.waiting)

    async def warm(self) -> None:
        """Do once what the first conversation would wait for."""
        await asyncio.to_thread(warm)
        await self._warm(self.engines, ("llm", "tts"))
        self.pool.loaded, self.pool.replaced = self._warm, self._adopt
        self.ready = True

    async def _warm(self, engines: Engines, slots: Collection[Slot]) -> None:
        """Ask the mind and the voice for a word, those of the `slots`."""
        avatar, manner = await self.avatar(None), self.manner()
        with suppress(Exception):  # what does not work now will be said when it is used
            if "llm" in slots:
                messages = History.begin(system_prompt(self.settings, self.named(None))).asked("Hello.").messages
                async with aclosing(engines.llm.complete(messages, replace(manner.sampling, max_tokens=1))) as words:
                    async for _ in words:
                        pass
            if "tts" in slots:
                voices = engines.tts.voices()
                voice = manner.spoken_by(voices).voice or own_voice(avatar, voices, manner.language)
                async with aclosing(engines.tts.synthesize(Line("Hello.", manner.language), voice)) as pieces:
                    async for _ in pieces:
                        pass

    def _adopt(self, engines: Engines, slots: Collection[Slot]) -> None:
        """Other engines took over: every conversation goes on with them."""
        for stay in self._visits.values():
            stay.visit.session.adopt(engines)
            if stay.connection is not None:
                stay.connection.equipped(slots)

    @property
    def engines(self) -> Engines:
        """Those of this moment."""
        return self.pool.usual

    async def close(self) -> None:
        """End every conversation."""
        self.ready = False
        await self.equipment.close()
        stays = list(self._visits.values())
        for stay in stays:
            stay.task.cancel()
        making = list(self._making.values())
        for task in making:
            task.cancel()
        await asyncio.gather(*(stay.task for stay in stays), *making, return_exceptions=True)
        await asyncio.sleep(0)
        self.encoder.close()
        self._files.close()

    async def serve(self, websocket: WebSocket) -> None:
        """Talk with one page, until its connection ends."""
        await Connection(self, websocket).run()

    # ---- people

    def begin(self, avatar: Avatar, manner: Manner, name: str | None, place: Place) -> Visit:
        """A new conversation, which has the `place` until it ends."""
        visit = Visit(self.engines, avatar, manner, system_prompt(self.settings, name), self.hears, self.metrics)
        task = asyncio.create_task(visit.run(), name=f"session {visit.id}")
        self._visits[visit.resume] = stay = _Stay(visit, task)
        task.add_done_callback(lambda _: self._ended(stay, place))
        return visit

    def session_of(self, resume: str) -> Visit | None:
        """The conversation whose secret this is, if it goes on."""
        stay = self._visits.get(resume)
        return stay.visit if stay is not None else None

    def came(self, visit: Visit, connection: Connection) -> None:
        """A page is connected; one that was before it gives way."""
        stay = self._visits[visit.resume]
        if stay.expiry is not None:
            stay.expiry.cancel()
        before, stay.connection = stay.connection, connection
        if before is not None and before is not connection:
            before.replaced()

    def went(self, visit: Visit, connection: Connection) -> bool:
        """A page's connection is lost: it has some time to come back. False if it had given way to another already."""
        stay = self._visits.get(visit.resume)
        if stay is None or stay.connection is not connection:
            return False
        stay.connection = None
        loop = asyncio.get_running_loop()
        stay.expiry = loop.call_later(self.settings.resume_window, stay.task.cancel)
        return True

    def end(self, visit: Visit) -> None:
        """The conversation is over."""
        if (stay := self._visits.get(visit.resume)) is not None:
            stay.task.cancel()

    def _ended(self, stay: _Stay, place: Place) -> None:
        self._visits.pop(stay.visit.resume, None)
        for key in stay.visit.videos:
            (self._folder / f"{key}.mp4").unlink(missing_ok=True)
        if stay.expiry is not None:
            stay.expiry.cancel()
        place.leave()
        error = None if stay.task.cancelled() else stay.task.exception()
        if error is not None:
            _log.error("session %s ended by our mistake", stay.visit.id, exc_info=error)
        if stay.connection is not None:
            stay.connection.ended(failed=error is not None)

    # ---- what they can ask for

    def named(self, name: str | None) -> str | None:
        """The name of the avatar that is meant; None where it is made from a file, which has no name to say."""
        name = (None if name == DEFAULT else name) or self.settings.avatar or next(iter(BUILTINS))
        known = {*BUILTINS, *(about.name for about in self._store.list())}
        return name if name in known else None

    async def avatar(self, name: str | None) -> Avatar:
        """A built-in or a stored avatar, or (None) the one the server was started with. Raises `BadInput`."""
        size, name = self.settings.size, None if name == DEFAULT else name
        if (found := self._avatars.get((name or "", size))) is None:
            if name is None:
                found = await self._files.run(resolve, self.settings.avatar, self._store, size)
            elif name.lower() in BUILTINS:
                found = await self._files.run(self._store.builtin, name.lower(), size)
            else:  # never a path: the name comes from a page
                found = await self._files.run(self._store.load, name)
        self._avatars[name or "", size] = found
        self._avatars.move_to_end((name or "", size))
        while len(self._avatars) > _AVATARS:
            self._avatars.popitem(last=False)
        return found

    def manner(self, voice: str | None = None, emotion: str | None = None, size: int | None = None) -> Manner:
        """How to answer; `size` up to the server's. Raises `BadInput` for a voice or an emotion that there is not."""
        settings = self.settings
        if voice is not None:
            known = [each.name for each in self.voices()]
            if (found := named(voice, known)) is None:
                raise BadInput(f"there is no voice '{voice}' here: choose one of {', '.join(known[:8])}")
            voice = found
        usual = Manner.of(settings)
        return replace(
            usual,
            rendering=replace(usual.rendering, size=min(size or settings.size, settings.size)),
            voice=voice or settings.voice,
            mood=Mood.of(emotion or settings.emotion),
        )

    def voice_of(self, avatar: Avatar, manner: Manner) -> str:
        """The voice that an avatar speaks with; where its own cannot be had, the log says so."""
        voices = self.engines.tts.voices()
        if (voice := manner.voice or own_voice(avatar, voices, manner.language)) is not None:
            return voice
        found = first_speaking(voices, manner.language) or voices[0]
        lacking = (avatar.name, avatar.voice)
        if avatar.voice is not None and avatar.name not in BUILTINS and lacking not in self._lacking:
            self._lacking.add(lacking)
            _log.warning("%s's own voice '%s' cannot be had here: %s speaks", *lacking, found.name)
        return found.name

    def voices(self) -> list[Choice]:
        """The voices that speak the language."""
        base = self.settings.language.split("-")[0].lower()
        voices = [voice for voice in self.engines.tts.voices() if voice.language.split("-")[0].lower() == base]
        return [Choice(name=voice.name, about=voice.description or voice.language) for voice in voices]

    async def voice_sample(self, name: str) -> bytes | None:
        """What a voice sounds like, as WAV; None where there is no such voice."""
        return await self._samples.of(name)

    async def animator(self, name: str) -> Animator:
        """What draws faces, loaded when first asked for. Raises `BadInput` for one that there is not."""
        return (await self.pool.drawn_by(self.engines, name)).animation

    def animators(self) -> list[Choice]:
        """What can draw faces here, the usual one among them."""
        usual = self.engines.animation.info
        found = {each.info.name: each.info.summary for each in usable("animation", self.settings)} | {
            usual.name: usual.summary
        }
        return [Choice(name=name, about=about) for name, about in found.items()]

    def used(self, animation: Animator) -> list[EngineUsed]:
        """The engines of a conversation, and their licences."""
        slots: list[Slot] = ["asr", "turn", "llm", "tts", "articulation", "animation"]
        here = [slot for slot in slots if slot == "animation" or slot in self.pool.slots]
        engines = used(replace(self.engines, animation=animation), here)
        return [EngineUsed(**record) for record in records(engines)]

    def avatars(self) -> list[Choice]:
        """The built-in avatars and the stored ones."""
        stored = [Choice(name=about.name, about=about.note) for about in self._store.list()]
        return [Choice(name=each.name, about=each.note) for each in BUILTINS.values()] + stored

    async def avatar_picture(self, name: str) -> bytes | None:
        """What an avatar looks like, as JPEG."""
        try:
            avatar = await self.avatar(name)
        except BadInput:
            return None
        return await self._files.run(thumbnail, avatar)

    async def answer_video(self, key: str) -> Path | None:
        """An answer as MP4, made when it is first asked for."""
        kept = next((stay.visit.videos[key] for stay in self._visits.values() if key in stay.visit.videos), None)
        if kept is None:
            return None
        path = self._folder / f"{key}.mp4"
        if path.exists():
            return path
        if (task := self._making.get(key)) is None:
            task = self._making[key] = asyncio.create_task(self._video(kept, path))
            task.add_done_callback(lambda _: self._making.pop(key, None))
        return await asyncio.shield(task)

    async def _video(self, kept: Kept, path: Path) -> Path | None:
        manner = kept.manner
        clips = animate(
            rested(each(kept.speech)),
            kept.avatar,
            self.engines.articulation,
            kept.animation,
            manner.rendering,
            mood=manner.mood,
        )
        tags = {"comment": kept.made_by}
        return (await write_mp4(clips, path, fps=manner.rendering.fps, metadata=tags)).path


class _Stay:
    """A visit, its task, and who is connected to it."""

    def __init__(self, visit: Visit, task: asyncio.Task[None]) -> None:
        self.visit, self.task = visit, task
        self.connection: Connection | None = None
        self.expiry: asyncio.TimerHandle | None = None


def thumbnail(avatar: Avatar) -> bytes:
    """What an avatar looks like: its plate, as JPEG."""
    pixels = avatar.plate if avatar.alpha is None else np.dstack([avatar.plate, avatar.alpha])
    return jpeg(pixels)
