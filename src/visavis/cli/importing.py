"""`visavis models import` and `export`: models carried from one machine to another that reaches no hub."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from visavis.cli.app import examples
from visavis.cli.models import models
from visavis.cli.pull import agreed, tell_use
from visavis.errors import BadInput


@models.command(
    "import",
    epilog=examples(
        "visavis models import /media/usb/models",
        "visavis models import models.tar.gz",
        "visavis models import ~/Downloads/faster-whisper-small --name whisper-small",
    ),
)
def import_(
    source: Annotated[Path, typer.Argument(metavar="FOLDER|ARCHIVE", help="A folder, or a zip or tar file of one.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="MODEL", help="Only this model, whose files lie there.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Accept licences that forbid commercial use, which are asked for.")
    ] = False,
) -> None:
    """Take models that another machine has, without any network.

    FOLDER is what `visavis models export` wrote, the other machine's own folder of models, or what the hub has for a
    model, as it was downloaded there. Every file is checked by its checksum before anything is put in its place.
    """
    from visavis.cli.progress import downloads
    from visavis.settings import load_settings
    from visavis.weights.importing import bring, is_here, opened
    from visavis.weights.models import find_model
    from visavis.weights.recognising import recognised

    settings = load_settings()
    if name is not None:
        find_model(name)  # before anything is unpacked
    with opened(source.expanduser()) as folder:
        found, faults = recognised(folder, name)
        faults = [fault.replace(str(folder.resolve()), str(source)) for fault in faults]
        forbidden = [each.model for each in found if each.model.non_commercial and settings.commercial_only]
        faults += [
            f"{model.title} is not for commercial use, and --commercial-only (VISAVIS_COMMERCIAL_ONLY) is set, so it "
            "is left out"
            for model in forbidden
        ]
        wanted = []
        for each in found:
            if each.model in forbidden:
                continue
            if is_here(each):
                typer.echo(f"{each.model.name} is here already")
            else:
                wanted.append(each)
        accepted = agreed([each.model for each in wanted], yes)
        done = []
        for each in (each for each in wanted if each.model in accepted):
            with downloads() as progress:
                place = bring(each, partial(progress, each.model.name))
            done.append(each.model)
            typer.echo(f"imported {each.model.name} ({each.bytes / 1e6:,.0f} MB) into {place}")
            if trusted := each.taken_on_trust:
                whose = "only its manifest vouches" if each.kept else "nothing vouches"
                files = trusted[0] + (f" and {len(trusted) - 1} more" if len(trusted) > 1 else "")
                typer.echo(f"note: {whose} for {files}: no checksum of it is known here", err=True)
    if done:
        tell_use(done, settings)
    if faults:
        for fault in faults[:-1]:
            typer.echo(f"visavis: {fault}", err=True)
        raise BadInput(faults[-1])


@models.command(
    epilog=examples("visavis models export /media/usb/models", "visavis models export /media/usb/models qwen3-0.6b")
)
def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where they are written, each in its own folder.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Models that are here; all of them otherwise.")
    ] = None,
) -> None:
    """Copy models to a folder, for a machine without a network.

    `visavis models import FOLDER` takes them there.
    """
    from visavis.cli.progress import downloads
    from visavis.weights.importing import export as export_model
    from visavis.weights.models import find_model
    from visavis.weights.pull import pulled

    wanted = [find_model(name) for name in names] if names else pulled()
    if not wanted:
        raise BadInput("no model is here to be exported: visavis models pull recommended")
    for model in dict.fromkeys(wanted):
        with downloads() as progress:
            place = export_model(model.name, folder.expanduser(), partial(progress, model.name))
        typer.echo(f"exported {model.name} into {place}")
    typer.echo(f"on the other machine: visavis models import {folder.name}")
