"""A language model as OPEA's service has it in both of its forms, as TGI has it, and as OpenAI has it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from visavis.engines.protocols import Delta, Message, Sampling
from visavis.errors import BadInput, VisavisError
from visavis.serving import wire
from visavis.serving.credited import tell_engines
from visavis.serving.service import Running, one_model, running
from visavis.serving.wire import new_id

router = APIRouter()
_MOST = 4096
"""Tokens of an answer, whatever is asked for; the engine's own limit may be lower."""
_RAG = """Answer the question with what was found. If it is not in there, say that you do not know.

Found: {context}

Question: {question}"""
_PLACE = re.compile(r"\{(context|question)\}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be answered, whichever body it came in."""

    messages: tuple[Message, ...]
    sampling: Sampling
    model: str


@router.post("/v1/chat/completions", response_model=None)
async def chat_completions(body: wire.AnyChat, request: Request) -> Response:
    """`query` is OPEA's LLMParamsDoc, `initial_query` a retriever's finding, `messages` OpenAI's chat."""
    service = running(request)
    model = _model(service)
    if isinstance(body, wire.Query):
        prompt = _prompt(body.query, body.chat_template, body.documents)
        asked = _Asked((Message("user", prompt),), _sampling(body), model)
        if body.stream is not None:  # from v1.2 on
            return await _openai(request, asked, "text_completion", body.stream)
        if body.streaming:
            return await _stream(request, asked, _reprs)
        return JSONResponse(wire.Answer(text=await _whole(request, asked), prompt=body.query).model_dump())
    if isinstance(body, wire.Found):
        found = [passage.text for passage in body.retrieved_docs]
        prompt = _prompt(body.initial_query, None, found)
        return await _stream(request, _Asked((Message("user", prompt),), Sampling(max_tokens=1024), model), _reprs)
    streamed = bool(body.stream if body.stream is not None else body.streaming)
    if isinstance(body.messages, str):
        prompt = _prompt(body.messages, None, body.documents)
        asked = _Asked((Message("user", prompt),), _sampling(body), body.model or model)
        return await _openai(request, asked, "text_completion", streamed)
    asked = _Asked(_messages(body.messages), _sampling(body), body.model or model)
    return await _openai(request, asked, "chat.completion", streamed)


@router.post("/v1/completions", response_model=None)
async def completions(body: wire.Completion, request: Request) -> Response:
    """OpenAI's older form."""
    asked = _Asked((Message("user", body.prompt),), _sampling(body), body.model or _model(running(request)))
    return await _openai(request, asked, "text_completion", bool(body.stream))


@router.get("/v1/models")
async def models(request: Request) -> dict[str, Any]:
    """The one that answers."""
    return one_model(_model(running(request)))


@router.post("/generate", response_model=None)
async def generate(body: wire.Generate, request: Request) -> Response:
    """As TGI has it."""
    return JSONResponse({"generated_text": await _whole(request, _generated(body, request))})


@router.post("/generate_stream", response_model=None)
async def generate_stream(body: wire.Generate, request: Request) -> Response:
    """As TGI has it."""
    return await _stream(request, _generated(body, request), _tokens)


@router.post("/", response_model=None)
async def compatible(body: wire.Generate, request: Request) -> Response:
    """As TGI has it at its bare address."""
    if body.stream:
        return await _stream(request, _generated(body, request), _tokens)
    return JSONResponse([{"generated_text": await _whole(request, _generated(body, request))}])


# ---- what is asked


def _model(service: Running) -> str:
    return service.settings.llm_model or service.engines.llm.info.name


def _sampling(body: wire.Query | wire.Chat | wire.Completion) -> Sampling:
    """OPEA and OpenAI have numbers here that ours have no use for; they are ignored, as most of them are there."""
    most = body.max_tokens
    if isinstance(body, wire.Chat):
        most = body.max_completion_tokens or most
    stop = () if isinstance(body, wire.Query) else body.stop
    return Sampling(
        max_tokens=min(max(most or 1024, 1), _MOST),
        temperature=min(max(body.temperature if body.temperature is not None else 0.1, 0.0), 2.0),
        top_p=min(max(body.top_p if body.top_p is not None else 0.95, 0.01), 1.0),
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
    )


def _generated(body: wire.Generate, request: Request) -> _Asked:
    given = body.parameters
    sampling = Sampling(
        max_tokens=min(given.max_new_tokens or 100, _MOST),
        temperature=0.1 if given.temperature is None else given.temperature,
        top_p=given.top_p or 0.95,
        stop=tuple(given.stop or ()),
    )
    return _Asked((Message("user", _some(body.inputs)),), sampling, _model(running(request)))


def _some(text: str) -> str:
    if not text.strip():
        raise BadInput("there is nothing to answer: the question is empty")
    return text


def _prompt(question: str, template: str | None, documents: Sequence[str | wire.Passage] | None) -> str:
    """The question, with what was found where something was, in the client's words or in ours."""
    found = "\n".join(each if isinstance(each, str) else each.text for each in documents or ())
    if not template and not found:
        return _some(question)
    known = {"question": _some(question), "context": found}
    return _PLACE.sub(lambda place: known[place[1]], template or _RAG)  # nothing else in braces is looked at


def _messages(said: Sequence[wire.Said]) -> tuple[Message, ...]:
    messages = [Message("system" if each.role == "developer" else each.role, _content(each)) for each in said]
    if not any(message.role == "user" and message.content.strip() for message in messages):
        raise BadInput("there is nothing to answer: no message of the user has words in it")
    return tuple(messages)


def _content(said: wire.Said) -> str:
    if said.content is None or isinstance(said.content, str):
        return said.content or ""
    if any(part.get("type") != "text" for part in said.content):
        raise BadInput("this model reads text only: send no images or sound")
    return "\n".join(str(part.get("text", "")) for part in said.content)


# ---- how it is answered


async def _deltas(service: Running, asked: _Asked) -> AsyncGenerator[Delta, None]:
    tell_engines(service.engines, ["llm"])
    async with service.place(), aclosing(service.engines.llm.complete(asked.messages, asked.sampling)) as deltas:
        async for delta in deltas:
            yield delta


async def _whole(request: Request, asked: _Asked) -> str:
    text, _ = await _finished(request, asked)
    return text


async def _finished(request: Request, asked: _Asked) -> tuple[str, str]:
    """The answer, and why it ended."""
    service = running(request)

    async def work() -> tuple[str, str]:
        text, finish = "", "stop"
        async with aclosing(_deltas(service, asked)) as deltas:
            async for delta in deltas:
                text, finish = text + delta.text, delta.finish or finish
        return text.strip(), finish

    with service.statistics.timed():
        return await service.while_listened(request, work())


_Shape = Callable[[AsyncGenerator[Delta, None]], AsyncGenerator[str, None]]
"""An answer's pieces to the lines of an event stream."""


async def _stream(request: Request, asked: _Asked, shape: _Shape) -> StreamingResponse:
    """The answer as it is made; closing it stops the model. What fails before the first piece has its own status."""
    service = running(request)
    lines = _lines(service, asked, shape)
    first = await service.while_listened(request, anext(lines))

    async def events() -> AsyncGenerator[str, None]:
        async with aclosing(lines):
            yield f"data: {first}\n\n"
            try:
                async for line in lines:
                    yield f"data: {line}\n\n"
            except VisavisError as error:  # the status has been sent already
                yield "data: " + json.dumps({"error": {"message": str(error), "type": "server_error"}}) + "\n\n"

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"})


async def _lines(service: Running, asked: _Asked, shape: _Shape) -> AsyncGenerator[str, None]:
    with service.statistics.timed() as timer:
        async with aclosing(_deltas(service, asked)) as deltas, aclosing(shape(deltas)) as lines:
            async for line in lines:
                timer.token()
                yield line


async def _reprs(deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[str, None]:
    """OPEA v1.1: Python's spelling of each token's bytes."""
    async for delta in deltas:
        if delta.text:
            yield repr(delta.text.encode("utf-8", "replace"))
    yield "[DONE]"


async def _tokens(deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[str, None]:
    """TGI."""
    text, index = "", 0
    async for delta in deltas:
        if not delta.text and delta.finish is None:
            continue
        text, index = text + delta.text, index + 1
        token = {"id": 0, "text": delta.text, "logprob": None, "special": False}
        whole = text if delta.finish is not None else None
        yield json.dumps({"index": index, "token": token, "generated_text": whole, "details": None})
    if not index:  # it said nothing
        yield json.dumps({"index": 1, "token": {"id": 0, "text": "", "special": False}, "generated_text": ""})


async def _openai(
    request: Request, asked: _Asked, kind: Literal["chat.completion", "text_completion"], streamed: bool
) -> Response:
    """OpenAI's answers, whole or in pieces."""
    chat = kind == "chat.completion"
    common = {
        "id": ("chatcmpl-" if chat else "cmpl-") + new_id(),
        "created": int(time.time()),
        "model": asked.model,
    }
    if not streamed:
        text, finish = await _finished(request, asked)
        said = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        choice = {"index": 0, **said, "logprobs": None, "finish_reason": finish}
        return JSONResponse({**common, "object": kind, "choices": [choice]})  # without usage: engines do not tell it

    async def chunks(deltas: AsyncGenerator[Delta, None]) -> AsyncGenerator[str, None]:
        def chunk(said: dict[str, Any], finish: str | None) -> str:
            choice = {"index": 0, **said, "logprobs": None, "finish_reason": finish}
            name = "chat.completion.chunk" if chat else kind
            return json.dumps({**common, "object": name, "choices": [choice]}, ensure_ascii=False)

        finish, role = "stop", {"role": "assistant"}  # the first piece names it
        async for delta in deltas:
            finish = delta.finish or finish
            if delta.text:
                yield chunk({"delta": {**role, "content": delta.text}} if chat else {"text": delta.text}, None)
                role = {}
        yield chunk({"delta": {}} if chat else {"text": ""}, finish)
        yield "[DONE]"

    return await _stream(request, asked, chunks)
