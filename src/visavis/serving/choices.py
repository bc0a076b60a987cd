"""What a page can let people choose from: faces, voices, languages, animators; and faces that they bring themselves."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from visavis.avatars.builtins import BUILTINS
from visavis.avatars.store import AvatarStore
from visavis.engines.loading import usable_voices
from visavis.engines.protocols import Voice
from visavis.engines.registry import usable
from visavis.errors import BadInput
from visavis.gateway.live import thumbnail
from visavis.serving.animation import films
from visavis.serving.service import Running, running

router = APIRouter()


@router.get("/v1/choices")
async def choices(request: Request) -> dict[str, object]:
    """All of it, and what is taken where nothing is chosen."""
    service, made = running(request), films(request)
    own = made.settings.avatar
    stored = await asyncio.to_thread(AvatarStore(made.settings.data_dir / "avatars").list)
    faces = {each.name: each.note for each in BUILTINS.values()} | {each.name: each.note for each in stored}
    avatars = [{"name": name, "about": note, "picture": f"/avatars/{name}.jpg"} for name, note in faces.items()]
    usual = next(iter(BUILTINS)) if own is None else next((name for name in faces if name == own), None)
    if usual is None:  # it is made from a file, whose name says nothing to a page
        avatars.insert(0, {"name": "", "about": "the server's own", "picture": "/avatars/default.jpg"})
    voices = await asyncio.to_thread(_voices, service)
    settings = service.settings
    known = [settings.language.split("-")[0], *(voice.language.split("-")[0] for voice in voices)]
    animators = {each.info.name: each.info.summary for each in usable("animation", settings)}
    return {
        "avatars": avatars,
        "voices": [{"name": one.name, "language": one.language, "about": one.description} for one in voices],
        "languages": list(dict.fromkeys(known)),
        "animators": [{"name": name, "about": about} for name, about in animators.items()],
        "hears": service.hears,
        "max_upload": settings.max_upload,
        "usual": {
            "avatar": usual or "",
            "language": settings.language,
            "animator": service.engines.animation.info.name,
        },
    }


def _voices(service: Running) -> list[Voice]:
    """Of every synthesizer that can be asked for, the usual one's first."""
    every = [*service.engines.tts.voices(), *usable_voices(service.settings)]
    return list({voice.name: voice for voice in reversed(every)}.values())[::-1]


@router.post("/v1/faces")
async def bring(request: Request) -> dict[str, str]:
    """A picture or a video as the body, made into a face: the name to ask for it by, which nobody else can know."""
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise BadInput("send the picture or the video itself as the body, as in curl --data-binary @me.jpg")
    length = request.headers.get("content-length", "")
    name, avatar = await films(request).bring(request.stream(), int(length) if length.isdecimal() else None)
    return {"name": name, "about": avatar.note, "picture": f"/v1/faces/{name}.jpg"}


@router.get("/v1/faces/{name}.jpg")
async def picture(name: str, request: Request) -> Response:
    """What a face that was brought looks like."""
    avatar = films(request).brought(name)
    if avatar is None:
        raise HTTPException(404, "this face is not kept any more: send the picture again")
    found = await asyncio.to_thread(thumbnail, avatar)
    return Response(found, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


@router.delete("/v1/faces/{name}")
async def forget(name: str, request: Request) -> Response:
    """Keep a face no longer."""
    films(request).forget(name)
    return JSONResponse({})
