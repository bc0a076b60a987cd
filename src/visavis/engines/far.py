"""A server that does an engine's work somewhere else, asked over HTTP.

It can fail in more ways than a model in this process, and a person sees only the line that says so: every failure
becomes an `EngineFailed` with the address, what happened and what to do. A server that does not take a connection, or
is busy, is asked again after a moment (with jitter, so that many who wait do not come at once); one that goes on
failing is left alone for a while, so that nobody waits for it in vain.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import random
import re
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from visavis.engines import sse
from visavis.errors import EngineFailed
from visavis.settings import OPEA, origin

if TYPE_CHECKING:
    import httpx
    from pydantic import SecretStr

    from visavis.engines.protocols import Slot

T = TypeVar("T")

CONNECT = 3.0
"""Seconds for a connection."""
TRIES = 3
"""Of a request that was not taken; nothing is asked twice that may have begun."""
_WAIT = 0.15
"""Seconds, at least half and at most one and a half of them, before the second try; twice as long before the third."""
FAILURES = 3
"""In a row, after which a server is left alone."""
REST = 5.0
"""Seconds for which it is."""
_BUSY = frozenset({429, 502, 503, 504})
_EXCERPT = 160  # characters of a server's own words in an error
_PAGE = re.compile(r"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL)


class _Failing(Exception):
    """What counts against a server, not against the request: carries the error for the person."""

    def __init__(self, error: EngineFailed, again: bool) -> None:
        super().__init__(str(error))
        self.error, self.again = error, again


class Refused(EngineFailed):
    """The server answered, and not with 200."""

    def __init__(self, slot: str, name: str, message: str, status: int, said: str) -> None:
        super().__init__(slot, name, message)
        self.status, self.said = status, said


class Far:
    """One server, for as long as the block lasts. `timeout` is in seconds, for each wait for its next word."""

    def __init__(self, slot: Slot, name: str, base: str, *, timeout: float, key: SecretStr | None = None) -> None:
        from circuitbreaker import CircuitBreaker

        self.base = base
        self.option = f"--{slot}-url (VISAVIS_{slot.upper()}_URL)"
        self._slot, self._name, self._timeout, self._key = slot, name, timeout, key
        self._embedded = "model" if slot == "llm" else "engine"
        self._client: httpx.AsyncClient | None = None
        self._breaker = CircuitBreaker(FAILURES, REST, expected_exception=_Failing, name=f"{slot} {base}")
        ours = f"VISAVIS_{slot.upper()}"
        self.remedies = {
            400: "see what it says, and its model's context length" if slot == "llm" else "see what it says",
            401: f"set {ours}_API_KEY to a valid key",
            403: f"set {ours}_API_KEY to a key that may use this model",
            404: f"check {self.option}"
            + (", which usually ends in /v1, and VISAVIS_LLM_MODEL" if slot == "llm" else f", and {ours}_MODEL"),
            429: "it is busy or the quota is used up: wait, or use another server",
        }
        """By the status of an answer."""
        self.server_error = (
            f"the server's log says more; try again, or leave out {self.option} to use the embedded {self._embedded}"
        )

    async def __aenter__(self) -> Self:
        import httpx

        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {self._key.get_secret_value()}"} if self._key else {},
            # how long a word may take is watched over here: keep-alive comments must not count
            timeout=httpx.Timeout(None, connect=CONNECT),
            trust_env=not _is_local(self.base),  # a proxy does not know this machine
        )
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The response to httpx's `request`, its body not yet read: close it. `path` is added to the base.

        Raises `EngineFailed`, and `Refused` where the server says anything but that all is well.
        """
        if self._breaker.opened:
            rest = self._breaker.open_remaining
            raise self.failed(f"has failed {FAILURES} times in a row", f"it is asked again in {rest} s")
        try:
            with self._breaker:
                return await self._tried(method, path, request)
        except _Failing as failing:
            raise failing.error from None

    async def _tried(self, method: str, path: str, request: Mapping[str, Any]) -> httpx.Response:
        from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

        async for attempt in AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, _Failing) and error.again),
            stop=stop_after_attempt(TRIES),
            wait=lambda state: _WAIT * 2 ** (state.attempt_number - 1) * random.uniform(0.5, 1.5),
            reraise=True,
        ):
            with attempt:
                return await self._once(method, path, request)
        raise AssertionError("the last try returns or raises")

    async def _once(self, method: str, path: str, request: Mapping[str, Any]) -> httpx.Response:
        if self._client is None:
            raise RuntimeError("enter the engine before using it")
        try:
            response = await self.in_time(self._begun(self._client, method, path, request))
        except EngineFailed as error:
            import httpx

            # a connection that was kept may be closed by the server just when it is used again; no word has come yet
            raise _Failing(
                error, isinstance(error.__context__, httpx.NetworkError | httpx.RemoteProtocolError)
            ) from None
        if response.status_code == 200:
            return response
        async with aclosing(response):
            refused = await self._refused(response)
        if response.status_code >= 500 or response.status_code in _BUSY:
            raise _Failing(refused, response.status_code in _BUSY)
        raise refused

    async def _begun(
        self, client: httpx.AsyncClient, method: str, path: str, request: Mapping[str, Any]
    ) -> httpx.Response:
        return await client.send(client.build_request(method, self.base + path, **request), stream=True)

    async def _refused(self, response: httpx.Response) -> EngineFailed:
        status = response.status_code
        if response.is_redirect:
            return self.failed(f"moved to {response.headers['location']}", f"set {self.option} to where it is")
        text = await self.text(response)
        remedy = self.remedies.get(status, self.server_error)
        return Refused(self._slot, self._name, self._line(f"answered {status}: {excerpt(text)}", remedy), status, text)

    async def text(self, response: httpx.Response) -> str:
        """The whole body. Raises `EngineFailed`, also for one without an end."""

        async def read() -> str:
            return "\n".join([line async for line in self.lines(response)])

        return await self.in_time(read())

    async def lines(self, response: httpx.Response) -> AsyncGenerator[str, None]:
        """The lines of a response, of which one that never ends is refused."""
        total = 0
        async with aclosing(sse.lines(response.aiter_bytes())) as lines:
            async for line in lines:
                total += len(line)
                if total > 16 * sse.LIMIT:
                    raise sse.TooLong("an answer without an end")
                yield line

    async def in_time(self, work: Awaitable[T]) -> T:
        """The result of `work`, or the error that a person understands."""
        import httpx

        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except httpx.ConnectTimeout:
            raise self.failed(f"did not accept a connection in {CONNECT:g} s", self._start_it()) from None
        except httpx.ConnectError as error:
            raise self.failed(f"cannot be reached ({error})", self._start_it()) from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            raise self.failed(f"broke off the answer ({error or type(error).__name__})", self.server_error) from None
        except sse.TooLong as error:
            raise self.failed(f"sends {error}", self.remedies[404]) from None
        except TimeoutError:
            remedy = f"use a smaller model, or raise VISAVIS_{self._slot.upper()}_TIMEOUT"
            raise self.failed(f"sent no word for {self._timeout:g} s", remedy) from None

    def refuse_page(self, text: str) -> None:
        """Raise `EngineFailed` if a server's answer is meant for a browser."""
        if is_page(text):
            raise self.failed(
                "sends a web page",
                f"that is not an OpenAI-compatible server: correct {self.option}, which usually ends in /v1",
            )

    def failed(self, what: str, remedy: str) -> EngineFailed:
        """The error that says `what` the server did, and what to do."""
        return EngineFailed(self._slot, self._name, self._line(what, remedy))

    def _line(self, what: str, remedy: str) -> str:
        return f"the server at {self.base} {what}; {remedy}"

    def _start_it(self) -> str:
        setting = f"{self._slot}_url"
        if origin(setting) == OPEA:
            return f"start it, or correct {OPEA} that name it"
        return (
            f"start it, correct VISAVIS_{setting.upper()}, or unset it to use the embedded {self._embedded}"
            f" (--{self._slot}-url sets the same)"
        )


def is_page(text: str) -> bool:
    """Whether a text is meant for a browser."""
    return _PAGE.match(text) is not None


def excerpt(text: str) -> str:
    """What a server says, for one line: the message of a JSON error, or the text without tags."""
    try:
        error = json.loads(text)
        error = error.get("error", error.get("detail", error))
        text = str(error.get("message", error) if isinstance(error, dict) else error)
    except (ValueError, AttributeError):
        text = re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    text = " ".join(text.split())
    return (text[: _EXCERPT - 1] + "…" if len(text) > _EXCERPT else text) or "nothing"


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
