"""`visavis models`: which engines there are, and the data files they need."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from visavis.cli.app import app, examples

models = typer.Typer(
    help="The engines, and the data files they need.",
    epilog=examples(
        "visavis models list",
        "visavis models pull",
        "visavis models add wav2lip wav2lip_gan.pth",
        "visavis ask 'How are you?' --tts espeak",
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(models, name="models")
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@models.command("list", epilog=examples("visavis models list", "visavis models list --json"))
def list_(as_json: JsonOption = False) -> None:
    """Every engine, its state, size and licence.

    Whether it can run here and what it lacks, which one is used, and what was made of its data files; at the end, the
    networks that were added.
    """
    rows = _rows()
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for slot in dict.fromkeys(row.slot for row in rows):
        typer.echo(slot)
        for row in (row for row in rows if row.slot == slot):
            sign = "●" if row.used else "○" if row.ready else "✗"
            size = f"{row.bytes / 1e6:.0f} MB, " if row.bytes else ""
            typer.echo(f"  {sign} {row.name:14} {row.summary} [{size}{row.licence}]")
            if not row.ready:
                typer.echo(f"    {'':14} not here: {row.reason}" + (f" ({row.remedy})" if row.remedy else ""))
            for copy in row.copies:
                typer.echo(
                    f"    {'':14} {copy.name}: {copy.bytes / 1e6:.0f} MB, a faster copy of {copy.source}, made here"
                )
    typer.echo("● used   ○ ready   ✗ cannot run here")


@models.command(epilog=examples("visavis models pull"))
def pull() -> None:
    """Fetch the data files that are not here.

    Those of the embedded engines, each with its checksum. A damaged one is fetched again, what is right is kept.
    """
    from visavis import weights

    wanted = [name for name in weights.catalogue() if not weights.verify(name)]
    if not wanted:
        typer.echo(f"everything is here: {weights.folder()}")
        return
    _fetch(wanted)
    typer.echo(f"fetched {', '.join(wanted)} into {weights.folder()}")


@models.command(epilog=examples("visavis models verify", "visavis models verify || visavis models pull"))
def verify() -> None:
    """Check every data file's checksum.

    The exit code is 2 where one is missing or damaged; `visavis models pull` mends that.
    """
    from visavis import weights
    from visavis.errors import FetchFailed

    bad = False
    for name in weights.catalogue():
        fault = weights.fault(name) or ("" if weights.verify(name) else "damaged: its checksum is wrong")
        bad = bad or bool(fault)
        state, _, detail = fault.partition(": ")
        typer.echo(f"{state or 'ok':8} {name}" + (f" ({detail})" if detail else ""))
        for copy in weights.copies(name):
            typer.echo(
                f"{'copy':8} {copy.name} ({copy.stat().st_size / 1e6:.0f} MB, a faster copy of {name}, made here)"
            )
    if bad:
        raise FetchFailed("not all data files are as they should be: `visavis models pull` fetches those anew")


@models.command(
    epilog=examples(
        "visavis models voices", "visavis models preview en-gb", "visavis ask 'Guten Tag' --language de --voice de"
    )
)
def voices(as_json: JsonOption = False) -> None:
    """Every voice that can speak here, for --voice."""
    from visavis.engines.registry import candidates
    from visavis.settings import load_settings

    settings = load_settings()
    rows = [
        {
            "name": voice.name,
            "language": voice.language,
            "engine": candidate.info.name,
            "description": voice.description,
        }
        for candidate in candidates("tts")
        if candidate.availability.ready and candidate.info.rank >= 0
        for voice in candidate.engine(settings).voices()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        typer.echo(f"{row['name']:{width}} {row['language']:8} {row['engine']:8} {row['description']}".rstrip())


def fetch_missing(names: list[str] | None = None) -> None:
    """Fetch the data files `names` that are not here (default: all), with a bar for each; does nothing if all are."""
    from visavis import weights

    if wanted := [name for name in weights.missing() if names is None or name in names]:
        _fetch(wanted)


def _fetch(wanted: list[str]) -> None:
    from visavis import weights
    from visavis.cli.progress import downloads

    size = sum(weights.find(name).bytes for name in wanted) / 1e6
    files = "1 data file" if len(wanted) == 1 else f"{len(wanted)} data files"
    typer.echo(f"fetching {files} ({size:.0f} MB), once, into {weights.folder()}", err=True)
    with downloads() as progress:
        weights.fetch(wanted, progress=progress)


@dataclass(frozen=True, slots=True)
class Copy:
    """A data file in another form, made on this machine."""

    name: str
    bytes: int
    source: str
    """The data file it was made of."""


@dataclass(frozen=True, slots=True)
class Row:
    """An engine in the list, or a network that was added."""

    slot: str
    name: str
    ready: bool
    used: bool
    reason: str
    remedy: str
    bytes: int
    """Size of the data files it needs."""
    licence: str
    languages: tuple[str, ...]
    summary: str
    copies: tuple[Copy, ...]
    """Of its data files, made on this machine."""


def _rows() -> list[Row]:
    from visavis import weights
    from visavis.engines.registry import all_candidates, choose
    from visavis.errors import VisavisError
    from visavis.settings import load_settings

    settings = load_settings()
    rows = []
    for slot, candidates in all_candidates().items():
        try:
            used = choose(slot, settings).info.name
        except VisavisError:
            used = ""
        for candidate in candidates:
            info, state = candidate.info, candidate.availability
            rows.append(
                Row(
                    slot=slot,
                    name=info.name,
                    ready=state.ready,
                    used=info.name == used,
                    reason=state.reason,
                    remedy=state.remedy,
                    bytes=sum(weights.find(name).bytes for name in info.weights),
                    licence=info.licence,
                    languages=info.languages,
                    summary=info.summary,
                    copies=tuple(
                        Copy(path.name, path.stat().st_size, name)
                        for name in info.weights
                        for path in weights.copies(name)
                    ),
                )
            )
    drawing = next((row.name for row in rows if row.slot == "animation" and row.used), "")
    return [*rows, *_networks(drawing.split("+"))]


def _networks(used: Collection[str]) -> list[Row]:
    """A row for each network that was added; `used` are those that draw the face."""
    from visavis.engines.neural import forms
    from visavis.weights.published import published

    rows = []
    for network in published().values():
        form = forms.installed(network.name)
        about = None if form is None else forms.manifest(form)
        if about is None:
            continue
        title = network.releases.get(about.digest, network.title)
        rows.append(
            Row(
                slot="networks",
                name=network.name,
                ready=True,
                used=network.name in used,
                reason="",
                remedy="",
                bytes=sum(about.files.values()),
                licence=network.terms,
                languages=(),
                summary=f"{title}, {network.purpose}",
                copies=(),
            )
        )
    return rows
