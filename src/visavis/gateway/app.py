"""The server's addresses: the page and its files, avatars in and pictures of them out, answers as videos, the talk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from visavis import __version__
from visavis.avatars.avatar import Avatar
from visavis.gateway.limits import UPLOADS, Limited, Limits
from visavis.gateway.metrics import Metrics
from visavis.gateway.refusals import explain, refusal
from visavis.gateway.security import Doors, guard
from visavis.gateway.uploads import Uploads, open_uploads
from visavis.settings import Settings

if TYPE_CHECKING:
    from visavis.gateway.equipment import Equipment

RECOMMENDED = "/recommended"
"""Where a page asks for better engines."""
PAGE = Path(__file__).parents[1] / "web"
"""The page's files; index.html is the page."""


class Session(Protocol):
    """A conversation, as far as its page's requests go."""

    def own_avatar(self, avatar: Avatar) -> str:
        """Let nobody else have this avatar; the name by which the page may ask for it."""
        ...


class Live(Protocol):
    """Who serves the conversations (`gateway.live`)."""

    metrics: Metrics
    equipment: Equipment

    @property
    def ready(self) -> bool:
        """Whether a conversation can begin."""
        ...

    def session_of(self, resume: str) -> Session | None:
        """The conversation whose secret this is."""
        ...

    async def serve(self, websocket: WebSocket) -> None:
        """Talk, until the connection ends."""
        ...

    async def avatar_picture(self, name: str) -> bytes | None:
        """What an avatar looks like, as JPEG."""
        ...

    async def voice_sample(self, name: str) -> bytes | None:
        """What a voice sounds like, as WAV."""
        ...

    async def answer_video(self, key: str) -> Path | None:
        """An answer as MP4."""
        ...


OpenLive = Callable[[Settings], AbstractAsyncContextManager[Live]]


def create_app(
    settings: Settings, open: OpenLive | None = None, limits: Limits | None = None, doors: Doors | None = None
) -> FastAPI:
    """The server as an ASGI app; its conversations begin and end with it (`open`: `gateway.live.open_live`)."""
    doors = doors or Doors.of(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        async with (open or _open_live)(settings) as live, open_uploads(settings.size, settings.max_upload) as uploads:
            app.state.live, app.state.uploads = live, uploads
            with live.metrics.sampling():
                yield

    # its own pages about itself would come from another host
    app = FastAPI(
        title="Visavis", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.add_middleware(Limited, limits=limits or Limits())
    guard(app, doors)  # the last one added is the first one asked
    explain(app, bad_input=422)
    for path, seen in (
        ("/", _page),
        ("/avatars/{name}.jpg", _avatar_picture),
        ("/voices/{name}/sample.wav", _voice_sample),
        ("/answers/{key}.mp4", _answer),
        ("/health", _health),
    ):
        app.add_api_route(path, seen, methods=["GET"])
        app.add_api_route(path, seen, methods=["HEAD"], include_in_schema=False)
    app.add_api_route(UPLOADS, _upload, methods=["POST"])
    app.add_api_route(RECOMMENDED, _recommended, methods=["GET", "POST", "DELETE"])
    app.add_api_route("/metrics", _metrics, methods=["GET"])
    app.add_api_websocket_route("/ws", _talk)
    app.mount("/static", _Static(directory=PAGE, check_dir=False))
    return app


def _open_live(settings: Settings) -> AbstractAsyncContextManager[Live]:
    from visavis.gateway.live import open_live  # it imports every engine

    return open_live(settings)


class _Static(StaticFiles):
    """The page's files; a browser asks each time whether they are the same, so that none is older than the server."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "no-cache"
        return response


async def _page() -> Response:
    return FileResponse(PAGE / "index.html", headers={"Cache-Control": "no-cache"})


async def _talk(websocket: WebSocket) -> None:
    await _live(websocket).serve(websocket)


async def _avatar_picture(name: str, request: Request) -> Response:
    picture = await _live(request).avatar_picture(name)
    if picture is None:
        raise HTTPException(404, f"there is no avatar '{name}'")
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "private, no-cache"})


async def _voice_sample(name: str, request: Request) -> Response:
    sound = await _live(request).voice_sample(name)
    if sound is None:
        raise HTTPException(404, f"there is no voice '{name[:40]}'")
    return Response(sound, media_type="audio/wav", headers={"Cache-Control": "private, no-cache"})


async def _upload(request: Request) -> Response:
    session = _live(request).session_of(request.headers.get("x-visavis-session", ""))
    if session is None:
        raise HTTPException(403, "only a conversation can be given an avatar: reload the page")
    length = request.headers.get("content-length", "")
    uploads: Uploads = request.app.state.uploads
    try:
        avatar = await uploads.receive(request.stream(), int(length) if length.isdecimal() else None)
    except ClientDisconnect:
        return refusal(400, "the connection was lost")  # nobody reads it
    return JSONResponse({"name": session.own_avatar(avatar), "note": avatar.note})


async def _answer(key: str, request: Request) -> Response:
    video = await _live(request).answer_video(key)
    if video is None:
        raise HTTPException(404, "this answer is not kept any more")
    headers = {"Cache-Control": "private, no-store"}
    return FileResponse(video, media_type="video/mp4", filename="answer.mp4", headers=headers)


async def _health(request: Request) -> Response:
    ready = _live(request).ready
    return JSONResponse({"ready": ready, "version": __version__}, 200 if ready else 503)


async def _recommended(request: Request) -> Response:
    """What engines there are and what would be better; POST has that fetched, DELETE ends it."""
    equipment = _live(request).equipment
    if request.method == "POST":
        await equipment.start()
    elif request.method == "DELETE":
        equipment.cancel()
    return JSONResponse((await equipment.offer()).model_dump(), 202 if request.method == "POST" else 200)


async def _metrics(request: Request) -> Response:
    return Response(_live(request).metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _live(connection: Request | WebSocket) -> Live:
    live: Live = connection.app.state.live
    return live
