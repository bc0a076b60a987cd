"""`visavis models`: which engines there are, and the data files they need."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from visavis.cli.app import app

models = typer.Typer(help="The engines, and the data files they need.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(models, name="models")
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


@models.command("list", epilog="Example: visavis models list --json")
def list_(as_json: JsonOption = False) -> None:
    """Every engine: whether it can run here, which one is used, its size and its licence."""
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
    typer.echo("● used   ○ ready   ✗ cannot run here")


@models.command(epilog="Example: visavis models pull")
def pull() -> None:
    """Fetch the embedded default's data files, with checksums; what is already here is kept."""
    from visavis import weights

    missing = weights.missing()
    if not missing:
        typer.echo(f"everything is here: {weights.folder()}")
        return
    fetch_missing()
    typer.echo(f"fetched {', '.join(missing)} into {weights.folder()}")


@models.command(epilog="Example: visavis models verify")
def verify() -> None:
    """Check every data file against its checksum."""
    from visavis import weights
    from visavis.errors import FetchFailed

    bad = [name for name in weights.catalogue() if weights.present(name) and not weights.verify(name)]
    absent = weights.missing()
    for name in weights.catalogue():
        typer.echo(f"{'damaged' if name in bad else 'missing' if name in absent else 'ok':8} {name}")
    if bad or absent:
        raise FetchFailed("not all data files are as they should be: run `visavis models pull`")


@models.command(epilog="Example: visavis models voices --json")
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
    for row in rows:
        typer.echo(f"{row['name']:16} {row['language']:8} {row['engine']:8} {row['description']}".rstrip())


def fetch_missing(names: list[str] | None = None) -> None:
    """Fetch the data files `names` that are not here (default: all), with a bar for each; does nothing if all are."""
    from visavis import weights
    from visavis.cli.progress import downloads

    wanted = [name for name in weights.missing() if names is None or name in names]
    if wanted:
        size = sum(weights.find(name).bytes for name in wanted) / 1e6
        typer.echo(f"fetching {len(wanted)} data files ({size:.0f} MB), once, into {weights.folder()}", err=True)
        with downloads() as progress:
            weights.fetch(wanted, progress=progress)


@dataclass(frozen=True, slots=True)
class Row:
    """An engine in the list."""

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
                )
            )
    return rows
