"""Requests as OPEA's clients send them: often without a content type, and of any length."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BY_HAND = frozenset({"/v1/asr", "/v1/tts", "/v1/wav2lip", "/v1/avatarchatbot", "/v1/audioqna", "/generate", "/"})
"""There OPEA's servers read JSON whatever it is called."""
_FORMS = frozenset({"/v1/audio/transcriptions"})
"""Elsewhere no form is expected: what says that it is one was sent by `curl -d`, which calls everything so."""


class Bodies:
    """ASGI middleware: JSON without its name gets it, and a body of more than `most` bytes is refused with 413."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kind = headers.get("content-type", "")
        by_curl = kind.startswith("application/x-www-form-urlencoded") and scope["path"] not in _FORMS
        if not kind or by_curl or scope["path"] in _BY_HAND:
            scope = {**scope, "headers": list(scope["headers"])}
            MutableHeaders(scope=scope)["content-type"] = "application/json"
        taken = 0
        refusal = f"the request is too long: at most {self._most:,} bytes are taken"

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise HTTPException(413, refusal)  # where the body is read, which answers it
            return message

        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._most:
            await JSONResponse({"detail": refusal, "error": {"message": refusal}}, 413)(scope, receive, send)
        else:
            await self._app(scope, counted, send)
