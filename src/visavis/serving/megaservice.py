"""OPEA's AvatarChatbot: a question, spoken or typed, to a video of a face that answers; AudioQnA, to its sound."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response

from visavis.avatars.avatar import Avatar
from visavis.conversation.animate import animate
from visavis.conversation.history import History
from visavis.conversation.naming import system_prompt
from visavis.conversation.question import as_written, check_text
from visavis.conversation.reply import Manner, answer
from visavis.conversation.rests import rested
from visavis.conversation.speak import speak
from visavis.engines.loading import Engines
from visavis.engines.pool import Pool, checked_language
from visavis.engines.protocols import Slot
from visavis.engines.used import Used, credits, records, used
from visavis.errors import BadInput
from visavis.media.audio import Audio
from visavis.media.clip import Clip
from visavis.media.speech import Line, Speech
from visavis.playback.joined import joined as joined_videos
from visavis.serving import wire
from visavis.serving.animation import MP4, films, videos, wanted, wishes
from visavis.serving.asr import segments_of
from visavis.serving.bodies import Bodies
from visavis.serving.choices import router as chosen
from visavis.serving.credited import Credited, tell_engines
from visavis.serving.films import Films, open_films
from visavis.serving.outputs import Film
from visavis.serving.service import ABOUT, Kind, Running, described, guest, running
from visavis.serving.sound import by_line, decoded, wav_base64, whole
from visavis.serving.tts import asked_voice, voice_of
from visavis.settings import Settings
from visavis.streams.buffered import buffered
from visavis.streams.flow import Stream, each
from visavis.streams.noted import noted

router = APIRouter()
_KIND = Kind("avatarchatbot", "AvatarChatbotService", ABOUT, 8888, (), "megaservice")
_UNHEARD = "I did not hear you."


@asynccontextmanager
async def joined(app: FastAPI, settings: Settings, pool: Pool, hears: bool) -> AsyncGenerator[None, None]:
    """Serve it by the gateway's `app` besides, over the same engines."""
    async with open_films(settings) as made:
        app.state.films, app.state.running = made, Running(_KIND, settings, pool, hears=hears)
        for each_router in (router, videos, chosen, described):
            app.include_router(each_router, dependencies=[Depends(guest)])
        app.add_api_route("/openapi.json", lambda: JSONResponse(app.openapi()), include_in_schema=False)
        app.add_middleware(Bodies, most=settings.max_upload)
        app.add_middleware(Credited)
        yield


@dataclass(slots=True)
class _Answered:
    """What came of a question."""

    transcript: str = ""
    said: list[str] = field(default_factory=list)
    engines: list[Used] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return " ".join(self.said)


@router.post("/v1/avatarchatbot", response_model=None)
async def avatarchatbot(body: wire.AvatarChat, request: Request) -> Response:
    """The video's path, as a bare JSON string; the video itself with `Accept: video/mp4`, and while it is made with
    `stream`; with `response_format` "object" what was heard and said, too."""
    service, made, told = running(request), films(request), _Answered()
    if body.stream:
        return await service.streamed(request, _fragments(service, made, body, told), MP4)
    with service.statistics.timed():
        film = await service.while_listened(request, _film(service, made, body, told))
    if (video := wanted(request, film)) is not None:
        return video
    if body.response_format != "object":
        return JSONResponse(film.path)
    url = None if film.key is None else str(request.url.replace(path=f"/outputs/{film.key}/result.mp4", query=""))
    facts = {"video_url": url, "video_path": film.path, "transcript": told.transcript, "text": told.text}
    timings = {name: round(each, 3) for name, each in told.seconds.items()}
    return JSONResponse({**facts, "engines": records(told.engines), "timings": timings})


@router.post("/v1/audioqna", response_model=None)
async def audioqna(body: wire.AvatarChat, request: Request) -> Response:
    """The answer's sound: a WAV as base64, in a bare JSON string."""
    service, made = running(request), films(request)

    async def sound() -> Audio:
        spoken = await _spoken(service, made, body, _Answered())
        async with service.place():
            return await whole(spoken.speech())

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


@dataclass(frozen=True, slots=True)
class _Spoken:
    """An answer that can be begun."""

    engines: Engines
    avatar: Avatar
    manner: Manner
    speech: Callable[[], Stream[Speech]]
    told: _Answered
    begun: float

    def clips(self, prompt: bool = False) -> Stream[Clip]:
        """It, with a face; `prompt` where somebody watches it being made."""
        speech = buffered(rested(self.speech(), prompt), ahead=4)
        manner, engines = self.manner, self.engines
        clips = animate(
            speech, self.avatar, engines.articulation, engines.animation, manner.rendering, mood=manner.mood
        )
        return noted(clips, lambda _: self.stage("first_clip"))

    def stage(self, name: str) -> None:
        """It is reached now; the first time counts."""
        self.told.seconds.setdefault(name, time.perf_counter() - self.begun)


async def _film(service: Running, made: Films, body: wire.AvatarChat, told: _Answered) -> Film:
    spoken = await _spoken(service, made, body, told)
    async with service.place():
        if made.far is None:
            film = await made.film(spoken.clips(), credits(told.engines))
        else:
            sound = await whole(spoken.speech())
            spoken.stage("speech")
            film = await made.far.film(await wav_base64(sound), wishes(made, body), made.outputs)
    spoken.stage("total")
    return film


async def _fragments(service: Running, made: Films, body: wire.AvatarChat, told: _Answered) -> Stream[bytes]:
    """The video while it is made. A service elsewhere makes one of each sentence, and they are joined."""
    spoken = await _spoken(service, made, body, told)
    if made.far is None:
        pieces = made.fragments(spoken.clips(prompt=True), credits(told.engines))
    else:
        far, asked = made.far, wishes(made, body)

        async def videos() -> Stream[Stream[bytes]]:
            async with aclosing(buffered(by_line(spoken.speech()), ahead=2)) as lines:
                async for audio in lines:
                    yield far.fragments(await wav_base64(audio), asked)

        pieces = joined_videos(videos())
    async with aclosing(service.in_turn(pieces)) as lasting:
        async for piece in lasting:
            yield piece


async def _spoken(service: Running, made: Films, body: wire.AvatarChat, told: _Answered) -> _Spoken:
    """The answer to what is asked, as somebody wants it spoken. Raises `BadInput` for what is not to be had."""
    language = checked_language(body.language, service.settings.language)
    engines = service.engines
    if made.far is None:  # else it knows its animators itself
        engines = await service.pool.drawn_by(engines, body.animator)
    chosen = asked_voice(body.voice)
    speaks = language if body.language else await asyncio.to_thread(service.pool.language_of, chosen, language)
    engines = await service.pool.speaking(engines, speaks, chosen)
    voice = voice_of(engines.tts, body.voice, service.settings.voice)
    manner = _manner(made, body, speaks, voice)
    avatar = await made.face(body.face if made.far is None else None)
    slots: list[Slot] = ["llm", "tts"] if body.audio is None else ["asr", "llm", "tts"]
    slots += ["articulation", "animation"] if made.far is None else []
    told.engines = used(engines, slots)
    tell_engines(engines, slots)
    begun = time.perf_counter()
    question = await _question(service, body, told, language)
    told.seconds["listening"] = time.perf_counter() - begun

    def note(speech: Speech) -> None:
        told.seconds.setdefault("first_speech", time.perf_counter() - begun)
        if speech.final:
            told.said.append(speech.line.written or speech.line.text)

    def speech() -> Stream[Speech]:
        if not question:  # nothing is answered: it only says so, in the one language in which it can
            return speak(each([Line(_UNHEARD, "en", manner.speed)]), service.engines.tts, None)
        prompt = system_prompt(service.settings, made.name_of(body.face), speaks)
        history = History.begin(prompt).asked(question)
        return noted(answer(history, engines, avatar, manner), note)

    return _Spoken(engines, avatar, manner, speech, told, begun)


async def _question(service: Running, body: wire.AvatarChat, told: _Answered, language: str) -> str:
    """What is asked; nothing where nothing was heard."""
    if body.audio is None:
        told.transcript = check_text(_typed(body))
        return told.transcript
    if not service.hears:
        raise BadInput("nothing here can hear: send the question as 'text' (`visavis doctor` says what is missing)")
    segments = await segments_of(service, decoded(body.audio), language)
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


def _manner(made: Films, body: wire.AvatarChat, language: str, voice: str | None) -> Manner:
    usual = Manner.of(made.settings)
    most = min(body.max_tokens or usual.sampling.max_tokens, usual.sampling.max_tokens)
    heat = usual.sampling.temperature if body.temperature is None else body.temperature
    top_p = usual.sampling.top_p if body.top_p is None else body.top_p
    sampling = replace(usual.sampling, max_tokens=most, temperature=heat, top_p=top_p)
    return replace(usual, sampling=sampling, language=language, voice=voice)
