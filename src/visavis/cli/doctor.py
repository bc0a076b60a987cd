"""`visavis doctor`: what works here, what falls back and why, in plain words."""

from __future__ import annotations

import importlib.util
import json
import platform
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from visavis.cli.app import EXIT_ERROR, app, examples
from visavis.cli.finding import Finding
from visavis.cli.models import JsonOption

if TYPE_CHECKING:
    from visavis.engines.registry import Candidate
    from visavis.settings import Settings

_WHAT = {
    "vad": "noticing speech",
    "asr": "understanding speech",
    "llm": "thinking",
    "tts": "speaking",
    "articulation": "moving the lips",
    "animation": "drawing the face",
}


@app.command(
    epilog=examples(
        "visavis doctor", "visavis --set llm_url=http://localhost:11434/v1 doctor", "visavis doctor && visavis ask 'Hi'"
    )
)
def doctor(as_json: JsonOption = False) -> None:
    """What works here, what falls back, and why.

    Each with what to type to change it. A language model's server that is set (VISAVIS_LLM_URL) is asked for a word,
    and the model hub whether it can be reached (HF_ENDPOINT, HF_HUB_OFFLINE, proxies).
    The exit code is 0 where a question can be answered, if only with something that falls back, and 2 where something
    has to be mended first.
    """
    findings = examine()
    _print(findings, as_json)
    if any(finding.state == "fails" for finding in findings):
        raise typer.Exit(EXIT_ERROR)


def _print(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
        return
    sign = {"works": "✓", "falls back": "~", "fails": "✗"}
    for finding in findings:
        typer.echo(f"{sign[finding.state]} {finding.subject}: {finding.detail}")
        if finding.remedy:
            typer.echo(f"    to change that: {finding.remedy}")
    broken = [finding for finding in findings if finding.state == "fails"]
    typer.echo(
        "everything needed is here" if not broken else f"not ready yet: {len(broken)} of {len(findings)} to mend"
    )


def examine() -> list[Finding]:
    """Every finding about this machine."""
    from visavis.cli.hub import hub_findings
    from visavis.settings import load_settings

    settings = load_settings()
    return [
        _python(),
        *_engines(settings),
        *_voice(settings),
        *_videos(settings),
        *_weights(),
        _output(),
        _page(),
        *hub_findings(settings),
    ]


def _page() -> Finding:
    if importlib.util.find_spec("aiortc") is None:
        detail = "by WebSocket only, and without --tls: aiortc is not installed"
        return Finding("the live page", "falls back", detail, "pip install 'visavis[webrtc]'")
    return Finding("the live page", "works", "by WebRTC and WebSocket")


def _python() -> Finding:
    version = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info[:2] == (3, 12):
        return Finding("python", "falls back", f"{version}: no wheel of PocketSphinx", "use Python 3.11 or 3.13")
    return Finding("python", "works", version)


def _engines(settings: Settings) -> list[Finding]:
    from visavis.engines.registry import candidates, choose
    from visavis.errors import VisavisError

    findings = []
    for slot, what in _WHAT.items():
        found = [c for c in candidates(slot) if c.info.rank >= 0]  # type: ignore[arg-type]  # the keys are the slots
        try:
            used = choose(slot, settings)  # type: ignore[arg-type]
        except VisavisError as error:
            found.sort(key=lambda c: c.info.name == "openai")  # a server is a choice, not a lack
            first = next((c.availability.remedy for c in found if c.availability.remedy), "")
            if slot in ("asr", "vad") and getattr(settings, slot) == "auto":
                findings.append(Finding(what, "falls back", f"{error} (typed questions still work)", first))
            else:
                findings.append(Finding(what, "fails", str(error), first))
            continue
        if used.info.name == "openai":
            findings.append(_server(slot, what, used, settings))
            continue
        if slot == "llm" and used.info.name == "llamacpp" and (fault := _unusable(settings)):
            findings.append(Finding(what, "fails", fault, "set VISAVIS_LLM_FILE to a GGUF chat model, or unset it"))
            continue
        detail = f"{used.info.name} ({used.info.summary})"
        better = [c for c in found if c.info.rank > used.info.rank and not c.availability.ready]
        better = [c for c in better if c.info.name != "openai"]  # a server is a choice, not a lack
        if better:
            lack = better[0].availability
            detail += f", because {better[0].info.name} cannot run: {lack.reason}"
            findings.append(Finding(what, "falls back", detail, lack.remedy))
        else:
            findings.append(Finding(what, "works", detail))
    return findings


def _server(slot: str, what: str, used: Candidate, settings: Settings) -> Finding:
    """Whether the server in an engine's place answers, found by asking it."""
    from visavis.cli.servers import fault_of

    url = getattr(settings, f"{slot}_url")
    if (fault := fault_of(slot, used, settings)) is not None:
        return Finding(what, "fails", *fault)
    return Finding(what, "works", f"{used.info.name} (the server at {url} answers)")


def _unusable(settings: Settings) -> str:
    """What is wrong with a model that is set, as far as its file's head tells; empty if nothing is."""
    from visavis.engines.llm.chosen import chosen
    from visavis.engines.llm.gguf import read_head

    if settings.llm_file is None:
        return ""
    file = chosen(settings).file
    try:
        read_head(file)
    except OSError as error:
        return f"cannot read the language model {file}: {error.strerror}"
    except ValueError:
        return f"{file} is not a GGUF file"
    return ""


def _voice(settings: Settings) -> list[Finding]:
    """Whether the voice of the settings is here."""
    from visavis.engines.loading import check_voice
    from visavis.errors import BadInput

    if settings.voice is None:
        return []
    try:
        voice = check_voice(settings.voice, settings)
    except BadInput as error:
        return [Finding("the voice", "fails", str(error), "choose one of `visavis models voices`, or unset it")]
    return [Finding("the voice", "works", voice)]


def _videos(settings: Settings) -> list[Finding]:
    """Whether the service answers that makes the videos, if one is named."""
    from visavis.cli.servers import fault_of_videos

    if not settings.animation_url:
        return []
    if (fault := fault_of_videos(settings.animation_url)) is not None:
        return [Finding("the videos", "fails", *fault)]
    return [Finding("the videos", "works", f"made by the service at {settings.animation_url}")]


def _weights() -> list[Finding]:
    from visavis import weights

    missing = weights.missing()
    if missing:
        size = sum(weights.find(name).bytes for name in missing) / 1e6
        faults = ", ".join(f"{name} ({weights.fault(name)})" for name in missing)
        when = f"{size:.0f} MB to fetch, which the first question that needs them does"
        return [Finding("data files", "falls back", f"{faults}; {when}", "visavis models pull")]
    return [Finding("data files", "works", f"all in {weights.folder()}")]


def _output() -> Finding:
    import av

    lacking = [name for name in ("libx264", "aac", "libvpx-vp9", "libopus") if name not in av.codecs_available]
    if lacking:
        return Finding("writing video", "fails", f"PyAV lacks {', '.join(lacking)}", "pip install --force-reinstall av")
    return Finding("writing video", "works", "H.264 and VP9")
