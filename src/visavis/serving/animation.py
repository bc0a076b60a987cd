"""A face that speaks a recording, as OPEA's animation service and its Wav2Lip backend have it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from visavis.conversation.animate import animate
from visavis.conversation.recording import recording
from visavis.conversation.reply import Manner
from visavis.conversation.rests import rested
from visavis.engines.loading import Engines
from visavis.engines.protocols import Slot
from visavis.engines.used import credits, used
from visavis.media.clip import Clip
from visavis.serving import wire
from visavis.serving.credited import tell_engines
from visavis.serving.films import Films
from visavis.serving.outputs import Film
from visavis.serving.service import Running, running
from visavis.serving.sound import as_file, decoded
from visavis.streams.flow import Stream

MP4 = "video/mp4"
_FACE: tuple[Slot, ...] = ("articulation", "animation")
router = APIRouter()
videos = APIRouter()
"""Where the videos are fetched: of this service and of the megaservice."""


@videos.get("/outputs/{key}/result.mp4")
@videos.head("/outputs/{key}/result.mp4", include_in_schema=False)
async def output(key: str, request: Request) -> Response:
    """A video, as long as it is kept."""
    path = films(request).outputs.find(key)
    if path is None:
        raise HTTPException(404, "there is no such video, or it is not kept any more")
    return FileResponse(path, media_type=MP4, headers={"Cache-Control": "private, no-store"})


router.include_router(videos)


@router.post("/v1/animation", response_model=None)
async def animation(body: wire.Animate, request: Request) -> Response:
    """As the microservice has it; with `Accept: video/mp4`, or `stream`, the video itself."""
    return await _answered(request, body.byte_str, body, lambda path: {"id": wire.new_id(), "video_path": path})


@router.post("/v1/wav2lip", response_model=None)
async def wav2lip(body: wire.Wav2Lip, request: Request) -> Response:
    """As the backend has it; the same besides."""
    return await _answered(request, body.audio, body, lambda path: {"wav2lip_result": path})


def films(request: Request) -> Films:
    """What makes and keeps the service's videos."""
    found: Films = request.app.state.films
    return found


def wanted(request: Request, film: Film) -> Response | None:
    """The video itself, if the client asks for one and it is here."""
    path = None if film.key is None else films(request).outputs.find(film.key)
    if path is None or MP4 not in request.headers.get("accept", ""):
        return None
    return FileResponse(path, media_type=MP4, filename="result.mp4")


def wishes(made: Films, body: wire.Animate | wire.Wav2Lip | wire.AvatarChat) -> dict[str, str]:
    """What a service elsewhere is told of the face. Raises `BadInput` for one that is not kept any more."""
    asked = {"face": made.elsewhere(body.face), "animator": body.animator}
    return {name: value for name, value in asked.items() if value}


async def _answered(
    request: Request, sound: str, body: wire.Animate | wire.Wav2Lip, told: Callable[[str], dict[str, str]]
) -> Response:
    service, made = running(request), films(request)
    if body.stream:
        if made.far is None:
            engines = await service.pool.drawn_by(service.engines, body.animator)
            pieces = made.fragments(_clips(engines, made, sound, body), _credits(engines))
        else:
            pieces = made.far.fragments(sound, wishes(made, body))
        return await service.streamed(request, service.in_turn(pieces), MP4)
    with service.statistics.timed():
        film = await service.while_listened(request, _film(service, made, sound, body))
    return wanted(request, film) or JSONResponse(told(film.path))


async def _film(service: Running, made: Films, sound: str, body: wire.Animate | wire.Wav2Lip) -> Film:
    async with service.place():
        if made.far is not None:
            return await made.far.film(sound, wishes(made, body), made.outputs)
        engines = await service.pool.drawn_by(service.engines, body.animator)
        return await made.film(_clips(engines, made, sound, body), _credits(engines))


def _credits(engines: Engines) -> str:
    tell_engines(engines, _FACE)
    return credits(used(engines, _FACE))


async def _clips(engines: Engines, made: Films, sound: str, body: wire.Animate | wire.Wav2Lip) -> Stream[Clip]:
    data = decoded(sound)
    avatar = await made.face(body.face)
    manner = Manner.of(made.settings)
    async with as_file(data) as path:
        speech = rested(recording(path))
        clips = animate(speech, avatar, engines.articulation, engines.animation, manner.rendering, mood=manner.mood)
        async with aclosing(clips):
            async for clip in clips:
                yield clip
