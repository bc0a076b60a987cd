"""A voice behind HTTP: OpenAI's `/v1/audio/speech`, or OPEA's in either of its forms, or its SpeechT5's.

Which one a server is shows itself: OPEA v1.1's service refuses OpenAI's request because it wants `text`. A WAV file is
spoken while it comes; others when they are there. No such server tells when its words are said: it is estimated.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import io
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar, Self

import av
import numpy as np

from visavis.engines.far import Far, Refused, excerpt
from visavis.engines.protocols import Availability, EngineInfo, Voice
from visavis.engines.tts.spread import Spread
from visavis.errors import EngineFailed
from visavis.media.audio import Audio
from visavis.media.speech import Line, Speech
from visavis.media.wav import Wav
from visavis.settings import Settings, load_settings
from visavis.streams.flow import Stream

if TYPE_CHECKING:
    import httpx

_SPEECH, _BACKEND = "/audio/speech", "/tts"
_DEFAULT = "default"
"""OPEA's name of a server's own voice."""
_LONGEST = 64 << 20
"""Bytes of one line's sound."""
_PIECE = 0.25
"""Seconds of sound that are passed on at once, at least."""


class OpenAISynthesizer:
    """Speaks by a server."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="openai",
        slot="tts",
        summary="any OpenAI-compatible or OPEA voice (SpeechT5, Kokoro-FastAPI, hosted)",
        licence="Apache-2.0",
        rank=100,
    )

    def __init__(self, settings: Settings) -> None:
        url = (settings.tts_url or "").rstrip("/")
        self._is_backend = url.endswith("/v1" + _BACKEND)
        self._is_document = False
        base = url.removesuffix(_BACKEND).removesuffix(_SPEECH)
        base = base if base.endswith("/v1") else base + "/v1"
        self._model, self._language = settings.tts_model, settings.language
        self._voices = [each for each in (settings.voice, _DEFAULT) if each]
        self._far = Far("tts", self.info.name, base, timeout=settings.tts_timeout, key=settings.tts_api_key)

    @classmethod
    def availability(cls) -> Availability:
        """Whether a server is named in the settings; it is not asked."""
        if not load_settings().tts_url:
            return Availability(False, "no server is named", "set --tts-url, as in http://localhost:7055/v1/tts")
        return Availability(True)

    async def __aenter__(self) -> Self:
        await self._far.__aenter__()
        with contextlib.suppress(EngineFailed):  # a route that only some have
            self._voices = list(dict.fromkeys([*self._voices, *await self._listed()]))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._far.__aexit__(*exc)

    def voices(self) -> Sequence[Voice]:
        """The one of the settings, which only the server can know, its own, and those that it lists."""
        return [Voice(name, self._language, "of the server") for name in self._voices]

    async def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        """The line as the server speaks it; closing the stream closes the connection, which ends its work.

        Raises `EngineFailed` for a server that is down, slow, refuses or answers garbage.
        """
        response = await self._asked(line, voice or self._voices[0])
        spread = Spread(line)
        waiting: list[np.ndarray] = []
        rate = 0
        async with aclosing(response), aclosing(self._sound(response)) as sound:
            async for piece in sound:
                if waiting and sum(map(len, waiting)) >= _PIECE * rate:
                    yield spread.piece(Audio(np.concatenate(waiting), rate), final=False)
                    waiting = []
                waiting.append(piece.samples)
                rate = piece.rate
        if not rate:
            raise self._far.failed("sent no sound", self._far.server_error)
        yield spread.piece(Audio(np.concatenate(waiting), rate), final=True)

    async def _listed(self) -> list[str]:
        """The names of its voices, as several open servers tell them; none where it tells them otherwise."""
        response = await self._far.send("GET", "/audio/voices")
        async with aclosing(response):
            text = await self._far.text(response)
        try:
            return [each if isinstance(each, str) else str(each["name"]) for each in json.loads(text)["voices"]]
        except (ValueError, LookupError, TypeError):
            return []

    async def _asked(self, line: Line, voice: str) -> httpx.Response:
        if self._is_backend:
            return await self._far.send("POST", _BACKEND, json={"text": line.text, "voice": voice})
        if not self._is_document:
            body: dict[str, Any] = {"input": line.text, "voice": voice, "response_format": "wav"}
            body |= {"model": self._model} if self._model else {}
            body |= {"speed": line.speed} if line.speed != 1.0 else {}  # OPEA's refuses every other
            try:
                return await self._far.send("POST", _SPEECH, json=body)
            except Refused as error:
                if error.status != 422 or '"text"' not in error.said:
                    raise
            self._is_document = True
        return await self._far.send("POST", _SPEECH, json={"text": line.text})

    async def _sound(self, response: httpx.Response) -> AsyncGenerator[Audio, None]:
        """The sound in an answer, as it comes."""
        if "json" in response.headers.get("content-type", ""):
            yield await self._decoded(self._unwrapped(await self._far.text(response)))
            return
        wav, taken = Wav(), b""
        size = 0
        async with aclosing(response.aiter_bytes()) as chunks:  # type: ignore[type-var]
            while (chunk := await self._far.in_time(anext(chunks, None))) is not None:
                if (size := size + len(chunk)) > _LONGEST:
                    raise self._far.failed("sends sound without an end", self._far.server_error)
                taken = taken + chunk if not wav.begun else b""
                if wav.may_be and (audio := wav.feed(chunk)) is not None:
                    yield audio
        if not wav.begun:
            yield await self._decoded(taken)

    def _unwrapped(self, text: str) -> bytes:
        """The sound file in OPEA's JSON."""
        try:
            answer = json.loads(text)
            found = next(answer[key] for key in ("byte_str", "tts_result", "audio_str") if key in answer)
            return base64.b64decode(found)
        except (ValueError, TypeError, StopIteration, binascii.Error):
            raise self._no_sound(text) from None

    async def _decoded(self, data: bytes) -> Audio:
        try:
            return await asyncio.to_thread(_decode, data)
        except (av.error.FFmpegError, ValueError):
            text = data[:4096].decode("utf-8", "replace")
            self._far.refuse_page(text)
            raise self._no_sound(text) from None

    def _no_sound(self, text: str) -> EngineFailed:
        said = excerpt(text) if text.isprintable() else "no sound file"
        return self._far.failed(f"did not answer as a voice: {said}", self._far.remedies[404])


def _decode(data: bytes) -> Audio:
    """A sound file of any kind, mono. Raises `ValueError` for one without sound."""
    with av.open(io.BytesIO(data), "r") as file:
        if not file.streams.audio:
            raise ValueError("no sound")
        rate = file.streams.audio[0].rate
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        frames = [each for frame in file.decode(audio=0) for each in resampler.resample(frame)]
        frames += resampler.resample(None)
    if not frames:
        raise ValueError("no sound")
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return Audio(np.clip(samples, -1.0, 1.0).astype(np.float32), rate)
