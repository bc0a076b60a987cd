"""`visavis serve`: the server, and the page on which one talks with the avatar."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import secrets
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli.app import app, examples, override
from visavis.cli.better import tell_better
from visavis.cli.job import (
    AnimatorOption,
    AvatarOption,
    EmotionOption,
    Job,
    chosen_engines,
    find_avatar,
    introduce,
    with_voice,
)
from visavis.errors import EngineUnavailable

if TYPE_CHECKING:
    from visavis.engines.protocols import EngineInfo, Slot
    from visavis.gateway.tls import Certificate
    from visavis.settings import Settings

OpenOption = Annotated[
    bool, typer.Option("--opea-open", help="As open as OPEA's own: any client, no token. On private networks only.")
]
AsrUrlOption = Annotated[str | None, typer.Option("--asr-url", help="An OpenAI-compatible or OPEA recogniser instead.")]
TtsUrlOption = Annotated[str | None, typer.Option("--tts-url", help="An OpenAI-compatible or OPEA voice instead.")]
AnimationUrlOption = Annotated[
    str | None, typer.Option("--animation-url", help="OPEA's animation service, which makes the videos.")
]
_MIND_AND_FACE: tuple[Slot, ...] = ("llm", "tts", "articulation", "animation")
_EARS: tuple[Slot, ...] = ("vad", "asr")
_SWITCH = 0.001
"""Seconds that a thread may keep the interpreter while the event loop waits for it; Python's own 5 ms are heard."""


@app.command(
    epilog=examples(
        "visavis serve",
        "visavis serve -a me.jpg --voice slt",
        "visavis serve --host 0.0.0.0 --tls --no-open",
    ),
)
def serve(
    avatar: AvatarOption = None,
    voice: Annotated[str | None, typer.Option("--voice", help="A voice; the avatar's own otherwise.")] = None,
    host: Annotated[
        str | None, typer.Option("--host", help="The address to be reached at; 0.0.0.0: any.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="0: any that is free.  [default: 8888]")] = None,
    tls: Annotated[
        bool | None, typer.Option("--tls/--no-tls", help="https, with a self-signed certificate.  [default: no-tls]")
    ] = None,
    sessions: Annotated[
        int | None,
        typer.Option("--sessions", help="Conversations at once.  [default: two for each core, one of them by WebRTC]"),
    ] = None,
    idle_timeout: Annotated[
        float | None, typer.Option("--idle-timeout", help="Seconds until a silent one ends.  [default: never]")
    ] = None,
    open_: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    language: Annotated[str | None, typer.Option("--language", help="As in en or de.  [default: en]")] = None,
    llm: Annotated[str | None, typer.Option("--llm", help="The language model's engine.  [default: auto]")] = None,
    llm_url: Annotated[str | None, typer.Option("--llm-url", help="An OpenAI-compatible server instead.")] = None,
    tts: Annotated[str | None, typer.Option("--tts", help="The voice's engine.  [default: auto]")] = None,
    asr_url: AsrUrlOption = None,
    tts_url: TtsUrlOption = None,
    animator: AnimatorOption = None,
    animation_url: AnimationUrlOption = None,
    emotion: EmotionOption = None,
    opea_open: OpenOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Do not tell of better engines.")] = False,
) -> None:
    """Talk with the avatar in the browser: the page and its server.

    OPEA's variables for its megaservice (ASR_SERVICE_HOST_IP, LLM_SERVER_PORT …) name services that do parts of it.
    """
    from visavis.serving.wiring import megaservice

    override(avatar=avatar, voice=voice, language=language, llm=llm, llm_url=llm_url, tts=tts, emotion=emotion)
    override(asr_url=asr_url, tts_url=tts_url, animation=animator, animation_url=animation_url)
    override(host=host, port=port, tls=tls, sessions=sessions, idle_timeout=idle_timeout)
    wire(megaservice(os.environ))
    asyncio.run(run(open_, opea_open, quiet=quiet))


async def run(open_page: bool, opea_open: bool, path: str = "/", *, quiet: bool = False) -> None:
    """Serve the gateway until somebody ends it; the page at `path` is told and opened.

    What one command would improve is told, too, unless it is `quiet`.
    """
    from visavis.engines.loading import check_voice
    from visavis.gateway.address import listening, page_address
    from visavis.gateway.app import create_app
    from visavis.gateway.live import open_live
    from visavis.gateway.security import FRONT, NONCE, Doors
    from visavis.gateway.server import Server, server_config

    settings = server_settings(opea_open)
    logging.getLogger("visavis.turns").setLevel(logging.INFO)  # a line for each turn: a server's log is for that
    with listening(settings.host, settings.port) as line:
        certificate = make_certificate(settings) if settings.tls else None
        if settings.voice is not None:
            check_voice(settings.voice, settings)
        chosen = _chosen(settings)
        avatar = await find_avatar(settings.avatar, settings)  # what is wrong with it is said now; the page keeps it
        settings = that_has(with_voice(avatar, settings).voice, settings)
        chosen |= chosen_engines(["tts"], settings)
        introduce(Job(Path(), None, False), settings, chosen)
        if not quiet:
            tell_better(chosen, settings)
        address = page_address(settings, line.getsockname()[1], path)

        def announce() -> None:
            announce_page(settings, address, certificate)
            if open_page:
                show(address)

        ending: Callable[[], None] = lambda: None  # noqa: E731
        async with open_live(settings) as live, AsyncExitStack() as stack:
            doors = Doors.of(settings, open_to_all=opea_open)
            page = create_app(settings, open=lambda _: nullcontext(live), doors=doors)
            if has_services():
                from visavis.serving.megaservice import joined

                await stack.enter_async_context(joined(page, live.settings, live.pool, live.hears))
                if has_ui():
                    from visavis.ui.client import Gateway
                    from visavis.ui.mount import mounted

                    gateway = Gateway(f"http://localhost:{line.getsockname()[1]}", doors.token, page)
                    ending = await stack.enter_async_context(mounted(page, gateway, FRONT, NONCE, settings.max_upload))
            await Server(server_config(page, certificate), announce, ending).serve(sockets=[line])
    typer.echo("stopped")


def that_has(voice: str | None, settings: Settings) -> Settings:
    """The settings with the synthesizer that has a voice: every avatar is free to speak with another one of it."""
    from visavis.engines.registry import choose

    if voice is None or settings.tts != "auto":
        return settings
    has_it = choose("tts", settings.model_copy(update={"voice": voice})).info.name
    return settings if has_it == choose("tts", settings).info.name else settings.model_copy(update={"tts": has_it})


def wire(found: Mapping[str, str]) -> None:
    """Use the services that OPEA's variables name, where the settings do not name others."""
    from visavis.settings import OPEA, assign, load_settings

    settings = load_settings()
    for name, value in found.items():
        if name == "animation" and settings.animation_url:
            continue  # it is for the service that makes the videos, which knows its mode itself
        if name not in settings.model_fields_set:
            assign(name, value, OPEA)


def server_settings(opea_open: bool) -> Settings:
    """The settings of a server, whose process is made ready to be one."""
    from visavis.settings import load_settings

    sys.setswitchinterval(_SWITCH)
    settings = load_settings()
    return settings if opea_open else _with_token(settings)


def _with_token(settings: Settings) -> Settings:
    """The settings with a token, where others can reach the server."""
    from pydantic import SecretStr

    from visavis.gateway.security import is_loopback

    if settings.token is not None or is_loopback(settings.host):
        return settings
    return settings.model_copy(update={"token": SecretStr(secrets.token_urlsafe(24))})


def has_services() -> bool:
    """Whether the libraries of OPEA's services are installed, which are an extra."""
    return all(map(importlib.util.find_spec, ("prometheus_fastapi_instrumentator", "python_multipart")))


def has_ui() -> bool:
    """Whether Gradio is installed, which is an extra, too; this does not import it."""
    return importlib.util.find_spec("gradio") is not None


def show(address: str) -> None:
    """Open a page in a browser, where one can be seen."""
    if _has_display():
        # beside everything: some browsers return only when they are closed
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def make_certificate(settings: Settings) -> Certificate:
    """A self-signed one, for every name of this machine."""
    from visavis.gateway.security import is_any, is_loopback, machine_names

    if importlib.util.find_spec("cryptography") is None:
        raise EngineUnavailable("a certificate cannot be made here: pip install 'visavis[webrtc]'")
    from visavis.gateway.tls import self_signed

    names = set(machine_names()) | set(settings.allowed_hosts)
    if not is_any(settings.host) and not is_loopback(settings.host):
        names.add(settings.host.strip("[]"))
    return self_signed(_certificate_folder(settings), names)


def _certificate_folder(settings: Settings) -> Path:
    return settings.data_dir / "tls"


def _chosen(settings: Settings) -> dict[Slot, EngineInfo]:
    """The engines to use. Without ears the talk goes on: questions are typed then."""
    ears: dict[Slot, EngineInfo] = {}
    try:
        ears = chosen_engines(_EARS, settings)
    except EngineUnavailable as error:
        if settings.vad != "auto" or settings.asr != "auto":
            raise
        typer.echo(f"note: it cannot hear, questions are typed: {error}", err=True)
    return ears | chosen_engines(_MIND_AND_FACE, settings)


def announce_page(settings: Settings, address: str, certificate: Certificate | None) -> None:
    """Say where the page is, and what to know of it."""
    from visavis.gateway.security import is_loopback

    typer.echo(f"talk:   {address}  (Ctrl-C ends it)")
    if certificate is not None:
        typer.echo(
            f"note: the browser will warn of the certificate, once; its SHA-256 is {certificate.fingerprint}", err=True
        )
    elif not is_loopback(settings.host):
        typer.echo("note: on other machines browsers open the microphone only over https: add --tls", err=True)
        typer.echo("      (its certificate is self-signed, so a browser warns once); typing works without", err=True)


def _has_display() -> bool:
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
