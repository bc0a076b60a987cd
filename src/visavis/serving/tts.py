"""Text to speech as OPEA's synthesizer and its SpeechT5 backend have it, and as OpenAI has it."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from visavis.conversation.sentences import sentences
from visavis.conversation.speak import speak
from visavis.engines.protocols import Delta, SpeechSynthesizer
from visavis.engines.voices import named, near
from visavis.errors import BadInput
from visavis.media.audio import Audio
from visavis.media.speech import Speech
from visavis.serving import wire
from visavis.serving.credited import tell_engines
from visavis.serving.service import Running, model_of, running
from visavis.serving.sound import TYPES, coded, encoded, wav_base64, whole
from visavis.streams.flow import Stream, each

router = APIRouter()
_LONGEST = 4096
"""Characters of a text, as with OpenAI."""
_THEIRS = frozenset(
    {"alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse"}
    | {"default"}
)
"""OpenAI's and OPEA's voices, which clients send without choosing them: the own voice speaks for all of them."""
_MALE = ("rms", "awb", "en-us")
"""Voices that may speak as OPEA's "male"."""


@router.post("/v1/audio/speech", response_model=None)
async def speech(body: wire.AnySpeech, request: Request) -> Response:
    """`input` is OpenAI's request and OPEA's from v1.2 on: a sound file. `text` is OPEA v1.1's: base64 in JSON."""
    if isinstance(body, wire.Text):
        text = body.text if isinstance(body.text, str) else " ".join(body.text)
        audio = await _said(request, text)
        return JSONResponse({"id": body.id or wire.new_id(), "byte_str": await wav_base64(audio)})
    kind = body.response_format or "wav"
    if kind == "wav" and not body.stream:  # with its length in its header, which some players ask for
        audio = await _said(request, body.input, body.voice, body.speed)
        return Response(await asyncio.to_thread(encoded, audio, kind), media_type=TYPES[kind])
    service = running(request)
    pieces = coded(_speech(service, body.input, body.voice, body.speed), kind)
    return await service.streamed(request, service.in_turn(pieces), TYPES[kind])


@router.post("/v1/tts")
async def tts(body: wire.Say, request: Request) -> dict[str, str]:
    """As the SpeechT5 backend has it."""
    return {"tts_result": await wav_base64(await _said(request, body.text, body.voice))}


@router.get("/v1/models")
async def models(request: Request) -> dict[str, Any]:
    """The one that speaks."""
    return model_of(running(request).engines.tts)


@router.get("/v1/audio/voices")
async def voices(request: Request) -> dict[str, list[dict[str, str]]]:
    """All that can be asked for."""
    known = running(request).engines.tts.voices()
    return {"voices": [{"name": one.name, "language": one.language, "about": one.description} for one in known]}


async def _said(request: Request, text: str, voice: str | None = None, speed: float = 1.0) -> Audio:
    service = running(request)
    return await service.while_listened(request, said(service, text, voice, speed))


async def said(service: Running, text: str, voice: str | None = None, speed: float = 1.0) -> Audio:
    """The text, spoken; raises what `_speech` does."""
    speech = _speech(service, text, voice, speed)
    with service.statistics.timed():
        async with service.place():
            return await whole(speech)


def _speech(service: Running, text: str, voice: str | None, speed: float) -> Stream[Speech]:
    """The text, to be spoken. Raises `BadInput` for one without words, a too long one, and an unknown voice."""
    if len(text) > _LONGEST:
        raise BadInput(f"the text has {len(text):,} characters: at most {_LONGEST:,} are said at once")
    if not any(c.isalnum() for c in text):
        raise BadInput("there is nothing to say: the text has no words in it")
    settings, tts = service.settings, service.engines.tts
    chosen = voice_of(tts, voice, settings.voice)
    tell_engines(service.engines, ["tts"])
    return speak(sentences(each([Delta(text, "stop")]), settings.language, settings.speed * speed), tts, chosen)


def asked_voice(asked: str | None) -> str | None:
    """The voice that a client has chosen; None for none, and for the names that clients send without a choice."""
    return None if asked is None or not asked.strip() or asked.lower() in _THEIRS | {"male"} else asked


def voice_of(tts: SpeechSynthesizer, asked: str | None, own: str | None) -> str | None:
    """The name of the voice that a client asks for; `own` where it has not chosen (None leaves it to the synthesizer).

    Raises `BadInput` where there is none of that name.
    """
    known = [voice.name for voice in tts.voices()]
    if asked is not None and (found := named(asked, known)) is not None:
        return found
    if (chosen := asked_voice(asked)) is None:
        male = next((name for name in _MALE if name in known), None) if (asked or "").lower() == "male" else None
        return male or (own if own is None or named(own, known) else None)
    more = ", … (GET /v1/audio/voices lists all)" if len(known) > len(near(chosen, known)) else ""
    raise BadInput(f"there is no voice '{chosen[:40]}' here: there is {', '.join(near(chosen, known))}{more}")
