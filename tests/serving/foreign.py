"""OPEA's own services as others run them: they know their wire format only, and nothing that ours know besides.

Written after the contract's section 5.1: bodies are validated as theirs are, replies have just what theirs have.
"""

from __future__ import annotations

import asyncio
import base64
import io
import socket
import wave
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, File, Form, HTTPException, Request, UploadFile
from fastapi.responses import PlainTextResponse, Response, StreamingResponse
from pydantic import BaseModel


@dataclass
class Foreign:
    """What they were sent, by route, and what they say."""

    heard: str = "who are you"
    answer: str = "I am a foreign mind."
    failing: int = 0
    """How many of the next requests they answer with 503."""
    bodies: dict[str, list[Any]] = field(default_factory=dict)

    def note(self, route: str, body: Any) -> None:
        self.bodies.setdefault(route, []).append(body)
        if self.failing:
            self.failing -= 1
            raise HTTPException(503, "busy")


class _ByteStr(BaseModel):
    byte_str: str


class _Text(BaseModel):
    text: str | list[str]


class _Speech(BaseModel):
    input: str
    model: str = "microsoft/speecht5_tts"
    voice: str = "default"
    response_format: str = "mp3"
    speed: float = 1.0


def hum(text: str) -> bytes:
    """A WAV as theirs are: 16 kHz, mono, 16 bits; 60 ms for each character."""
    time = np.arange(len(text) * 960) / 16_000
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((0.3 * np.sin(2 * np.pi * 140 * time) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def era_a(foreign: Foreign) -> FastAPI:
    """The four microservices of v1.1, at one address."""
    app = FastAPI()

    @app.post("/v1/audio/transcriptions")
    async def asr(body: _ByteStr) -> dict[str, Any]:
        foreign.note("asr", body)
        return {"id": "0" * 32, "query": foreign.heard, "max_tokens": 1024, "streaming": True}

    @app.post("/v1/chat/completions", response_model=None)
    async def llm(request: Request) -> Response | dict[str, Any]:
        body = await request.json()
        foreign.note("llm", body)
        return _chunks(foreign.answer) if body.get("stream") else _whole(foreign.answer)

    @app.post("/v1/audio/speech")
    async def tts(body: _Text) -> dict[str, str]:
        foreign.note("tts", body)
        return {"id": "0" * 32, "byte_str": base64.b64encode(hum(str(body.text))).decode()}

    @app.post("/v1/animation")
    async def animation(body: _ByteStr) -> dict[str, str]:
        foreign.note("animation", body)
        return {"id": "0" * 32, "video_path": "/outputs/result.mp4"}

    return app


def era_b(foreign: Foreign) -> FastAPI:
    """The backends that the megaservice of v1.2 and later calls, and the voice's and recogniser's own microservices."""
    app = FastAPI()

    @app.post("/v1/asr")
    async def whisper(request: Request) -> dict[str, Any]:
        body = await request.json()
        foreign.note("asr", body)
        assert base64.b64decode(body["audio"])[:4] == b"RIFF"
        return {"asr_result": foreign.heard}

    @app.post("/v1/chat/completions", response_model=None)
    async def tgi(request: Request) -> Response | dict[str, Any]:
        body = await request.json()
        foreign.note("llm", body)
        return _chunks(foreign.answer) if body.get("stream") else _whole(foreign.answer)

    @app.post("/v1/tts")
    async def speecht5(request: Request) -> dict[str, str]:
        body = await request.json()
        foreign.note("tts", body)
        if body.get("voice", "default") not in ("default", "male"):
            raise HTTPException(500, "Internal Server Error")
        return {"tts_result": base64.b64encode(hum(body["text"])).decode()}

    @app.post("/v1/audio/speech")
    async def speech(body: _Speech) -> Response:
        foreign.note("speech", body)
        if body.voice not in ("default", "male") or body.speed != 1.0:
            raise HTTPException(500, "Internal Server Error")

        async def pieces() -> AsyncGenerator[bytes, None]:
            data = hum(body.input)
            for begin in range(0, len(data), 4001):
                yield data[begin : begin + 4001]
                await asyncio.sleep(0.01)

        return StreamingResponse(pieces())  # without a content type, as theirs

    @app.post("/v1/audio/transcriptions")
    async def transcriptions(file: UploadFile = File(...), model: str = Form("openai/whisper-small")) -> dict[str, str]:  # noqa: B008
        foreign.note("transcriptions", (await file.read())[:4])
        return {"text": foreign.heard}

    @app.post("/v1/animation")
    async def animation(body: _ByteStr) -> dict[str, str]:
        foreign.note("animation", body)
        return {"id": "0" * 32, "video_path": "/outputs/result.mp4"}

    @app.post("/v1/chatqna", response_model=None)
    async def chatqna(request: Request) -> Response:
        body = await request.json()
        foreign.note("chatqna", body)
        said = foreign.answer.encode()
        step = len(said) if said.startswith(b"{") else 3  # an error comes in one
        tokens = [said[k : k + step] for k in range(0, len(said), step)]

        async def events() -> AsyncGenerator[str, None]:
            for token in (*tokens, b"</s>"):
                yield f"data: {token!r}\n\n"
            yield "data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    @app.post("/v1/wav2lip")
    async def wav2lip() -> PlainTextResponse:
        return PlainTextResponse("Internal Server Error", 500)

    return app


def _whole(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


def _chunks(text: str) -> Response:
    import json

    async def events() -> AsyncGenerator[str, None]:
        for word in text.split(" "):
            delta = {"choices": [{"index": 0, "delta": {"content": word + " "}, "finish_reason": None}]}
            yield f"data: {json.dumps(delta)}\n\n"
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


@asynccontextmanager
async def listening(app: FastAPI, port: int = 0) -> AsyncGenerator[str, None]:
    """The app on a real port of this machine; its address."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("127.0.0.1", port))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1))
        running = asyncio.ensure_future(server.serve(sockets=[line]))
        try:
            while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
                await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{line.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running
