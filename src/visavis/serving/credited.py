"""Whose work an answer is, in a header of every response that engines had a part in: OPEA's bodies have no room."""

from __future__ import annotations

from collections.abc import Collection
from contextvars import ContextVar

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from visavis.engines.loading import Engines
from visavis.engines.protocols import Slot
from visavis.engines.used import Used, used

HEADER = "X-Visavis-Engines"
_taking_part: ContextVar[dict[Slot, Used] | None] = ContextVar("engines of a request", default=None)


def tell_engines(engines: Engines, slots: Collection[Slot]) -> None:
    """These engines have a part in the response to the request that is answered here, if one is."""
    if (known := _taking_part.get()) is not None:
        known |= {each.slot: each for each in used(engines, slots)}


class Credited:
    """ASGI middleware: the header, as in `asr=whisper-small (MIT); llm=qwen3-0.6b (MIT AND Apache-2.0)`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        noted: dict[Slot, Used] = {}

        async def credited(message: Message) -> None:
            if message["type"] == "http.response.start" and noted and message["status"] < 400:
                MutableHeaders(scope=message)[HEADER] = _told(noted)
            await send(message)

        token = _taking_part.set(noted)
        try:
            await self._app(scope, receive, credited)
        finally:
            _taking_part.reset(token)


def _told(noted: dict[Slot, Used]) -> str:
    """What headers can hold: a model's name may have any letters."""
    text = "; ".join(f"{slot}={each.model or each.name} ({each.licence})" for slot, each in noted.items())
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)
