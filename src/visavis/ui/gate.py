"""What of Gradio is reached from outside: what its page needs, and nothing that reads other files or other hosts.

Gradio's server can fetch addresses for its clients, run functions by their names, and keep what was done. None of that
is needed here, so none of it answers.
"""

from __future__ import annotations

import asyncio
import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import quote, unquote

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ICON = Path(__file__).parents[1] / "web" / "icon.svg"
_API = "/gradio_api"
_FILE = f"{_API}/file="
_LOOKS = re.compile(
    rf"/|/config|/theme\.css|/(assets|static|svelte)/.+"
    rf"|{_API}/(heartbeat/\w+|queue/data|upload_progress|startup-events|app_id|theme\.css|file=.+)"
)
_ASKS = re.compile(rf"{_API}/(queue/join|upload|cancel|reset)/?")
_JOIN = f"{_API}/queue/join"
_STREAM = re.compile(rf"{_API}/(heartbeat/\w+|queue/data|upload_progress)")
_LONGEST = 1 << 20
"""Bytes of a request to do something; files come another way."""


class Gate:
    """ASGI middleware around Gradio's app, whose files are in `folder`. `nonce`: its name in the scope."""

    def __init__(self, app: ASGIApp, folder: Path, nonce: str) -> None:
        self._app, self._folder, self._nonce = app, folder.resolve(), nonce
        self.ended = asyncio.Event()
        """When it is set, streams end, which no browser would end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is for the page."""
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        looks = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        asks = scope["type"] == "http" and scope["method"] == "POST"
        allowed = (looks and _LOOKS.fullmatch(path)) or (asks and _ASKS.fullmatch(path))
        if not allowed or (path.startswith(_FILE) and not self._ours(path.removeprefix(_FILE))):
            await _refused(404, "there is nothing here")(scope, receive, send)
        elif path == "/":
            await self._page(scope, receive, send)
        elif path.startswith(_JOIN):
            await self._join(scope, receive, send)
        elif _STREAM.fullmatch(path):
            await self._stream(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _ours(self, name: str) -> bool:
        try:
            return Path(unquote(name)).resolve().is_relative_to(self._folder)
        except (OSError, ValueError):
            return False

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The page, with its own scripts marked as such."""
        headers = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        start: Message = {}
        body = bytearray()

        async def held(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            marked = _marked(bytes(body), str(scope.get(self._nonce, "")))
            told = MutableHeaders(scope=start)
            if "content-length" in told and body:
                told["content-length"] = str(len(marked))
            told["cache-control"] = "no-store"
            await send(start)
            await send({**message, "body": marked})

        # what an address can ask for besides (a state that somebody stored) is not for here
        await self._app({**scope, "headers": headers, "query_string": b""}, receive, held)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What is told until the browser goes, or the server."""
        open_ = False

        async def heard() -> Message:
            waits = [asyncio.ensure_future(each) for each in (receive(), self.ended.wait())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                message = waits[0].result() if waits[0].done() else {"type": "http.disconnect"}
            finally:
                for each in waits:
                    each.cancel()
            assert isinstance(message, dict)
            return message

        async def told(message: Message) -> None:
            nonlocal open_
            open_ = message["type"] == "http.response.start" or message.get("more_body", False)
            await send(message)

        await self._app(scope, heard, told)
        if open_:
            await send({"type": "http.response.body", "body": b""})

    async def _join(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Something to do: its files must be here, not at an address that this server would fetch."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > _LONGEST:
                await _refused(413, "the question is too long")(scope, receive, send)
                return
        try:
            asked = json.loads(bytes(body))
        except ValueError:
            asked = None
        if asked is None or not self._is_local(asked):
            await _refused(422, "this is no question of our page")(scope, receive, send)
            return
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, again, send)

    def _is_local(self, value: object) -> bool:
        if isinstance(value, list):
            return all(map(self._is_local, value))
        if not isinstance(value, dict):
            return True
        path = value.get("path")
        return (not isinstance(path, str) or self._ours(path)) and all(map(self._is_local, value.values()))


def _marked(page: bytes, nonce: str) -> bytes:
    # in place of a manifest, of which there is none: both would be looked for outside of our path
    page = re.sub(rb'<link rel="manifest"[^>]*>', f'<link rel="icon" href="{_icon()}">'.encode(), page)
    return page.replace(b"<script", f'<script nonce="{nonce}"'.encode())


@cache
def _icon() -> str:
    return f"data:image/svg+xml,{quote(_ICON.read_text('utf-8'))}"


def _refused(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"error": {"message": sentence}, "detail": sentence}, status)
