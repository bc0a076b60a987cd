"""Any server that speaks OpenAI's chat completions: TGI, vLLM, Ollama, llama.cpp, hosted ones.

A server can fail in more ways than a model in this process, and a person sees only the line that says so: every
failure becomes an `EngineFailed` with the address, what happened and what to do.
"""

from __future__ import annotations

import asyncio
import importlib.util
import ipaddress
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar
from urllib.parse import urlsplit

from visavis.engines.llm import sse
from visavis.engines.llm.context import fit, payload
from visavis.engines.protocols import Availability, Delta, EngineInfo, Message, Sampling
from visavis.errors import EngineFailed
from visavis.settings import Settings, load_settings
from visavis.streams.flow import Stream

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

WINDOW = 6000
"""Tokens of a conversation that are sent; beyond it the oldest turns are left out."""

_CONNECT = 3.0  # seconds
_CHARACTERS_PER_TOKEN = 20  # no vocabulary has longer tokens on average: a server that sends more ignores the limit
_EXCERPT = 160  # characters of a server's own words in an error

_URL = "--llm-url (VISAVIS_LLM_URL)"
_REMEDIES = {
    400: "see what it says, and its model's context length",
    401: "set VISAVIS_LLM_API_KEY to a valid key",
    403: "set VISAVIS_LLM_API_KEY to a key that may use this model",
    404: f"check {_URL}, which usually ends in /v1, and VISAVIS_LLM_MODEL",
    429: "it is busy or the quota is used up: wait, or use another server",
}
_SERVER_ERROR = f"the server's log says more; try again, or leave out {_URL} to use the embedded model"
_PAGE = re.compile(r"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL)


class OpenAICompatible:
    """A chat model behind HTTP, streamed."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="openai",
        slot="llm",
        summary="any OpenAI-compatible server (TGI, vLLM, Ollama, llama.cpp, hosted)",
        licence="Apache-2.0",
        rank=20,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._base = base_url(settings.llm_url or "")
        self._model = settings.llm_model or ""
        self._client: httpx.AsyncClient | None = None

    @classmethod
    def availability(cls) -> Availability:
        """Whether a server is named in the settings; it is not asked."""
        if importlib.util.find_spec("httpx") is None:
            return Availability(False, "httpx is not installed", "pip install httpx")
        if not load_settings().llm_url:
            return Availability(False, "no server is named", f"set {_URL}, as in http://localhost:8080/v1")
        return Availability(True)

    async def __aenter__(self) -> Self:
        import httpx

        key = self._settings.llm_api_key
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key.get_secret_value()}"} if key else {},
            # how long a token may take is watched over here: keep-alive comments must not count
            timeout=httpx.Timeout(None, connect=_CONNECT),
            trust_env=not _is_local(self._base),  # a proxy does not know this machine
        )
        try:
            if not self._model:
                self._model = await self._first_model()
        except BaseException:
            await self._client.aclose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def complete(self, messages: Sequence[Message], options: Sampling) -> Stream[Delta]:
        """The answer as the server makes it; closing the stream closes the connection, which ends its work.

        Raises `EngineFailed` for a server that is down, slow, refuses or answers garbage, `BadInput` for a question
        that does not fit.
        """
        body = {
            "model": self._model,
            "messages": payload(fit(messages, WINDOW)),
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "top_p": options.top_p,
            "stream": True,
        }
        if options.stop:
            body["stop"] = list(options.stop)
        room = options.max_tokens * _CHARACTERS_PER_TOKEN
        spoken = False
        response = await self._send("POST", "/chat/completions", body)
        async with aclosing(response), aclosing(self._deltas(response)) as deltas:
            while (delta := await self._in_time(anext(deltas, None))) is not None:
                room -= len(delta.text)
                spoken = spoken or bool(delta.text.strip())
                if delta.finish == "stop" and not spoken:
                    raise self._failed(
                        "gave an empty answer", "ask in other words, or set VISAVIS_LLM_MODEL to another"
                    )
                if room < 0:
                    delta = Delta(delta.text, "length")
                if delta.text or delta.finish:
                    yield delta
                if delta.finish:
                    return
        raise self._failed("broke off in the middle of the answer", _SERVER_ERROR)

    async def _first_model(self) -> str:
        """The first model the server has."""
        response = await self._send("GET", "/models", None)
        async with aclosing(response):
            text = await self._in_time(self._text(response))
        try:
            name = json.loads(text)["data"][0]["id"]
        except (ValueError, LookupError, TypeError):
            self._refuse_page(text)
            raise self._failed(f"lists no models: {_excerpt(text)}", "set VISAVIS_LLM_MODEL") from None
        return str(name)

    async def _send(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        """The response, its body not yet read. Raises `EngineFailed` unless the server says that all is well."""
        if self._client is None:
            raise RuntimeError("enter the engine before using it")
        request = self._client.build_request(method, self._base + path, json=body)
        response = await self._in_time(self._client.send(request, stream=True))
        if response.status_code == 200:
            return response
        async with aclosing(response):
            status = response.status_code
            if response.is_redirect:
                raise self._failed(f"moved to {response.headers['location']}", f"set {_URL} to where it is")
            said = _excerpt(await self._in_time(self._text(response)))
            raise self._failed(f"answered {status}: {said}", _REMEDIES.get(status, _SERVER_ERROR))

    async def _deltas(self, response: httpx.Response) -> AsyncGenerator[Delta, None]:
        """The pieces of the answer, streamed or in one."""
        async with aclosing(self._lines(response)) as lines:
            first = ""
            while not first.strip():
                first = await anext(lines, "data: [DONE]")
            if re.match(r"data:|event:|id:|retry:|:", first):
                async with aclosing(sse.events(_chain(first, lines))) as events:
                    async for event in events:
                        if event.strip() == "[DONE]":
                            yield Delta(finish="stop")
                            return
                        yield self._delta(event, "delta")
            else:  # a server that does not stream
                yield self._delta("\n".join([first, *[line async for line in lines]]), "message")

    async def _text(self, response: httpx.Response) -> str:
        return "\n".join([line async for line in self._lines(response)])

    async def _lines(self, response: httpx.Response) -> AsyncGenerator[str, None]:
        """The lines of a response, of which one that never ends is refused."""
        total = 0
        async with aclosing(sse.lines(response.aiter_bytes())) as lines:
            async for line in lines:
                total += len(line)
                if total > 16 * sse.LIMIT:
                    raise sse.TooLong("an answer without an end")
                yield line

    def _delta(self, text: str, part: str) -> Delta:
        """One chunk: `part` is where its text lies, "delta" in a stream and "message" in a whole answer."""
        try:
            chunk = json.loads(text)
            if error := chunk.get("error"):
                said = error.get("message", error) if isinstance(error, dict) else error
                raise self._failed(f"failed: {_excerpt(str(said))}", _SERVER_ERROR)
            if not chunk["choices"] and part == "delta":
                return Delta()  # usage, or what a content filter thinks
            choice = chunk["choices"][0]
            content = (choice.get(part) or {}).get("content") or ""
            finish = choice.get("finish_reason") or (None if part == "delta" else "stop")
        except (ValueError, LookupError, TypeError, AttributeError):
            content, finish = None, None
        if not isinstance(content, str):
            self._refuse_page(text)
            raise self._failed(f"did not answer as an OpenAI-compatible server: {_excerpt(text)}", _REMEDIES[404])
        return Delta(content, None if finish is None else "length" if finish == "length" else "stop")

    async def _in_time(self, work: Awaitable[T]) -> T:
        """The result of `work`, or the error that a person understands."""
        import httpx

        limit = self._settings.llm_timeout
        try:
            async with asyncio.timeout(limit):
                return await work
        except httpx.ConnectTimeout:
            raise self._failed(f"did not accept a connection in {_CONNECT:g} s", _start_it()) from None
        except httpx.ConnectError as error:
            raise self._failed(f"cannot be reached ({error})", _start_it()) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise self._failed(f"broke off the answer ({error or type(error).__name__})", _SERVER_ERROR) from None
        except sse.TooLong as error:
            raise self._failed(f"sends {error}", _REMEDIES[404]) from None
        except TimeoutError:
            remedy = "use a smaller model, or raise VISAVIS_LLM_TIMEOUT"
            raise self._failed(f"sent no word for {limit:g} s", remedy) from None

    def _refuse_page(self, text: str) -> None:
        """Raise `EngineFailed` if a server's answer is meant for a browser."""
        if _PAGE.match(text):
            raise self._failed(
                "sends a web page",
                f"that is not an OpenAI-compatible server: correct {_URL}, which usually ends in /v1",
            )

    def _failed(self, what: str, remedy: str) -> EngineFailed:
        return EngineFailed("llm", self.info.name, f"the server at {self._base} {what}; {remedy}")


def base_url(url: str) -> str:
    """The address that `/chat/completions` is added to: `/v1` is added to a bare host, a full path is cut."""
    url = url.rstrip("/").removesuffix("/chat/completions")
    return url if urlsplit(url).path.strip("/") else url + "/v1"


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _start_it() -> str:
    return "start it, correct VISAVIS_LLM_URL, or unset it to use the embedded model (--llm-url sets the same)"


def _excerpt(text: str) -> str:
    """What a server says, for one line: the message of a JSON error, or the text without tags."""
    try:
        error = json.loads(text)
        error = error.get("error", error.get("detail", error))
        text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, AttributeError):
        text = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    text = " ".join(text.split())
    return (text[: _EXCERPT - 1] + "…" if len(text) > _EXCERPT else text) or "nothing"


async def _chain(first: str, rest: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    yield first
    async for line in rest:
        yield line
