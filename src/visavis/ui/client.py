"""The gateway, as the page's server asks it: what there is to choose, a face of one's own, an answer and its video.

The gateway is another process at an address, or the app that the page is mounted in, which is asked without a network.
Its doors and its limits hold in both cases: for the person whose browser asks, not for this server as a whole.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp

from visavis.errors import VisavisError

if TYPE_CHECKING:
    import httpx

MAX_TOKENS = 160
"""Of an answer; the gateway may allow less."""
_CONNECTING = 5.0  # seconds
_ANSWERING = 600.0  # seconds, as OPEA's own page waits


class GatewayRefused(VisavisError):
    """What the gateway said instead of answering, or that it cannot be reached: one sentence."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and of whom; what is None is left to the gateway."""

    text: str | None = None
    sound: bytes | None = None
    """A sound file of any kind."""
    face: str | None = None
    voice: str | None = None
    language: str | None = None
    animator: str | None = None

    def body(self) -> dict[str, object]:
        """As the gateway takes it."""
        sound = None if self.sound is None else base64.b64encode(self.sound).decode("ascii")
        asked = {"audio": sound, "text": None if sound else self.text, "face": self.face, "voice": self.voice}
        asked |= {"language": self.language, "animator": self.animator}
        known = {name: value for name, value in asked.items() if value is not None}
        return {**known, "response_format": "object", "max_tokens": MAX_TOKENS}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    video: str
    """Its path on the gateway."""
    transcript: str = ""
    text: str = ""
    timings: tuple[tuple[str, float], ...] = ()
    """Seconds from when the gateway began to listen, by what was reached then."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One that is asked."""

    url: str
    token: str | None = None
    app: ASGIApp | None = None
    """The gateway itself, where it runs in this process."""
    _asking: set[asyncio.Task[Any]] = field(default_factory=set, compare=False)

    async def close(self) -> None:
        """Give up whatever is asked: the gateway's engines are about to leave."""
        asking = list(self._asking)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    @property
    def is_here(self) -> bool:
        """Whether the page is one of its own."""
        return self.app is not None

    @property
    def _is_near(self) -> bool:
        """Whether it is on this machine, which a proxy does not know."""
        return self.is_here or urlsplit(self.url).hostname in ("localhost", "127.0.0.1", "::1")

    async def choices(self, client: str = "") -> dict[str, Any] | None:
        """What there is to choose; None where the gateway has no such list, as OPEA's own. `client`: whose address."""
        try:
            found: dict[str, Any] = (await self._ask(client, "GET", "/v1/choices")).json()
        except _Missing:
            return None
        return found

    async def engines(self, method: str = "GET", client: str = "") -> dict[str, Any] | None:
        """The engines that it uses, and better ones; POST has these fetched, DELETE ends that. None where the gateway
        has no such thing."""
        try:
            found: dict[str, Any] = (await self._ask(client, method, "/recommended")).json()
        except _Missing:
            return None
        return found

    async def picture(self, path: str, client: str = "") -> bytes:
        """A picture by its path."""
        return (await self._ask(client, "GET", path)).content

    async def bring(self, file: bytes, client: str = "") -> dict[str, Any]:
        """Make a picture or a video into a face."""
        made: dict[str, Any] = (await self._ask(client, "POST", "/v1/faces", content=file)).json()
        return made

    async def forget(self, name: str) -> None:
        """A face that was brought is needed no longer."""
        await self._ask("", "DELETE", f"/v1/faces/{name}")

    async def ask(self, question: Question, client: str = "") -> Answer:
        """An answer. Cancelling this cancels it at the gateway, too."""
        told = (await self._ask(client, "POST", "/v1/avatarchatbot", json=question.body())).json()
        if isinstance(told, str):  # OPEA's own gateway tells a path, and nothing else
            return Answer(told)
        timings = tuple((str(name), float(seconds)) for name, seconds in told["timings"].items())
        # the path alone: what the gateway calls itself may be no name for us, and the token is for nobody else
        path = urlsplit(told["video_url"] or told["video_path"]).path
        return Answer(path, str(told["transcript"]), str(told["text"]), timings)

    async def video(self, path: str, client: str = "") -> bytes:
        """A video by its path."""
        try:
            return (await self._ask(client, "GET", path)).content
        except _Missing:
            raise GatewayRefused(f"the gateway keeps its video at {path} and gives it to nobody") from None

    async def may_frame(self, origin: str) -> bool:
        """Whether the gateway lets a page of this origin show its live page in a frame."""
        if self.is_here:
            return True
        try:
            policy = (await self._ask("", "GET", "/")).headers.get("content-security-policy", "")
        except GatewayRefused:
            return False
        parts = [each.split() for each in policy.split(";")]
        return any(part[:1] == ["frame-ancestors"] and origin in part for part in parts)

    async def _ask(self, client: str, method: str, path: str, **more: Any) -> httpx.Response:
        import httpx  # here, so that a server takes no memory for it before somebody comes

        task = asyncio.current_task()
        assert task is not None
        async with self._client(client) as http:
            self._asking.add(task)
            try:
                response = await http.request(method, path, **more)
            except httpx.TimeoutException:
                raise GatewayRefused("the gateway took too long to answer: try again") from None
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise GatewayRefused(
                    f"the gateway at {self.url} cannot be reached: {error or 'is it running?'}"
                ) from None
            finally:
                self._asking.discard(task)
        if response.status_code in (404, 405):
            raise _Missing(_sentence(response))
        if response.is_error:
            raise GatewayRefused(_sentence(response))
        return response

    @asynccontextmanager
    async def _client(self, client: str) -> AsyncIterator[httpx.AsyncClient]:
        import httpx

        headers = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        transport = None
        if self.app is not None:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(client or "127.0.0.1", 0))
        timeout = httpx.Timeout(_ANSWERING, connect=_CONNECTING)
        async with httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=timeout, transport=transport, trust_env=not self._is_near
        ) as http:
            yield http


class _Missing(GatewayRefused):
    """There is nothing at that path."""


def _sentence(response: httpx.Response) -> str:
    """What is wrong, in the gateway's own words, as a sentence."""
    try:
        told = response.json()
        words = told["error"]["message"] if "error" in told else told["detail"]
    except (ValueError, KeyError, TypeError):
        words = f"the gateway answered with {response.status_code}"
    return words if isinstance(words, str) else f"the gateway answered with {response.status_code}"
