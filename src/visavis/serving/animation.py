"""A face that speaks a recording, as OPEA's animation service and its Wav2Lip backend have it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from visavis.conversation.animate import animate
from visavis.conversation.recording import recording
from visavis.conversation.reply import Manner
from visavis.conversation.rests import rested
from visavis.serving import wire
from visavis.serving.films import Films
from visavis.serving.service import Running, running
from visavis.serving.sound import as_file, decoded

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
    return FileResponse(path, media_type="video/mp4", headers={"Cache-Control": "private, no-store"})


router.include_router(videos)


@router.post("/v1/animation", response_model=None)
async def animation(body: wire.Animate, request: Request) -> Response:
    """As the microservice has it; with `Accept: video/mp4`, the video itself."""
    key = await _filmed(request, body.byte_str, body.face)
    path = await films(request).outputs.publish(key)
    return wanted(request, key) or JSONResponse({"id": wire.new_id(), "video_path": path})


@router.post("/v1/wav2lip", response_model=None)
async def wav2lip(body: wire.Wav2Lip, request: Request) -> Response:
    """As the backend has it."""
    key = await _filmed(request, body.audio, body.face)
    path = await films(request).outputs.publish(key)
    return wanted(request, key) or JSONResponse({"wav2lip_result": path})


def films(request: Request) -> Films:
    """What makes and keeps the service's videos."""
    found: Films = request.app.state.films
    return found


def wanted(request: Request, key: str) -> Response | None:
    """The video itself, if the client asks for one."""
    if "video/mp4" not in request.headers.get("accept", ""):
        return None
    path = films(request).outputs.find(key)
    assert path is not None
    return FileResponse(path, media_type="video/mp4", filename="result.mp4")


async def _filmed(request: Request, sound: str, face: str | None) -> str:
    service = running(request)
    with service.statistics.timed():
        return await service.while_listened(request, _spoken(service, films(request), decoded(sound), face))


async def _spoken(service: Running, made: Films, data: bytes, face: str | None) -> str:
    avatar = await made.face(face)
    manner = Manner.of(made.settings)
    async with as_file(data) as path, service.place():
        clips = animate(
            rested(recording(path)),
            avatar,
            service.engines.articulation,
            service.engines.animation,
            manner.rendering,
            mood=manner.mood,
        )
        return await made.film(clips)
