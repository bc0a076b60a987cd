"""Hearing and speaking as tools of the Model Context Protocol (SSE), as OPEA's services with ENABLE_MCP have them.

A tool answers with JSON, as text and as structured content. What is wrong with a call is its result, in one sentence.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import mcp_types as types
from fastapi import FastAPI
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import BaseModel, Field, ValidationError
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from visavis import __version__
from visavis.errors import BadInput, EngineFailed, VisavisError
from visavis.gateway.refusals import in_words
from visavis.serving import wire
from visavis.serving.asr import heard, language_of, text_of
from visavis.serving.plain import plain
from visavis.serving.service import Running
from visavis.serving.sound import decoded, wav_base64
from visavis.serving.tts import said

_log = logging.getLogger(__name__)
logging.getLogger("mcp.server.sse").setLevel(logging.CRITICAL)
"""It logs what it cannot read, whole: recordings are nobody's business, and the client is told."""


class _Hear(BaseModel):
    file: str = Field(description="base64 of any sound file")
    model: str = Field("default", description="ignored: this one's own hears")
    language: str = Field("auto", description="as in en or english")


class _Heard(BaseModel):
    text: str


class _Say(BaseModel):
    request: wire.Speech


class _Said(BaseModel):
    audio_str: str = Field(description="base64 of a WAV file: 16 kHz, mono, 16 bits")


async def _audio_to_text(service: Running, asked: _Hear) -> _Heard:
    language = language_of(asked.language, service.settings.language)
    text = plain(text_of(await heard(service, decoded(asked.file), language)))
    if not text:
        raise BadInput("no speech was heard in it: send a recording in which somebody speaks up")
    return _Heard(text=text)


async def _text_to_speech(service: Running, asked: _Say) -> _Said:
    body = asked.request
    return _Said(audio_str=await wav_base64(await said(service, body.input, body.voice, body.speed)))


@dataclass(frozen=True, slots=True)
class _Tool:
    about: types.Tool
    takes: type[BaseModel]
    does: Callable[[Running, Any], Awaitable[BaseModel]]


def _tool(
    name: str, about: str, takes: type[BaseModel], gives: type[BaseModel], does: Callable[..., Awaitable[BaseModel]]
) -> _Tool:
    schemas = takes.model_json_schema(), gives.model_json_schema()
    return _Tool(
        types.Tool(name=name, description=about, input_schema=schemas[0], output_schema=schemas[1]), takes, does
    )


_TOOLS = {
    "asr": _tool("audio_to_text", "Convert audio to text.", _Hear, _Heard, _audio_to_text),
    "tts": _tool("text_to_speech", "Convert text to audio.", _Say, _Said, _text_to_speech),
}


def serve_tool(app: FastAPI, name: str, most: int) -> None:
    """Offer a service's tool at `/sse`; messages of more than `most` bytes are refused with 413."""
    tool = _TOOLS[name]

    async def listed(context: object, asked: object) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[tool.about])

    async def called(context: object, asked: types.CallToolRequestParams) -> types.CallToolResult:
        if asked.name != tool.about.name:
            return _failed(f"there is no tool '{asked.name[:40]}' here: there is {tool.about.name}")
        return await _result(tool, app.state.running, asked.arguments or {})

    server: Server[Any] = Server(f"opea_service@{name}", version=__version__, on_list_tools=listed, on_call_tool=called)
    # the library's own check of names would know only this machine's: our doors have asked before it
    open_ = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    transport = SseServerTransport("/messages/", open_, most)

    class Connection:
        """ASGI: a client, for as long as it stays; its calls end with it."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            async with transport.connect_sse(scope, receive, send) as (incoming, outgoing):
                await server.run(incoming, outgoing, server.create_initialization_options())

    app.router.routes.append(Route("/sse", Connection(), methods=["GET"]))
    app.router.routes.append(Mount("/messages/", transport.handle_post_message))


async def _result(tool: _Tool, service: Running, arguments: dict[str, Any]) -> types.CallToolResult:
    try:
        with service.engines.guests.inside():
            result = await tool.does(service, tool.takes.model_validate(arguments))
    except ValidationError as error:
        return _failed(in_words(error.errors(include_url=False)))
    except VisavisError as error:
        if isinstance(error, EngineFailed):
            _log.error("%s: %s", tool.about.name, error)
        return _failed(str(error))
    except Exception:
        _log.exception("%s", tool.about.name)
        return _failed("this is our mistake; the server's log has more")
    told = result.model_dump()
    return types.CallToolResult(content=[types.TextContent(text=json.dumps(told))], structured_content=told)


def _failed(sentence: str) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=sentence)], is_error=True)
