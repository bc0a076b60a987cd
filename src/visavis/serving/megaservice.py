"""OPEA's AvatarChatbot: a question, spoken or typed, to a video of a face that answers; AudioQnA, to its sound."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

from visavis.conversation.animate import animate
from visavis.conversation.history import History
from visavis.conversation.naming import system_prompt
from visavis.conversation.question import as_written, check_text
from visavis.conversation.reply import Manner, answer, reply
from visavis.conversation.rests import rested
from visavis.conversation.speak import speak
from visavis.engines.loading import Engines
from visavis.errors import BadInput
from visavis.media.audio import Audio
from visavis.media.clip import Clip
from visavis.media.speech import Line, Speech
from visavis.serving import wire
from visavis.serving.animation import films, videos, wanted
from visavis.serving.asr import segments_of
from visavis.serving.bodies import Bodies
from visavis.serving.films import Films, open_films
from visavis.serving.service import ABOUT, Kind, Running, described, refused_body, running
from visavis.serving.sound import decoded, wav_base64, whole
from visavis.serving.tts import voice_of
from visavis.settings import Settings
from visavis.streams.flow import Stream, each
from visavis.streams.noted import noted

router = APIRouter()
_KIND = Kind("avatarchatbot", "AvatarChatbotService", ABOUT, 8888, (), "megaservice")
_UNHEARD = "I did not hear you."


@asynccontextmanager
async def joined(app: FastAPI, settings: Settings, engines: Engines, hears: bool) -> AsyncGenerator[None, None]:
    """Serve it by the gateway's `app` besides, over the same engines."""
    async with open_films(settings) as made:
        app.state.films, app.state.running = made, Running(_KIND, settings, engines, hears=hears)
        for each_router in (router, videos, described):
            app.include_router(each_router)
        app.add_exception_handler(RequestValidationError, refused_body)
        app.add_middleware(Bodies, most=settings.max_upload)
        yield


@dataclass(slots=True)
class _Answered:
    """What came of a question."""

    transcript: str = ""
    said: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return " ".join(self.said)


@router.post("/v1/avatarchatbot", response_model=None)
async def avatarchatbot(body: wire.AvatarChat, request: Request) -> Response:
    """The video's path, as a bare JSON string; the video itself with `Accept: video/mp4`; with `response_format`
    "object" what was heard and said, too."""
    service, told = running(request), _Answered()
    with service.statistics.timed():
        key = await service.while_listened(request, _film(request, service, body, told))
    path = await films(request).outputs.publish(key)
    if (video := wanted(request, key)) is not None:
        return video
    if body.response_format != "object":
        return JSONResponse(path)
    url = str(request.url.replace(path=f"/outputs/{key}/result.mp4", query=""))
    facts = {"video_url": url, "video_path": path, "transcript": told.transcript, "text": told.text}
    return JSONResponse({**facts, "timings": {name: round(each, 3) for name, each in told.seconds.items()}})


@router.post("/v1/audioqna", response_model=None)
async def audioqna(body: wire.AvatarChat, request: Request) -> Response:
    """The answer's sound: a WAV as base64, in a bare JSON string."""
    service, told = running(request), _Answered()

    async def sound() -> Audio:
        made = films(request)
        manner = _manner(service, made, body)
        question = await _question(service, body, told)
        avatar = await made.face(body.face)
        async with service.place():
            if question:
                history = History.begin(system_prompt(service.settings, None)).asked(question)
                speech = answer(history, service.engines, avatar, manner)
            else:
                speech = _unheard(service, manner)
            return await whole(speech)

    with service.statistics.timed():
        audio = await service.while_listened(request, sound())
    return JSONResponse(await wav_base64(audio))


@router.get("/v1/list_service")
async def list_service() -> dict[str, dict[str, str]]:
    """As OPEA's first gateway told it: the services behind it."""
    paths = {
        "asr": "/v1/audio/transcriptions",
        "llm": "/v1/chat/completions",
        "tts": "/v1/audio/speech",
        "animation": "/v1/animation",
    }
    return {f"{name}/MicroService": {"endpoint": path} for name, path in paths.items()}


@router.get("/v1/list_parameters")
async def list_parameters() -> None:
    """As OPEA's first gateway told it: nothing."""


@router.get("/v1/statistics")
async def statistics() -> dict[str, object]:
    """As of every megaservice of OPEA: empty. `/metrics` has how long answers take."""
    return {}


async def _film(request: Request, service: Running, body: wire.AvatarChat, told: _Answered) -> str:
    made = films(request)
    manner = _manner(service, made, body)
    avatar = await made.face(body.face)
    begun = time.perf_counter()
    question = await _question(service, body, told)
    told.seconds["listening"] = time.perf_counter() - begun

    def seen(clip: Clip) -> None:
        told.seconds.setdefault("first_clip", time.perf_counter() - begun)
        if clip.text:
            told.said.append(clip.text)

    async with service.place():
        engines = service.engines
        if question:
            history = History.begin(system_prompt(service.settings, None)).asked(question)
            clips = reply(history, engines, avatar, manner)
        else:
            speech = rested(_unheard(service, manner))
            clips = animate(speech, avatar, engines.articulation, engines.animation, manner.rendering, mood=manner.mood)
        key = await made.film(noted(clips, seen))
    told.seconds["total"] = time.perf_counter() - begun
    if not question:
        told.said.clear()  # nothing was answered: it only says that
    return key


async def _question(service: Running, body: wire.AvatarChat, told: _Answered) -> str:
    """What is asked; nothing where nothing was heard."""
    if body.audio is None:
        told.transcript = check_text(_typed(body))
        return told.transcript
    if not service.hears:
        raise BadInput("nothing here can hear: send the question as 'text' (`visavis doctor` says what is missing)")
    segments = await segments_of(service, decoded(body.audio), service.settings.language)
    told.transcript = " ".join(segment.text for segment in segments)
    return as_written(told.transcript) if told.transcript else ""


def _typed(body: wire.AvatarChat) -> str:
    if body.text is not None:
        return body.text
    if isinstance(body.messages, str):
        return body.messages
    asked = [each.content for each in body.messages or () if each.role == "user" and isinstance(each.content, str)]
    if not asked:
        raise BadInput("there is no question: send 'audio' (a sound file in base64), or 'text'")
    return asked[-1]


def _unheard(service: Running, manner: Manner) -> Stream[Speech]:
    return speak(each([Line(_UNHEARD, "en", manner.speed)]), service.engines.tts, manner.voice)


def _manner(service: Running, made: Films, body: wire.AvatarChat) -> Manner:
    usual = Manner.of(made.settings)
    most = min(body.max_tokens or usual.sampling.max_tokens, usual.sampling.max_tokens)
    sampling = replace(usual.sampling, max_tokens=most)
    return replace(usual, sampling=sampling, voice=voice_of(service, body.voice), rests=True)
