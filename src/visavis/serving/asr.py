"""Speech to text as OPEA's recogniser and its Whisper backend have it, and as OpenAI has it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import soxr
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import UploadFile

from visavis.conversation.listen import RATE
from visavis.conversation.question import check_length, check_recording, limited, utterances
from visavis.engines.asr.languages import BY_NAME
from visavis.engines.pool import checked_language
from visavis.engines.protocols import Transcript
from visavis.errors import BadInput
from visavis.media.audio import Audio
from visavis.media.wav import wav_audio
from visavis.serving import wire
from visavis.serving.credited import tell_engines
from visavis.serving.plain import plain
from visavis.serving.service import Running, invalid, model_of, running
from visavis.serving.sound import as_file, decoded
from visavis.serving.subtitles import Segment, srt, vtt
from visavis.streams.flow import each

router = APIRouter()
_Format = Literal["json", "text", "srt", "vtt", "verbose_json"]
_formats: TypeAdapter[_Format] = TypeAdapter(_Format)
_OPEAS = "openai/whisper"
"""How the models' names begin that OPEA's clients send, or mean where they send none."""
_JSON = {"schema": wire.Base64Audio.model_json_schema()}
_FORM = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {
            "file": {"type": "string", "format": "binary", "description": "a sound file, or its base64"},
            "model": {"type": "string", "description": f"{_OPEAS}…, or none: in lower case, without punctuation"},
            "language": {"type": "string", "description": "as in en or english; auto: the service's own"},
            "response_format": {"type": "string", "enum": ["json", "text", "srt", "vtt", "verbose_json"]},
        },
    }
}


@router.post(
    "/v1/audio/transcriptions",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": _JSON, "multipart/form-data": _FORM},
        }
    },
)
async def transcriptions(request: Request) -> Response:
    """JSON with `byte_str` is OPEA v1.1's request, a form with `file` is v1.2's and OpenAI's."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    form = kind == "multipart/form-data" or (
        # curl -d sends JSON under this name, too
        kind == "application/x-www-form-urlencoded" and not (await request.body()).lstrip().startswith(b"{")
    )
    if form:
        return await _form(request)
    try:
        body = wire.Base64Audio.model_validate_json(await request.body())
    except ValidationError as error:
        raise invalid(error) from None
    segments = await _heard(request, decoded(body.byte_str), running(request).settings.language)
    return JSONResponse(wire.LLMParams(query=plain(text_of(segments))).model_dump())


@router.post("/v1/asr")
async def asr(body: wire.Audio, request: Request) -> dict[str, str]:
    """As the Whisper backend has it."""
    segments = await _heard(request, decoded(body.audio), running(request).settings.language)
    return {"asr_result": plain(text_of(segments))}


@router.get("/v1/models")
async def models(request: Request) -> dict[str, Any]:
    """The one that hears."""
    return model_of(running(request).engines.asr)


async def _form(request: Request) -> Response:
    async with request.form(max_files=1, max_fields=32) as form:
        given = form.get("file")
        if given is None:
            raise BadInput("there is no 'file' in the form: send a sound file in it")
        data = await given.read() if isinstance(given, UploadFile) else decoded(given)
        asked = str(form.get("response_format") or "json")
        named = str(form.get("language") or "")
        opeas = str(form.get("model") or _OPEAS).startswith(_OPEAS)
    try:
        kind = _formats.validate_python(asked)
    except ValidationError:
        raise BadInput(f"there is no response_format '{asked[:40]}': json, text, srt, vtt and verbose_json") from None
    service = running(request)
    language = language_of(named, service.settings.language)
    segments = await _heard(request, data, language)
    if opeas:
        segments = [_opeas(segment) for segment in segments]
    text = text_of(segments)
    match kind:
        case "json":
            return JSONResponse({"text": text})
        case "text":
            return PlainTextResponse(text + "\n")
        case "srt":
            return PlainTextResponse(srt(segments), media_type="application/x-subrip")
        case "vtt":
            return PlainTextResponse(vtt(segments), media_type="text/vtt")
        case "verbose_json":
            return JSONResponse(_verbose(segments, text, language))


async def _heard(request: Request, data: bytes, language: str) -> list[Segment]:
    service = running(request)
    return await service.while_listened(request, heard(service, data, language))


async def heard(service: Running, data: bytes, language: str) -> list[Segment]:
    """The utterances in a sound file, of which `segments_of` is timed."""
    with service.statistics.timed():
        return await segments_of(service, data, language)


def language_of(asked: str, usual: str) -> str:
    """The language to expect. OPEA's clients write "english" out, or "auto"."""
    name = asked.strip().lower()
    return checked_language(BY_NAME.get(name, name), usual)


def _opeas(segment: Segment) -> Segment:
    """As OPEA's Whisper writes it."""
    words = ((plain(text), begin, end) for text, begin, end in segment.words)
    return replace(segment, text=plain(segment.text), words=tuple(word for word in words if word[0]))


async def segments_of(service: Running, data: bytes, language: str) -> list[Segment]:
    """The utterances in a sound file, once it is its turn.

    Raises `BadInput` for what is none, or too long, and for a language that nothing here hears.
    """
    engines = await service.pool.hearing(service.engines, language)
    tell_engines(engines, ["asr"])
    if (sound := wav_audio(data)) is not None:  # by far the most common kind: no decoder is opened for it
        length = len(sound) / sound.rate
        check_length(length, "this file")
        async with service.place():
            heard = await utterances(each([await asyncio.to_thread(_resampled, sound)]), engines, language)
            return [_segment(one, length) for one in heard]
    async with as_file(data) as path, service.place():
        length = await asyncio.to_thread(check_recording, path)
        return [_segment(one, length) for one in await utterances(limited(path), engines, language)]


def _resampled(sound: Audio) -> Audio:
    return Audio(np.asarray(soxr.resample(sound.samples, sound.rate, RATE), np.float32), RATE)


def _segment(transcript: Transcript, length: float) -> Segment:
    """An utterance; of a recogniser that tells no times, all of the recording."""
    words = [(word.text, word.start / RATE, word.end / RATE) for word in transcript.words]
    begin, end = (words[0][1], words[-1][2]) if words else (0.0, length)
    return Segment(transcript.text.strip(), begin, end, tuple(words))


def text_of(segments: list[Segment]) -> str:
    """All that was said."""
    return " ".join(segment.text for segment in segments)


def _verbose(segments: list[Segment], text: str, language: str) -> dict[str, Any]:
    return {
        "task": "transcribe",
        "language": language,
        "duration": round(segments[-1].end, 3) if segments else 0.0,
        "text": text,
        "segments": [
            {"id": k, "start": round(each.begin, 3), "end": round(each.end, 3), "text": each.text}
            for k, each in enumerate(segments)
        ],
        "words": [
            {"word": word, "start": round(begin, 3), "end": round(end, 3)}
            for each in segments
            for word, begin, end in each.words
        ],
    }
