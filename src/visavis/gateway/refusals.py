"""What is wrong with a request, as JSON with a status: in FastAPI's words (`detail`) and in OpenAI's (`error`)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from visavis.errors import BadInput, EngineFailed, Overloaded, TooLarge, VisavisError

_log = logging.getLogger(__name__)


def explain(app: FastAPI, *, bad_input: int) -> None:
    """Let the app answer every failure so; `bad_input` is the status of what cannot be used."""
    statuses: tuple[tuple[type[VisavisError], int], ...] = (
        (TooLarge, 413),
        (BadInput, bad_input),
        (Overloaded, 503),
        (EngineFailed, 502),
    )

    async def ours(request: Request, error: Exception) -> Response:
        status = next((status for kind, status in statuses if isinstance(error, kind)), 500)
        if status in (500, 502):
            _log.error("%s %s: %s", request.method, request.url.path, error)
        return refusal(status, str(error), headers={"Retry-After": "5"} if status == 503 else None)

    app.add_exception_handler(RequestValidationError, _body)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(VisavisError, ours)
    app.add_exception_handler(Exception, _bug)


def refusal(status: int, message: str, detail: object = None, headers: Mapping[str, str] | None = None) -> Response:
    """A failure's answer."""
    body = {
        "detail": message if detail is None else detail,
        "error": {"message": message, "type": "invalid_request_error" if status < 500 else "server_error"},
    }
    return JSONResponse(body, status, dict(headers or {}))


async def _body(request: Request, error: Exception) -> Response:
    """What is wrong with a body, without the body."""
    assert isinstance(error, RequestValidationError)
    found = [{key: each[key] for key in ("type", "loc", "msg")} for each in error.errors()]  # not what was sent
    return refusal(422, in_words(found), found)


def in_words(found: Sequence[Mapping[str, Any]]) -> str:
    """The first thing that is wrong with a body, of all that pydantic found."""
    # of a value that may be of several types, what is wrong with the type that it has
    first = next((each for each in found if not each["type"].endswith("_type")), found[0])
    if first["type"] == "json_invalid":
        return f"the body is no JSON, at character {first['loc'][-1]}"
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = "there is nothing here" if error.detail == "Not Found" else error.detail
    return refusal(error.status_code, message, headers=error.headers)


async def _bug(request: Request, error: Exception) -> Response:
    return refusal(500, "this is our mistake; the server's log has more")  # the server logs the error itself
