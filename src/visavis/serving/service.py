"""One engine, one process, one port: what OPEA's services have in common.

Each also answers `/v1/health_check`, `/v1/statistics`, `/metrics`, `/health` and `/v1/health`, as they do there.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import logging
import os
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response, StreamingResponse
from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator import Instrumentator
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.types import Send

from visavis import __version__
from visavis.engines.loading import Engines
from visavis.engines.pool import Pool, open_pool
from visavis.engines.protocols import Engine, OfModel, Slot
from visavis.errors import EngineUnavailable, VisavisError
from visavis.gateway.admission import Admission
from visavis.gateway.refusals import explain
from visavis.gateway.security import Doors, guard
from visavis.serving.bodies import Bodies
from visavis.serving.credited import Credited
from visavis.serving.statistics import Statistics
from visavis.settings import Settings, cores
from visavis.streams.flow import Stream

_log = logging.getLogger(__name__)
_WAITING = 64
"""Requests in line; beyond it the answer is 503."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind:
    """A service that can be started."""

    name: str
    title: str
    """In its health check and its statistics."""
    about: str
    port: int
    """Of OPEA's container; one that everybody may take where that is reserved."""
    slots: tuple[Slot, ...]
    module: str
    """Has its `router`."""
    has_tool: bool = False
    """Whether it can be a tool instead (`tools`)."""


ABOUT = "OPEA Microservice Infrastructure"
"""What OPEA's services say of themselves where they say nothing else."""
_FACE: tuple[Slot, ...] = ("articulation", "animation")
KINDS = {
    kind.name: kind
    for kind in (
        Kind("asr", "opea_service@asr", "Convert audio to text.", 9099, ("vad", "asr"), "asr", has_tool=True),
        Kind("whisper", "whisper", "Convert audio to text.", 7066, ("vad", "asr"), "asr"),
        Kind("llm", "opea_service@llm", ABOUT, 9000, ("llm",), "llm"),
        Kind("tgi", "tgi", ABOUT, 3006, ("llm",), "llm"),
        Kind("tts", "opea_service@tts", "Convert text to audio.", 9088, ("tts",), "tts", has_tool=True),
        Kind("speecht5", "speecht5", "Convert text to audio.", 7055, ("tts",), "tts"),
        Kind("animation", "opea_service@animation", ABOUT, 9066, _FACE, "animation"),
        Kind("wav2lip", "wav2lip", ABOUT, 7860, _FACE, "animation"),
    )
}


def used_slots(kind: Kind, settings: Settings) -> tuple[Slot, ...]:
    """Those of the engines that a service loads: none where its videos are made elsewhere."""
    return () if "animation" in kind.slots and settings.animation_url else kind.slots


class Running:
    """A service that answers."""

    def __init__(self, kind: Kind, settings: Settings, pool: Pool, *, hears: bool = True) -> None:
        self.kind, self.settings, self.pool, self.hears = kind, settings, pool, hears
        self.statistics = Statistics(kind.title)
        self._admission = Admission(settings.sessions or 2 * cores(), _WAITING)

    @property
    def engines(self) -> Engines:
        """Those of this moment."""
        return self.pool.usual

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None, None]:
        """Room for one request's work, when it is its turn. Raises `Overloaded` where too many wait."""

        async def tell(before: int) -> None:
            pass

        place = await self._admission.enter(tell)
        try:
            yield
        finally:
            place.leave()

    async def while_listened(self, request: Request, work: Awaitable[T]) -> T:
        """The work's result; it is cancelled when the client leaves. The request's body must have been read."""
        task = asyncio.ensure_future(work)
        left = asyncio.ensure_future(_left(request))
        try:
            await asyncio.wait([task, left], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise HTTPException(499, "the client has left")  # nobody reads it
            return task.result()
        finally:
            for each in (task, left):
                each.cancel()
            await asyncio.gather(task, left, return_exceptions=True)

    async def streamed(self, request: Request, pieces: Stream[bytes], media_type: str) -> Response:
        """A response that is sent while it is made; closing it stops the work. What fails before the first piece has
        a status of its own, what fails later ends the response before its end."""
        lasting = self._timed(pieces)
        first = await self.while_listened(request, anext(lasting))

        async def whole() -> AsyncGenerator[bytes, None]:
            async with aclosing(lasting):
                yield first
                async for piece in lasting:
                    yield piece

        return _Breaking(whole(), media_type=media_type, headers={"Cache-Control": "no-store"})

    async def _timed(self, pieces: Stream[bytes]) -> Stream[bytes]:
        with self.statistics.timed() as timer:
            async with aclosing(pieces):
                async for piece in pieces:
                    timer.token()
                    yield piece

    async def in_turn(self, pieces: Stream[T]) -> Stream[T]:
        """The same, once there is room for it. Raises `Overloaded` where too many wait."""
        async with aclosing(pieces), self.place():
            async for piece in pieces:
                yield piece


class _Breaking(StreamingResponse):
    """One that breaks off where its work fails: a client must not take half of it for all."""

    async def stream_response(self, send: Send) -> None:
        """Send it."""
        try:
            await super().stream_response(send)
        except VisavisError as error:
            _log.error("a response breaks off: %s", error)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def running(request: Request) -> Running:
    """The service that a request is for."""
    found: Running = request.app.state.running
    return found


async def guest(request: Request) -> AsyncGenerator[None, None]:
    """Keeps the engines of a request's beginning until it is answered, whatever takes over meanwhile."""
    with running(request).engines.guests.inside():
        yield


def one_model(name: str) -> dict[str, Any]:
    """The model that answers, as OpenAI lists models."""
    model = {"id": name, "object": "model", "created": 0, "owned_by": "visavis"}
    return {"object": "list", "data": [model]}


def model_of(engine: Engine) -> dict[str, Any]:
    """The same of an engine: its model where a person chooses one, else the engine."""
    return one_model(engine.model_name if isinstance(engine, OfModel) else engine.info.name)


def invalid(error: ValidationError) -> RequestValidationError:
    """The same as FastAPI's own, of a body that was read by hand."""
    return RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in error.errors(include_url=False)])


def is_tool(kind: Kind) -> bool:
    """Whether OPEA's variable ENABLE_MCP asks for a tool instead. Raises `EngineUnavailable` without its library."""
    asked = os.environ.get("ENABLE_MCP", "").strip().lower() in ("true", "1", "yes")
    if asked and kind.has_tool and importlib.util.find_spec("mcp") is None:
        raise EngineUnavailable("ENABLE_MCP needs a library more: pip install 'visavis[mcp]'")
    return asked and kind.has_tool


def create_service(name: str, settings: Settings, *, open_to_all: bool = False) -> FastAPI:
    """The service as an ASGI app; its engine is loaded and freed with it.

    `open_to_all` restores OPEA's openness, for a private network: any name, any page, no token.
    """
    kind = KINDS[name]

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        async with AsyncExitStack() as stack:
            if "animation" in kind.slots:
                from visavis.serving.films import open_films

                app.state.films = await stack.enter_async_context(open_films(settings))
            pool = await stack.enter_async_context(open_pool(settings, used_slots(kind, settings)))
            app.state.running = Running(kind, settings, pool)
            yield

    app = FastAPI(title=kind.title, version=__version__, description=kind.about, lifespan=lifespan, docs_url=None)
    explain(app, bad_input=400)
    app.include_router(_common)
    if is_tool(kind):
        from visavis.serving.tools import serve_tool  # its library is an extra

        serve_tool(app, name, settings.max_upload)
    else:
        router: APIRouter = importlib.import_module(f"visavis.serving.{kind.module}").router
        app.include_router(router, dependencies=[Depends(guest)])
    registry = CollectorRegistry()
    Instrumentator(registry=registry).instrument(app).expose(app, include_in_schema=False)
    app.add_middleware(Bodies, most=settings.max_upload)
    app.add_middleware(Credited)
    guard(app, Doors.of(settings, open_to_all=open_to_all))
    return app


_common = APIRouter()
described = APIRouter()
"""What megaservices answer of themselves, too."""


@described.get("/v1/health_check")
async def health_check(request: Request) -> dict[str, str]:
    """As OPEA's services answer it."""
    kind = running(request).kind
    return {"Service Title": kind.title, "Version": __version__, "Service Description": kind.about}


@_common.get("/v1/statistics")
async def statistics(request: Request) -> dict[str, dict[str, float | None]]:
    """Seconds that requests took."""
    return running(request).statistics.told()


@_common.get("/health", response_class=Response)
@described.get("/v1/health", response_class=Response)
async def health() -> Response:
    """Nothing, with 200: it answers."""
    return Response()


_common.include_router(described)
