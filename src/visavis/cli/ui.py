"""`visavis ui`: the Gradio page, with a gateway of its own or before one that runs already."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated
from urllib.parse import urlsplit

import typer

from visavis.cli import serve
from visavis.cli.app import app, examples, override
from visavis.cli.job import AvatarOption
from visavis.errors import BadConfiguration, EngineUnavailable
from visavis.serving.wiring import megaservice

_PORT = 7861
"""OPEA's page is there."""


@app.command(
    epilog=examples(
        "visavis ui",
        "visavis ui -a me.jpg",
        "visavis ui --url http://localhost:8888",
        "visavis ui --url https://talk.example.org --token TOKEN --host 0.0.0.0",
    ),
)
def ui(
    url: Annotated[
        str | None, typer.Option("--url", help="A gateway that runs already.  [default: one is started]")
    ] = None,
    token: Annotated[str | None, typer.Option("--token", help="That gateway's token.")] = None,
    avatar: AvatarOption = None,
    host: Annotated[
        str | None, typer.Option("--host", help="The address to be reached at; 0.0.0.0: any.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help=f"0: any that is free.  [default: {_PORT}]")] = None,
    tls: Annotated[
        bool | None, typer.Option("--tls/--no-tls", help="https, with a self-signed certificate.  [default: no-tls]")
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
) -> None:
    """Ask a face on a Gradio page: questions in, videos out.

    Pictures and videos of your own, voices, the transcript, and the live talk beside. `visavis serve` has it, too,
    under /ui.
    """
    if not serve.has_ui():
        raise EngineUnavailable("this page is made with Gradio, some 220 MB: pip install 'visavis[ui]'")
    if port is None and "VISAVIS_PORT" not in os.environ:
        port = _PORT
    override(host=host, port=port, tls=tls)
    if url is None:
        if token is not None:
            raise BadConfiguration("--token is for the gateway of --url: give both, or set this server's own token")
        if not serve.has_services():
            raise EngineUnavailable("the gateway lacks two small libraries: pip install 'visavis[services]'")
        override(avatar=avatar)
        serve.wire({name: value for name, value in megaservice(os.environ).items() if name != "port"})
        asyncio.run(serve.run(open_, False, "/ui/"))
    elif avatar is not None:
        raise BadConfiguration("the avatars are those of --url: start that gateway with --avatar")
    else:
        asyncio.run(_before(_checked(url), token, open_))


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  # raises for what is none
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadConfiguration(f"--url cannot be '{url}': it takes a gateway's address, as in http://localhost:8888")
    return url.rstrip("/")


async def _before(url: str, token: str | None, open_page: bool) -> None:
    """Serve the page alone, as a client of the gateway at `url`."""
    from visavis.gateway.address import listening, page_address
    from visavis.gateway.front import create_front
    from visavis.gateway.security import FRONT, NONCE, Doors
    from visavis.gateway.server import Server, server_config
    from visavis.ui.client import Gateway, GatewayRefused
    from visavis.ui.mount import mounted

    settings = serve.server_settings(False)
    gateway = Gateway(url, token)

    with listening(settings.host, settings.port) as line:
        certificate = serve.make_certificate(settings) if settings.tls else None
        parts = urlsplit(url)
        front = create_front(Doors.of(settings), f"{parts.scheme}://{parts.netloc}")
        address = page_address(settings, line.getsockname()[1], f"{FRONT}/")
        try:
            await gateway.choices()
        except GatewayRefused as refused:
            typer.echo(f"note: {refused}", err=True)  # it may be started later

        def announce() -> None:
            serve.announce_page(settings, address, certificate)
            if open_page:
                serve.show(address)

        async with mounted(front, gateway, FRONT, NONCE, settings.max_upload) as ending:
            await Server(server_config(front, certificate), announce, ending).serve(sockets=[line])
    typer.echo("stopped")
