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
        "visavis models pull recommended",
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
    networks that were added, and the models that were pulled or could be.
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
            barred = not row.commercial and slot != "networks"  # whose licences say it in words
            terms = row.licence + (", not for commercial use" if barred else "")
            typer.echo(f"  {sign} {row.name:{20 if slot == 'models' else 14}} {row.summary} [{size}{terms}]")
            if not row.ready and slot != "models":
                typer.echo(f"    {'':14} not here: {row.reason}" + (f" ({row.remedy})" if row.remedy else ""))
            for copy in row.copies:
                typer.echo(
                    f"    {'':14} {copy.name}: {copy.bytes / 1e6:.0f} MB, a faster copy of {copy.source}, made here"
                )
    typer.echo("● used   ○ ready   ✗ cannot run here; a model that is not here: visavis models pull NAME")


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
        fetch_files(wanted)


def fetch_files(wanted: list[str]) -> None:
    """Fetch the data files `wanted`, with a bar for each."""
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
    commercial: bool
    """Whether that allows commercial use, as far as it tells."""
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
                    commercial=info.commercial,
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
    return [*rows, *_networks(drawing.split("+")), *_models({(row.slot, row.name) for row in rows if row.used})]


def _models(used: Collection[tuple[str, str]]) -> list[Row]:
    """A row for each model of the catalogue; `used` are the slots and names of the engines that are."""
    from visavis.weights.models import installed, models

    return [
        Row(
            slot="models",
            name=model.name,
            ready=installed(model.name) is not None,
            used=(model.slot, model.engine) in used and installed(model.name) is not None,
            reason="" if installed(model.name) else "it is not on this machine",
            remedy="" if installed(model.name) else f"visavis models pull {model.name}",
            bytes=model.bytes,
            licence=model.licence,
            commercial=not model.non_commercial,
            languages=model.languages,
            summary=f"{model.title}: {model.purpose}",
            copies=(),
        )
        for model in models().values()
    ]


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
                commercial=not network.non_commercial,
                languages=(),
                summary=f"{title}, {network.purpose}",
                copies=(),
            )
        )
    return rows
