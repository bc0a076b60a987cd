"""A recogniser behind HTTP: OpenAI's `/v1/audio/transcriptions`, or OPEA's in either of its forms, or its Whisper's.

Which one a server is shows itself: OPEA v1.1's service takes no form, but JSON. A server gets an utterance when it is
over, so there are no words while somebody speaks.
"""

from __future__ import annotations

import base64
import io
import json
import wave
from contextlib import aclosing
from typing import Any, ClassVar, Self

from visavis.engines.far import Far, Refused, excerpt
from visavis.engines.protocols import Availability, Carry, EngineInfo, Recognition, Transcript
from visavis.errors import EngineFailed
from visavis.media.audio import Audio
from visavis.settings import Settings, load_settings

RATE = 16_000
"""Hertz."""
_FORM, _BACKEND = "/audio/transcriptions", "/asr"


class OpenAIRecognizer:
    """Hears by a server."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="openai",
        slot="asr",
        summary="any OpenAI-compatible or OPEA recogniser (Whisper, faster-whisper-server, hosted)",
        licence="Apache-2.0",
        rank=100,
        takes_recordings=True,
    )

    def __init__(self, settings: Settings) -> None:
        url = (settings.asr_url or "").rstrip("/")
        self._is_backend = url.endswith("/v1" + _BACKEND)
        self._is_document: bool | None = None  # not known yet
        base = url.removesuffix(_BACKEND).removesuffix(_FORM)
        base = base if base.endswith("/v1") else base + "/v1"
        self._model = settings.asr_model
        self._far = Far("asr", self.info.name, base, timeout=settings.asr_timeout, key=settings.asr_api_key)

    @classmethod
    def availability(cls) -> Availability:
        """Whether a server is named in the settings; it is not asked."""
        if not load_settings().asr_url:
            return Availability(False, "no server is named", "set --asr-url, as in http://localhost:7066/v1/asr")
        return Availability(True)

    async def __aenter__(self) -> Self:
        await self._far.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._far.__aexit__(*exc)

    async def recognize(
        self, chunk: Audio, carry: Carry | None, options: Recognition, final: bool
    ) -> tuple[Transcript, Carry]:
        """The text at each end; the sound since the last one is what a carry holds. Words have no times.

        Raises `EngineFailed` for a server that is down, slow, refuses or answers garbage.
        """
        if chunk.rate != RATE:
            raise ValueError(f"{chunk.rate} Hz: recognize takes {RATE}")
        settled, pieces = carry.value if carry else ("", ())
        pieces = (*pieces, chunk.to_int16().tobytes())
        if final:
            sound = b"".join(pieces)
            heard = await self._heard(sound, options.language.split("-")[0].lower()) if sound else ""
            settled, pieces = " ".join(filter(None, (settled, heard))), ()
        return Transcript(settled, (), final), Carry("", (settled, pieces))

    async def _heard(self, sound: bytes, language: str) -> str:
        answer = await self._asked(_wav(sound), language)
        text = next((answer[key] for key in ("text", "query", "asr_result") if key in answer), None)
        if not isinstance(text, str):  # OPEA's Whisper answers {"asr_result": {}} when it fails
            raise self._far.failed(f"sent no text: {excerpt(json.dumps(answer))}", self._far.server_error)
        return text.strip()

    async def _asked(self, file: bytes, language: str) -> dict[str, Any]:
        text = await self._answer(file, language)
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            self._far.refuse_page(text)
            raise self._far.failed(f"did not answer as a recogniser: {excerpt(text)}", self._far.remedies[404])
        return answer

    async def _answer(self, file: bytes, language: str) -> str:
        encoded = base64.b64encode(file).decode("ascii")
        if self._is_backend:
            return await self._sent(_BACKEND, json={"audio": encoded})
        document = {"byte_str": encoded}
        if self._is_document:
            return await self._sent(_FORM, json=document)
        form = {"language": language, "response_format": "json"} | ({"model": self._model} if self._model else {})
        try:
            text = await self._sent(_FORM, data=form, files={"file": ("utterance.wav", file, "audio/wav")})
            self._is_document = False
        except Refused:  # with 500, too: OPEA's cannot tell what is wrong with a form
            if self._is_document is not None:
                raise
            try:
                text = await self._sent(_FORM, json=document)
            except EngineFailed:
                text = ""
            if not text:
                raise
            self._is_document = True
        return text

    async def _sent(self, path: str, **request: Any) -> str:
        response = await self._far.send("POST", path, **request)
        async with aclosing(response):
            return await self._far.text(response)


def _wav(sound: bytes) -> bytes:
    """A WAV file of 16-bit samples."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(sound)
    return buffer.getvalue()
