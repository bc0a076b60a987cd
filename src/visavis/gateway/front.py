"""A server that only has the Gradio page: the conversations are another gateway's."""

from __future__ import annotations

from dataclasses import replace

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from visavis import __version__
from visavis.gateway.limits import Limited, Limits
from visavis.gateway.security import FRONT, Doors, guard


def create_front(doors: Doors, gateway: str) -> FastAPI:
    """The server as an ASGI app, which the page is yet to be mounted in; `gateway`: the origin whose live page it may
    show."""
    app = FastAPI(title="Visavis", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.add_middleware(Limited, limits=Limits())
    guard(app, replace(doors, frames=(gateway,)))
    app.add_api_route("/", _within, methods=["GET", "HEAD"])
    app.add_api_route("/health", _health, methods=["GET", "HEAD"])
    return app


async def _within(request: Request) -> Response:
    return RedirectResponse(f"{FRONT}/", 307)


async def _health() -> Response:
    return JSONResponse({"ready": True, "version": __version__})
