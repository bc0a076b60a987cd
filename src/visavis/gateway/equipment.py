"""Better engines for a server that runs: what it uses, what is recommended instead, and fetching that from its page."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from visavis.engines.pool import Pool
from visavis.engines.protocols import Slot
from visavis.engines.used import Used, used
from visavis.errors import BadInput, VisavisError
from visavis.gateway.security import is_loopback
from visavis.settings import Settings
from visavis.weights.models import Model, installed
from visavis.weights.pull import Cancelled, pull
from visavis.weights.recommended import duration, install, missing_extras, recommended

_ELSEWHERE = "on the machine of the server, type: visavis models pull recommended"
_SHOWN: tuple[Slot, ...] = ("vad", "asr", "turn", "llm", "tts", "articulation", "animation")
_SETTLING = 3.0
"""Seconds from which on a rate is believed."""
_log = logging.getLogger(__name__)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class Wanted(_Told):
    """A model that is recommended here."""

    name: str
    title: str
    slot: str
    purpose: str
    bytes: int
    licence: str
    licence_url: str
    is_here: bool


class Pulling(_Told):
    """How far it is."""

    state: Literal["pulling", "loading", "done", "failed", "cancelled"]
    title: str = Field(description="of the model that is fetched now")
    done: int = Field(description="bytes")
    total: int
    remaining: float | None = Field(description="seconds, about")
    message: str


class Offer(_Told):
    """What a page shows."""

    used: list[Used]
    models: list[Wanted]
    bytes: int = Field(description="still to fetch")
    time: str = Field(description="how long that takes, about, in words")
    extras: str = Field(description="what is typed to have libraries with which better ones would be recommended")
    may: bool = Field(description="whether this page may fetch them")
    why: str = Field(description="if not, what to do instead")
    job: Pulling | None


@dataclass
class _Job:
    total: int
    state: Literal["pulling", "loading", "done", "failed", "cancelled"] = "pulling"
    title: str = ""
    before: int = 0  # bytes of the models that are whole
    done: int = 0
    message: str = ""
    began: float = field(default_factory=time.monotonic)
    first: int | None = None  # bytes that were there already
    cancelled: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int, total: int) -> None:
        """Of one model; called by the thread that pulls."""
        if self.cancelled.is_set():
            raise Cancelled("cancelled")
        self.done = self.before + done
        if self.first is None:
            self.first, self.began = self.done, time.monotonic()

    @property
    def is_over(self) -> bool:
        return self.state not in ("pulling", "loading")

    def told(self) -> Pulling:
        seconds, came = time.monotonic() - self.began, self.done - (self.first or 0)
        left = max(self.total - self.done, 0) * seconds / came if came and seconds > _SETTLING else None
        return Pulling(
            state=self.state, title=self.title, done=self.done, total=self.total, remaining=left, message=self.message
        )


class Equipment:
    """Of one server. One person at a time has something fetched; everybody may see how far it is."""

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._settings, self._pool = settings, pool
        self._job: _Job | None = None
        self._task: asyncio.Task[None] | None = None

    async def offer(self) -> Offer:
        """What is used, what is recommended, and how far that is."""
        wanted, extras = await asyncio.to_thread(lambda: (self._wanted(), self._extras()))
        models = [
            Wanted(
                name=model.name,
                title=model.title,
                slot=model.slot,
                purpose=model.purpose,
                bytes=model.bytes,
                licence=model.licence,
                licence_url=model.licence_url,
                is_here=is_here,
            )
            for model, is_here in wanted.items()
        ]
        return Offer(
            used=used(self._pool.usual, [slot for slot in _SHOWN if slot in self._pool.slots]),
            models=models,
            bytes=(size := sum(each.bytes for each in models if not each.is_here)),
            time=duration(size),
            extras=extras,
            may=self._may,
            why="" if self._may else _ELSEWHERE,
            job=None if self._job is None else self._job.told(),
        )

    async def start(self) -> None:
        """Begin to fetch what is recommended and not here. Raises `BadInput` where that cannot be."""
        if not self._may:
            raise BadInput(_ELSEWHERE)
        if self._job is not None and not self._job.is_over:
            raise BadInput("it is being fetched already")
        lacking = [model for model, is_here in (await asyncio.to_thread(self._wanted)).items() if not is_here]
        if not lacking:
            raise BadInput("everything that is recommended is here")
        self._job = _Job(sum(model.bytes for model in lacking), title=lacking[0].title)
        self._task = asyncio.create_task(self._fetch(self._job, lacking))

    def cancel(self) -> None:
        """Fetch no more; what has come is kept, and the next time goes on with it."""
        if self._job is not None:
            self._job.cancelled.set()

    async def close(self) -> None:
        """The server ends."""
        self.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def _may(self) -> bool:
        settings = self._settings
        if settings.page_pulls is not None:
            return settings.page_pulls
        return is_loopback(settings.host) and settings.token is None and not settings.allowed_hosts

    def _wanted(self) -> dict[Model, bool]:
        """The recommended models, and whether each is here."""
        found = recommended(self._settings.language, commercial_only=self._settings.commercial_only)
        return {model: installed(model.name) is not None for model in found}

    def _extras(self) -> str:
        settings = self._settings
        lacking = missing_extras(settings.language, commercial_only=settings.commercial_only)
        return install(lacking) if lacking else ""

    async def _fetch(self, job: _Job, models: list[Model]) -> None:
        try:
            for model in models:
                job.title = model.title
                await asyncio.to_thread(pull, model, job.progress)
                job.before += model.bytes
                job.done = job.before
            job.state = "loading"
            await self._pool.renew()  # the models that came first are used already
            job.state = "done"
        except Cancelled:
            job.state = "cancelled"
        except VisavisError as error:
            job.state, job.message = "failed", str(error)
        except Exception:
            _log.exception("fetching better engines failed")
            job.state, job.message = (
                "failed",
                "something went wrong inside: `visavis models pull recommended` tells more",
            )
