"""`visavis bench`: how good and how fast the engines of this machine are."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from visavis.cli.app import app, examples
from visavis.cli.models import JsonOption

bench = typer.Typer(
    help="How good and how fast the engines of this machine are.",
    epilog=examples("visavis bench engines", "visavis bench engines --recordings my-recordings"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(bench, name="bench")


@bench.callback()
def subject() -> None:
    """How good and how fast the engines of this machine are."""


@bench.command(
    epilog=examples(
        "visavis bench engines",
        "visavis bench engines flite espeak pocketsphinx --sentences 3",
        "visavis bench engines --language de --json",
        "visavis bench engines --recordings my-recordings --markdown",
    )
)
def engines(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ENGINE]...", help="Only these, as in whisper or asr:openai.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="As in en or de.  [default: en]")] = None,
    recordings: Annotated[
        Path | None,
        typer.Option("--recordings", metavar="FOLDER", help="Yours, to be understood: one.wav and its text, one.txt."),
    ] = None,
    sentences: Annotated[int, typer.Option("--sentences", min=1, max=100, help="How many, at most.")] = 12,
    as_json: JsonOption = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, for a page of documentation.")
    ] = False,
) -> None:
    """Measure the engines that speak, understand, tell whether you have finished, and think.

    Each works in a process of its own: loading, the first sound or word, the time it takes over the time that plays
    (below 1 is faster than speech), memory. Synthesizers say the same sentences in several voices and speeds;
    recognisers hear all of them, with and without noise, and your recordings, and the words they get wrong are counted
    (WER: 0 is perfect). Turn detectors are asked about whole sentences and begun ones. Models answer questions that
    have one answer. Let the machine be quiet meanwhile. Servers are measured when they are named. Ctrl-C ends it with
    what was measured so far.
    """
    from visavis.cli.progress import steps
    from visavis.errors import BadInput
    from visavis.evaluation.bench.engines import INTERRUPTED, measure, to_measure
    from visavis.evaluation.bench.engines import recordings as read
    from visavis.evaluation.bench.table import lines, markdown
    from visavis.settings import load_settings

    if as_json and as_markdown:
        raise BadInput("choose one of --json and --markdown")
    spoken = load_settings(language=language).language
    own = [] if recordings is None else read(recordings)
    chosen = to_measure(names or (), spoken)
    with steps("measuring") as tell:
        found = measure(chosen, spoken, own, sentences, tell)
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(found), indent=2))
    else:
        for line in markdown(found) if as_markdown else lines(found):
            typer.echo(line.rstrip())
    if any(row.error == INTERRUPTED for row in found.rows):
        raise KeyboardInterrupt
