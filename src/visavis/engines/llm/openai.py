"""Any server that speaks OpenAI's chat completions (TGI, vLLM, Ollama, llama.cpp, hosted), and OPEA's megaservices.

OPEA's `/v1/chatqna` and `/v1/searchqna` stream either chunks as OpenAI does, or the bytes of each token as Python
writes them (`data: b' Deep'`).
"""

from __future__ import annotations

import ast
import codecs
import importlib.util
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, ClassVar, Self
from urllib.parse import urlsplit

from visavis.engines import sse
from visavis.engines.far import Far, Refused, excerpt, is_page
from visavis.engines.llm.context import fit, payload
from visavis.engines.llm.thoughts import Thoughts
from visavis.engines.protocols import Availability, Delta, EngineInfo, Message, Sampling
from visavis.settings import Settings, load_settings
from visavis.streams.flow import Stream

if TYPE_CHECKING:
    import httpx

WINDOW = 6000
"""Tokens of a conversation that are sent; beyond it the oldest turns are left out."""

_CHARACTERS_PER_TOKEN = 20  # no vocabulary has longer tokens on average: a server that sends more ignores the limit
_URL = "--llm-url (VISAVIS_LLM_URL)"
_MEGASERVICE = re.compile(r"/v1/(chatqna|searchqna)/?$")
_UNNAMED = "tgi"
"""The model to ask for where a server does not list any: TGI and OPEA's services take any name, and OPEA sends this."""
_MARKS = frozenset({"</s>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>"})
"""Tokens that end an answer; some of OPEA's services send them as text."""


class OpenAICompatible:
    """A chat model behind HTTP, streamed."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="openai",
        slot="llm",
        summary="any OpenAI-compatible server (TGI, vLLM, Ollama, llama.cpp, hosted)",
        licence="Apache-2.0",
        rank=100,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._base = base_url(settings.llm_url or "")
        self._model = settings.llm_model or ""
        timeout, key = settings.llm_timeout, settings.llm_api_key
        self._far = Far("llm", self.info.name, self._base, timeout=timeout, key=key)
        self._stack = AsyncExitStack()

    @classmethod
    def availability(cls) -> Availability:
        """Whether a server is named in the settings; it is not asked."""
        if importlib.util.find_spec("httpx") is None:
            return Availability(False, "httpx is not installed", "pip install httpx")
        if not load_settings().llm_url:
            return Availability(False, "no server is named", f"set {_URL}, as in http://localhost:8080/v1")
        return Availability(True)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._far)
            if not self._model and not self._is_megaservice:
                self._model = await self._first_model()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    @property
    def _is_megaservice(self) -> bool:
        return _MEGASERVICE.search(self._base) is not None

    async def complete(self, messages: Sequence[Message], options: Sampling) -> Stream[Delta]:
        """The answer as the server makes it; closing the stream closes the connection, which ends its work.

        Raises `EngineFailed` for a server that is down, slow, refuses or answers garbage, `BadInput` for a question
        that does not fit.
        """
        body = self._body(messages, options)
        room = options.max_tokens * _CHARACTERS_PER_TOKEN
        spoken, thoughts = False, Thoughts()
        response = await self._far.send("POST", "" if self._is_megaservice else "/chat/completions", json=body)
        async with aclosing(response), aclosing(self._deltas(response)) as deltas:
            while (delta := await self._far.in_time(anext(deltas, None))) is not None:
                room -= len(delta.text)
                heard = thoughts.said(delta.text) + (thoughts.rest() if delta.finish else "")
                delta, spoken = Delta(heard, delta.finish), spoken or bool(heard.strip())
                if delta.finish == "stop" and not spoken:
                    raise self._far.failed(
                        "gave an empty answer", "ask in other words, or set VISAVIS_LLM_MODEL to another"
                    )
                if room < 0:
                    delta = Delta(delta.text, "length")
                if delta.text or delta.finish:
                    yield delta
                if delta.finish:
                    return
        raise self._far.failed("broke off in the middle of the answer", self._far.server_error)

    def _body(self, messages: Sequence[Message], options: Sampling) -> dict[str, Any]:
        sent = payload(fit(messages, WINDOW))
        body: dict[str, Any] = {
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "top_p": options.top_p,
            "stream": True,
        }
        if self._is_megaservice:
            # it searches with all that is sent, so who the assistant is has no place in it
            said = [each for each in sent if each["role"] != "system"]
            return body | {"messages": said[0]["content"] if len(said) == 1 else said}
        if options.stop:
            body["stop"] = list(options.stop)
        return body | {"model": self._model, "messages": sent}

    async def _first_model(self) -> str:
        """The first model the server has."""
        try:
            response = await self._far.send("GET", "/models")
        except Refused as error:
            if error.status in (404, 405) and not is_page(error.said):
                return _UNNAMED
            raise
        async with aclosing(response):
            text = await self._far.text(response)
        try:
            name = json.loads(text)["data"][0]["id"]
        except (ValueError, LookupError, TypeError):
            self._far.refuse_page(text)
            raise self._far.failed(f"lists no models: {excerpt(text)}", "set VISAVIS_LLM_MODEL") from None
        return str(name)

    async def _deltas(self, response: httpx.Response) -> AsyncGenerator[Delta, None]:
        """The pieces of the answer, streamed or in one."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")  # a token may end in the middle of a character
        async with aclosing(self._far.lines(response)) as lines:
            first = ""
            while not first.strip():
                first = await anext(lines, "data: [DONE]")
            if re.match(r"data:|event:|id:|retry:|:", first):
                async with aclosing(sse.events(_chain(first, lines))) as events:
                    async for event in events:
                        if event.strip() == "[DONE]":
                            yield Delta(finish="stop")
                            return
                        if (token := _token(event)) is None:
                            yield self._delta(event, "delta")
                        elif (text := decoder.decode(token)) not in _MARKS:
                            yield self._told(text)
            else:  # a server that does not stream
                yield self._delta("\n".join([first, *[line async for line in lines]]), "message")

    def _told(self, text: str) -> Delta:
        """A token's text. OPEA's services send even an error so."""
        if text.startswith('{"error"'):
            raise self._far.failed(f"failed: {excerpt(text)}", self._far.server_error)
        return Delta(text)

    def _delta(self, text: str, part: str) -> Delta:
        """One chunk: `part` is where its text lies, "delta" in a stream and "message" in a whole answer."""
        try:
            chunk = json.loads(text)
            if error := chunk.get("error"):
                said = error.get("message", error) if isinstance(error, dict) else error
                raise self._far.failed(f"failed: {excerpt(str(said))}", self._far.server_error)
            if not chunk["choices"] and part == "delta":
                return Delta()  # usage, or what a content filter thinks
            choice = chunk["choices"][0]
            content = (choice.get(part) or {}).get("content") or ""
            finish = choice.get("finish_reason") or (None if part == "delta" else "stop")
        except (ValueError, LookupError, TypeError, AttributeError):
            content, finish = None, None
        if not isinstance(content, str):
            self._far.refuse_page(text)
            raise self._far.failed(
                f"did not answer as an OpenAI-compatible server: {excerpt(text)}", self._far.remedies[404]
            )
        return Delta(content, None if finish is None else "length" if finish == "length" else "stop")


def base_url(url: str) -> str:
    """The address that `/chat/completions` is added to: `/v1` is added to a bare host, a full path is cut."""
    url = url.rstrip("/").removesuffix("/chat/completions")
    return url if urlsplit(url).path.strip("/") else url + "/v1"


def _token(event: str) -> bytes | None:
    """The bytes that an event has as Python writes them; None for another kind of event."""
    if not re.match(r"b['\"]", event):
        return None
    try:
        value = ast.literal_eval(event)
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, bytes) else None


async def _chain(first: str, rest: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    yield first
    async for line in rest:
        yield line
