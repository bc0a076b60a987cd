"""`visavis evaluate`: how well lips and sound of a video go together."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from visavis.cli.app import app, examples
from visavis.cli.models import JsonOption, fetch_missing


@app.command(
    epilog=examples(
        "visavis evaluate answer.mp4",
        "visavis ask 'Hello' -o hello.mp4 --motion hello.json",
        "visavis evaluate hello.mp4 --motion hello.json --json",
    )
)
def evaluate(
    video: Annotated[Path, typer.Argument(help="A video of one speaking face.")],
    motion: Annotated[
        Path | None, typer.Option("--motion", metavar="FILE.json", help="What its face was to do (from --motion).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure the lip-sync of a video.

    The face is found again in every picture and compared with the sound or the intended motion. Every number is told
    with its unit and with good values, and a verdict on all of them ends the list.
    """
    from visavis.cli.progress import bar
    from visavis.engines.registry import wanted_weights
    from visavis.evaluation import evaluate as measure
    from visavis.evaluation import explained
    from visavis.playback.motion_file import read_motion
    from visavis.settings import load_settings

    target = None if motion is None else read_motion(motion)
    fetch_missing(wanted_weights((), load_settings()))
    with bar("evaluating", None, "s of video") as progress:
        report = measure(video, target, progress)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(report), indent=2))
        return
    for line in explained(report):
        typer.echo(line.rstrip())
