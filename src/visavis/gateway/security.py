"""Who may come in: the names that the server answers to, the pages that may talk to it, and who has the token.

A page of another site can make a browser send requests here, and a name of its own can be made to point here. So the
`Host` of every request must be one of ours (DNS rebinding), and whatever is more than looking (every WebSocket, every
method but GET and HEAD) must come from our own page (CSRF, socket hijack) or from a program, which sends no `Origin`.
Beyond this machine everybody needs the token besides. Nothing here ever sends a CORS header, but for the doors that
`--opea-open` opens, which let any page in.

No other site may show our pages in a frame; our own may show the live page, and so may those in `allowed_origins`.
"""

from __future__ import annotations

import hashlib
import html
import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import ifaddr
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from visavis.errors import BadConfiguration
from visavis.settings import Settings

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_OPEN_PATHS = frozenset({"/health"})  # for whoever watches the machine
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_PERMISSIONS = "microphone=(self{frames}), camera=(), geolocation=()"
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'{sockets}; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)
FRONT = "/ui"
"""Where the Gradio page is mounted, which has a policy of its own."""
NONCE = "visavis.nonce"
"""In the scope of a request for it: what marks the scripts inside the page as its own."""
_FRONT_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' blob: data:; media-src 'self' blob: data:; font-src 'self' data:; connect-src 'self' blob: data:; "
    "worker-src 'self' blob:; frame-src 'self'{frames}; object-src 'none'; base-uri 'self'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def is_loopback(host: str) -> bool:
    """Whether a server bound to `host` is reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_any(host: str) -> bool:
    """Whether a server bound to `host` is reached at every address of this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def machine_names() -> frozenset[str]:
    """The names and addresses that other machines may know this one by."""
    name = socket.gethostname().lower()
    names = {name, name.split(".")[0] + ".local"} if name else set()
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            names.add(_normal(ip.ip if isinstance(ip.ip, str) else ip.ip[0]))
    return frozenset(names) | _LOOPBACK


@dataclass(frozen=True, slots=True)
class Doors:
    """What is let in."""

    hosts: frozenset[str]
    """Names and addresses, normal (`_normal`)."""
    origins: frozenset[str]
    """Foreign pages that may talk to the server, as scheme://name:port."""
    token: str | None
    """What everybody has to bring; None: nothing."""
    are_open: bool = False
    """Whether they are no doors at all: any name, any page."""
    frames: tuple[str, ...] = ()
    """Origins of another server, whose live page the Gradio page may show in a frame."""

    @classmethod
    def of(cls, settings: Settings, *, open_to_all: bool = False) -> Doors:
        """Those of a server with these settings. Raises `BadConfiguration` for an open one without a token.

        `open_to_all`: as OPEA's, for a private network. A token that is set is asked for all the same.
        """
        if open_to_all:
            token = None if settings.token is None else settings.token.get_secret_value()
            return cls(frozenset(), frozenset(), token, are_open=True)
        local = is_loopback(settings.host)
        if not local and settings.token is None:
            raise BadConfiguration(f"a server at {settings.host} can be reached by others: it needs a token")
        hosts = {_normal(each) for each in settings.allowed_hosts}
        hosts |= _LOOPBACK if local else machine_names()
        if not is_any(settings.host):
            hosts.add(_normal(settings.host))
        origins = frozenset(filter(None, (_origin(each) for each in settings.allowed_origins)))
        token = None if settings.token is None else settings.token.get_secret_value()
        return cls(frozenset(hosts), origins, token)


class Security:
    """ASGI middleware that asks everybody at the door, and tells browsers what our page may do."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._doors = doors
        self._digest = None if doors.token is None else _digest(doors.token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer what is refused; pass on the rest."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = self._foreign(scope, headers) or self._without_token(scope, headers) or self._app
        hosts = headers.getlist("host")
        policies = self._policies(scope, hosts[0] if hosts and answer is self._app else "")

        async def guarded(message: Message) -> None:
            if message["type"].endswith("http.response.start"):
                told = MutableHeaders(scope=message)
                for name, value in (_FIXED | policies).items():
                    told[name] = value
            await send(message)

        await answer(scope, receive, guarded)

    def _policies(self, scope: Scope, host: str) -> dict[str, str]:
        """What browsers are told of a page from `host`: what it may do, and who may show it in a frame."""
        if scope["path"] == FRONT or scope["path"].startswith(f"{FRONT}/"):
            scope[NONCE] = nonce = secrets.token_urlsafe(16)
            frames = "".join(f" {origin}" for origin in self._doors.frames)
            quoted = "".join(f' "{origin}"' for origin in self._doors.frames)
            return {
                "Content-Security-Policy": _FRONT_POLICY.format(nonce=nonce, frames=frames),
                "Permissions-Policy": _PERMISSIONS.format(frames=quoted),
                "X-Frame-Options": "DENY",
            }
        live = scope["path"] == "/"
        ancestors = " ".join(["'self'", *sorted(self._doors.origins)]) if live else "'none'"
        told = {
            "Content-Security-Policy": _policy(host, ancestors),
            "Permissions-Policy": _PERMISSIONS.format(frames=""),
        }
        if not live or not self._doors.origins:  # this older header has no words for other origins
            told["X-Frame-Options"] = "SAMEORIGIN" if live else "DENY"
        return told

    def _foreign(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to whoever calls the server by a wrong name, or talks to it from a wrong page."""
        if self._doors.are_open:
            return None
        hosts = headers.getlist("host")
        host = _split(hosts[0]) if len(hosts) == 1 else None
        if host is None:
            return _refused(headers, 400, "A request names the host that it is for, once.")
        if host[0] not in self._doors.hosts:
            remedy = f"visavis --set allowed_hosts={host[0]} serve"
            return _refused(headers, 403, f"This server is not known as '{host[0]}'; if it should be, start: {remedy}")
        if scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            return None
        scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
        origins = headers.getlist("origin")
        if not origins and headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
            return None
        origin = _origin(origins[0]) if len(origins) == 1 else None
        if origin is not None and (origin == _origin(f"{scheme}://{hosts[0]}") or origin in self._doors.origins):
            return None
        return _refused(headers, 403, "Only the server's own page may do this (or one in the setting allowed_origins).")

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to whoever comes without the token, or brings it in the address."""
        if self._digest is None or scope["path"] in _OPEN_PATHS:
            return None
        cookie = f"visavis-{(scope.get('server') or ('', 0))[1]}"  # cookies do not tell ports apart
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        looks = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if looks and (given := [value for name, value in query if name == "token"]):
            if _same(_digest(given[0]), self._digest):
                return self._let_in(scope, headers, cookie, [pair for pair in query if pair[0] != "token"])
        else:
            scheme, _, bearer = headers.get("authorization", "").partition(" ")
            if scheme.lower() == "bearer" and _same(_digest(bearer.strip()), self._digest):
                return None
            if _same(cookie_parser(headers.get("cookie", "")).get(cookie, ""), self._digest):
                return None
        person = "text/html" in headers.get("accept", "")
        remedy = "" if person else " A program brings the token that is in it: Authorization: Bearer TOKEN."
        refused = _refused(
            headers, 401, "Open the whole address that the server printed when it started: it has the key." + remedy
        )
        refused.headers["WWW-Authenticate"] = "Bearer"
        return refused

    def _let_in(self, scope: Scope, headers: Headers, cookie: str, query: list[tuple[str, str]]) -> Response:
        """Keep the token in a cookie and go on at the address without it."""
        place = "/" + quote(scope["path"].lstrip("/\\")) + ("?" + urlencode(query) if query else "")
        response: Response
        person = "text/html" in headers.get("accept", "")
        if headers.get("sec-fetch-site") in ("none", "same-origin") or not person:
            response = RedirectResponse(place, 303)
        else:  # perhaps from another site's link: a redirect would come without the cookie, a page's own step does not
            response = HTMLResponse(f'<!doctype html><meta http-equiv="refresh" content="0; url={html.escape(place)}">')
        assert self._digest is not None
        response.set_cookie(
            cookie, self._digest, httponly=True, samesite="strict", secure=scope["scheme"] in ("https", "wss")
        )
        response.headers["Cache-Control"] = "no-store"
        return response


def _refused(headers: Headers, status: int, sentence: str) -> Response:
    if "text/html" in headers.get("accept", ""):
        return HTMLResponse(
            f'<!doctype html><html lang="en"><title>Visavis</title><p>{html.escape(sentence)}</p></html>', status
        )
    return JSONResponse({"error": {"message": sentence}}, status)


def _policy(host: str, ancestors: str) -> str:
    """The content security policy of a page from `host`; a policy has no words for IPv6 addresses."""
    sockets = f" ws://{host} wss://{host}" if host and "[" not in host else ""
    return _POLICY.format(sockets=sockets, ancestors=ancestors)


def _digest(token: str) -> str:
    """What is compared and kept in cookies: as long for every token, and of plain letters."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _same(given: str, digest: str) -> bool:
    """Whether they are, found in the same time wherever they differ."""
    return secrets.compare_digest(given.encode(), digest.encode())


def _split(host: str) -> tuple[str, int | None] | None:
    """The normal name and the port of a Host header; None for what is none."""
    if (match := _HOST.fullmatch(host)) is None:
        return None
    return _normal(match["name"]), int(match["port"]) if match["port"] else None


def _normal(name: str) -> str:
    name = name.lower().removesuffix(".")
    try:
        return ipaddress.ip_address(name.strip("[]").partition("%")[0]).compressed
    except ValueError:
        return name


def _origin(text: str) -> str | None:
    """An origin as scheme://name:port, whatever way it was written; None for what is none ('null', too)."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    split = _split(parts.netloc)
    if parts.scheme not in _DEFAULT_PORTS or split is None or parts.path or parts.query or parts.fragment:
        return None
    name, port = split
    return f"{parts.scheme}://{name}:{port or _DEFAULT_PORTS[parts.scheme]}"


def guard(app: FastAPI, doors: Doors) -> None:
    """Ask everybody at the doors, before any middleware that was added until now."""
    app.add_middleware(Security, doors=doors)
    if doors.are_open:
        app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
