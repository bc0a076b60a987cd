"""`visavis doctor`: what works here, what falls back and why, in plain words."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict, dataclass

import typer

from visavis.cli.app import app
from visavis.cli.models import JsonOption

_WHAT = {
    "vad": "noticing speech",
    "asr": "understanding speech",
    "llm": "thinking",
    "tts": "speaking",
    "articulation": "moving the lips",
    "animation": "drawing the face",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    state: str
    """'works', 'falls back', or 'fails'."""
    detail: str
    remedy: str = ""


@app.command(epilog="Example: visavis doctor")
def doctor(as_json: JsonOption = False) -> None:
    """Say what works on this machine, what falls back and why, and what to type to change that."""
    findings = examine()
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
        return
    sign = {"works": "✓", "falls back": "~", "fails": "✗"}
    for finding in findings:
        typer.echo(f"{sign[finding.state]} {finding.subject}: {finding.detail}")
        if finding.remedy:
            typer.echo(f"    to change that: {finding.remedy}")
    broken = [finding for finding in findings if finding.state == "fails"]
    typer.echo("everything needed is here" if not broken else f"{len(broken)} of {len(findings)} do not work yet")


def examine() -> list[Finding]:
    """Every finding about this machine."""
    return [_python(), *_engines(), *_weights(), _output()]


def _python() -> Finding:
    version = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info[:2] == (3, 12):
        return Finding("python", "falls back", f"{version}: no wheel of PocketSphinx", "use Python 3.11 or 3.13")
    return Finding("python", "works", version)


def _engines() -> list[Finding]:
    from visavis.engines.registry import candidates, choose
    from visavis.errors import VisavisError
    from visavis.settings import load_settings

    settings = load_settings()
    findings = []
    for slot, what in _WHAT.items():
        found = [c for c in candidates(slot) if c.info.rank >= 0]  # type: ignore[arg-type]  # the keys are the slots
        try:
            used = choose(slot, settings)  # type: ignore[arg-type]
        except VisavisError as error:
            found.sort(key=lambda c: c.info.name == "openai")  # a server is a choice, not a lack
            first = next((c.availability.remedy for c in found if c.availability.remedy), "")
            hint = " (typed questions still work)" if slot in ("asr", "vad") else ""
            findings.append(Finding(what, "fails", f"{error}{hint}", first))
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


def _weights() -> list[Finding]:
    from visavis import weights

    missing = weights.missing()
    if missing:
        size = sum(weights.find(name).bytes for name in missing) / 1e6
        return [Finding("data files", "fails", f"{', '.join(missing)} missing ({size:.0f} MB)", "visavis models pull")]
    return [Finding("data files", "works", f"all in {weights.folder()}")]


def _output() -> Finding:
    import av

    lacking = [name for name in ("libx264", "aac", "libvpx-vp9", "libopus") if name not in av.codecs_available]
    if lacking:
        return Finding("writing video", "fails", f"PyAV lacks {', '.join(lacking)}", "pip install --force-reinstall av")
    return Finding("writing video", "works", "H.264 and VP9")
