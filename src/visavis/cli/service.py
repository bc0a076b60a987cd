"""`visavis service`: one engine as one of OPEA's microservices."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from visavis.cli.app import app, examples, override
from visavis.cli.job import AnimatorOption, AvatarOption, Job, chosen_engines, introduce
from visavis.cli.serve import (
    AnimationUrlOption,
    AsrUrlOption,
    OpenOption,
    TtsUrlOption,
    has_services,
    server_settings,
    wire,
)
from visavis.errors import BadConfiguration, EngineUnavailable


@app.command(
    epilog=examples(
        "visavis service whisper",
        "visavis service llm --llm-url http://localhost:8080/v1",
        "visavis service animation -a me.jpg",
        "visavis service tts --host 0.0.0.0 --opea-open",
    ),
)
def service(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="asr, whisper, llm, tgi, tts, speecht5, animation or wav2lip.")
    ],
    host: Annotated[
        str | None, typer.Option("--host", help="The address to be reached at; 0.0.0.0: any.  [default: 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port",
            help="0: any that is free.  [default: OPEA's: asr 9099, whisper 7066, llm 9000, tgi 3006, tts 9088,"
            " speecht5 7055, animation 9066, wav2lip 7860]",
        ),
    ] = None,
    opea_open: OpenOption = False,
    language: Annotated[str | None, typer.Option("--language", help="As in en or de.  [default: en]")] = None,
    avatar: AvatarOption = None,
    voice: Annotated[str | None, typer.Option("--voice", help="Of tts and speecht5.")] = None,
    asr: Annotated[str | None, typer.Option("--asr", help="The recogniser's engine.  [default: auto]")] = None,
    asr_url: AsrUrlOption = None,
    llm: Annotated[str | None, typer.Option("--llm", help="The language model's engine.  [default: auto]")] = None,
    llm_url: Annotated[str | None, typer.Option("--llm-url", help="An OpenAI-compatible server instead.")] = None,
    tts: Annotated[str | None, typer.Option("--tts", help="The voice's engine.  [default: auto]")] = None,
    tts_url: TtsUrlOption = None,
    animator: AnimatorOption = None,
    animation_url: AnimationUrlOption = None,
    sessions: Annotated[
        int | None, typer.Option("--sessions", help="Requests at once; others wait.  [default: two for each core]")
    ] = None,
) -> None:
    """Serve one engine as one of OPEA's microservices.

    It answers in both of their wire formats, v1.1 and later, and in OpenAI's. OPEA's variables ASR_ENDPOINT,
    TGI_LLM_ENDPOINT (or LLM_ENDPOINT), TTS_ENDPOINT and WAV2LIP_ENDPOINT name a backend that does its work;
    INFERENCE_MODE (wav2lip_only or wav2lip+gfpgan) names the animator of animation and wav2lip. With ENABLE_MCP=true,
    asr and tts are tools of the Model Context Protocol instead, at /sse.
    """
    if not has_services():
        raise EngineUnavailable("services need two small libraries more: pip install 'visavis[services]'")
    from visavis.serving.service import KINDS, is_tool
    from visavis.serving.wiring import backend

    if name not in KINDS:
        raise BadConfiguration(f"there is no service '{name}': there are {', '.join(KINDS)}")
    is_tool(KINDS[name])  # what it lacks is said before anything is loaded
    override(
        host=host,
        avatar=avatar,
        language=language,
        voice=voice,
        asr=asr,
        asr_url=asr_url,
        llm=llm,
        llm_url=llm_url,
        tts=tts,
        tts_url=tts_url,
        animation=animator,
        animation_url=animation_url,
        sessions=sessions,
    )
    wire(backend(name, os.environ))
    asyncio.run(_serve(name, KINDS[name].port if port is None else port, opea_open))


async def _serve(name: str, port: int, opea_open: bool) -> None:
    from visavis.gateway.address import listening, page_address
    from visavis.gateway.server import Server, server_config
    from visavis.serving.service import KINDS, create_service, is_tool, used_slots

    settings = server_settings(opea_open)
    with listening(settings.host, port) as line:
        slots = used_slots(KINDS[name], settings)
        introduce(Job(Path(), None, False), settings, chosen_engines(slots, settings))
        address = page_address(settings, line.getsockname()[1])
        service = create_service(name, settings, open_to_all=opea_open)
        place = "MCP at /sse; " if is_tool(KINDS[name]) else ""
        announce = lambda: typer.echo(f"{name}: {address}  ({place}Ctrl-C ends it)")  # noqa: E731
        # loaded here and not by uvicorn, which would print a stack trace where an engine cannot be
        async with service.router.lifespan_context(service):
            await Server(server_config(service, lifespan="off"), announce).serve(sockets=[line])
    typer.echo("stopped")
