"""`visavis models pull`, `verify` and `remove`: models and data files, fetched, checked, and given up."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli.app import examples, override
from visavis.cli.models import fetch_files, models
from visavis.errors import BadInput, FetchFailed, VisavisError

if TYPE_CHECKING:
    from visavis.settings import Settings
    from visavis.weights.models import Model

_RECOMMENDED = "recommended"
_WHAT = {"asr": "hears", "tts": "speaks", "llm": "thinks", "turn": "takes turns"}


@models.command(
    epilog=examples(
        "visavis models pull",
        "visavis models pull recommended",
        "visavis models pull recommended --language de --commercial-only",
        "visavis models pull qwen3-0.6b smart-turn",
    )
)
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="`recommended`, or models; without any, the data files.")
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="What is spoken, for `recommended`, as in de.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Accept licences that forbid commercial use, which are asked for.")
    ] = False,
    commercial_only: Annotated[
        bool, typer.Option("--commercial-only", help="Nothing whose licence forbids commercial use.")
    ] = False,
) -> None:
    """Fetch a good ear, voice and mind.

    `recommended` is what suits this machine's memory and the language: better recognition, a better voice, a language
    model, and a sense for when you have finished. Any other NAME is one model, as in qwen3-0.6b. Size, licence and time
    are shown first. What breaks off is gone on with the next time; every file is checked.

    Without a name it fetches the data files of the embedded engines that are not here, or damaged.

    They come from Hugging Face: HF_ENDPOINT names a mirror, HF_TOKEN who you are, HTTPS_PROXY a proxy.
    """
    if not names:
        _pull_data_files()
        return
    from visavis.settings import load_settings

    override(language=language, commercial_only=commercial_only or None)
    settings = load_settings()
    wanted = agreed(_lacking(_asked(names, settings)), yes)
    if wanted:
        _show(wanted)
        _fetch(wanted)
        tell_use(wanted, settings)
    _tell_extras(names, wanted, settings)


@models.command(epilog=examples("visavis models verify", "visavis models verify || visavis models pull"))
def verify() -> None:
    """Check every file's checksum.

    Those of the embedded engines, and of the models that were pulled. The exit code is 2 where one is missing or
    damaged; `visavis models pull` mends that, with a model's name for what was pulled.
    """
    files, damaged = _verify_data_files(), _verify_models()
    remedies = ["`visavis models pull`"] if files else []
    if damaged:
        remedies.append(f"`visavis models pull {' '.join(damaged)}`")
    if remedies:
        raise FetchFailed(f"not all files are as they should be: {' and '.join(remedies)} fetches those anew")


@models.command(epilog=examples("visavis models remove qwen3-4b", "visavis models remove wav2lip"))
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of `visavis models list`, or wav2lip or gfpgan.")],
) -> None:
    """Remove a model that was pulled, or a network that was added."""
    from visavis.cli.networks import remove_network
    from visavis.weights.models import find_model, models
    from visavis.weights.published import published
    from visavis.weights.pull import remove as remove_model

    if name in published():
        remove_network(name)
        return
    known = (*models(), *published())
    if name not in known:
        near = difflib.get_close_matches(name.lower(), known, n=1)
        hint = f"did you mean {near[0]}?" if near else "`visavis models list` shows what is here"
        raise BadInput(f"there is no model or network '{name}' to remove; {hint}")
    typer.echo(f"removed {find_model(name).title}: {remove_model(name) / 1e6:,.0f} MB are free again")


def _pull_data_files() -> None:
    from visavis import weights

    wanted = [name for name in weights.catalogue() if not weights.verify(name)]
    if not wanted:
        typer.echo(f"everything is here: {weights.folder()}")
        return
    fetch_files(wanted)
    typer.echo(f"fetched {', '.join(wanted)} into {weights.folder()}")


def _asked(names: Sequence[str], settings: Settings) -> list[Model]:
    """The models that are meant. Raises `BadInput` for a name that is none, or one that may not be used."""
    from visavis.weights.models import find_model
    from visavis.weights.recommended import recommended

    found: dict[str, Model] = {}
    for name in names:
        if name == _RECOMMENDED:
            chosen = recommended(settings.language, commercial_only=settings.commercial_only)
            found |= {model.name: model for model in chosen}
            continue
        model = find_model(name)
        if model.non_commercial and settings.commercial_only:
            raise BadInput(
                f"{model.title} is not for commercial use ({model.licence}), and only what is may be used here: leave "
                "out --commercial-only, or the setting commercial_only"
            )
        found[name] = model
    return list(found.values())


def _lacking(asked: Sequence[Model]) -> list[Model]:
    """Those that are not here, or damaged."""
    from visavis.weights.models import installed
    from visavis.weights.pull import verify as faults

    lacking = []
    for model in asked:
        if installed(model.name) is not None and not faults(model.name):
            typer.echo(f"{model.name} is here already")
        else:
            lacking.append(model)
    return lacking


def agreed(wanted: Sequence[Model], accepted: bool) -> list[Model]:
    """Those whose licence does not have to be accepted, or was. Raises `BadInput` where nobody is here to be asked."""
    free = []
    for model in wanted:
        if not model.non_commercial or accepted:
            free.append(model)
            continue
        typer.echo(
            f"{model.title} {model.purpose.split(',')[0]}. Its licence forbids commercial use: {model.licence}\n"
            f"({model.licence_url})",
            err=True,
        )
        if not sys.stdin.isatty():
            raise BadInput(
                f"nobody is here to accept {model.title}'s licence, which forbids commercial use: read it at "
                f"{model.licence_url}, and add --yes, or --commercial-only to do without"
            )
        if typer.confirm("Do you accept that?", default=False, err=True):
            free.append(model)
        else:
            typer.echo(f"{model.name} is left out: its licence was not accepted", err=True)
    return free


def _show(wanted: Sequence[Model]) -> None:
    """Tell what will come: what it is for, how large, under which licence, and how long that takes."""
    from visavis.weights import folder
    from visavis.weights.pull import kept
    from visavis.weights.recommended import duration

    rows = [(m.name, m.purpose, f"{m.bytes / 1e6:,.0f} MB", m.licence) for m in wanted]
    here = sum(kept(model.name) for model in wanted)
    size = sum(model.bytes for model in wanted)
    left = max(size - here, 0)
    count = "1 model" if len(wanted) == 1 else f"{len(wanted)} models"
    rows.append(("together", count, f"{size / 1e6:,.0f} MB", duration(left)))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    typer.echo(f"fetching, once, into {folder() / 'models'}", err=True)
    for name, purpose, much, licence in rows:
        typer.echo(f"  {name:{widths[0]}}  {purpose:{widths[1]}}  {much:>{widths[2]}}  {licence}", err=True)
    if here:
        typer.echo(f"  {here / 1e6:,.0f} MB of it are here of the last time", err=True)


def _fetch(wanted: Sequence[Model]) -> None:
    """Fetch them, one after another, with a bar for each. Raises as `pull` does, with what goes on working."""
    from visavis.cli.progress import downloads
    from visavis.weights.models import place
    from visavis.weights.pull import Unreachable
    from visavis.weights.pull import pull as pull_model

    done = []
    try:
        with downloads() as progress:
            for model in wanted:
                pull_model(model, partial(progress, model.name))
                done.append(model)
    except Unreachable as error:
        raise Unreachable(f"{error}; all that is here goes on working without it") from None
    finally:
        for model in done:
            typer.echo(f"fetched {model.name} into {place(model.name)}")


def tell_use(fetched: Sequence[Model], settings: Settings) -> None:
    """Say what is used now in the slots of what was fetched, and why, where that is something else."""
    from visavis.engines.registry import choose

    for slot in dict.fromkeys(model.slot for model in fetched):
        mine = [model for model in fetched if model.slot == slot]
        try:
            used = choose(slot, settings).info  # type: ignore[arg-type]  # the catalogue's slots are slots
        except VisavisError as error:
            typer.echo(f"{_WHAT.get(slot, slot)}: nothing here ({error})")
            continue
        typer.echo(f"{_WHAT.get(slot, slot)}: {used.name} ({used.summary})")
        for model in mine:
            if model.engine != used.name:
                typer.echo(f"  {model.name} is not used: {_why_not(model, settings)}", err=True)


def _why_not(model: Model, settings: Settings) -> str:
    """Why another engine is used than that of a model which is here."""
    from visavis.engines.registry import candidates
    from visavis.weights.recommended import has_library, install, speaks

    if not has_library(model):
        return install([model.extra])
    if not speaks(model, settings.language):
        return f"it speaks {', '.join(model.languages)}, and the language is {settings.language} (--language)"
    for candidate in candidates(model.slot):  # type: ignore[arg-type]
        if candidate.info.name == model.engine and not candidate.availability.ready:
            return f"{candidate.availability.reason} ({candidate.availability.remedy})"
    return f"the settings name another, or a better one is here (--set {model.slot}={model.engine})"


def _tell_extras(names: Sequence[str], fetched: Sequence[Model], settings: Settings) -> None:
    """Say which libraries would make more of the models usable."""
    from visavis.weights.recommended import install, missing_extras, recommended

    if _RECOMMENDED not in names:
        return
    extras = missing_extras(settings.language, commercial_only=settings.commercial_only)
    if extras:
        typer.echo(f"better still: {install(extras)} && visavis models pull recommended", err=True)
    elif not fetched and not recommended(settings.language, commercial_only=settings.commercial_only):
        typer.echo("nothing better fits this machine than what is embedded")


def _verify_data_files() -> bool:
    """Print what is wrong with the embedded engines' files; whether anything is."""
    from visavis import weights

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
    return bad


def _verify_models() -> list[str]:
    """Print what is wrong with the models that are here; the names of those."""
    from visavis.weights.models import models, place
    from visavis.weights.pull import verify as faults_of

    bad = []
    for name in models():
        if not place(name).is_dir():
            continue
        faults = faults_of(name)
        bad += [name] if faults else []
        typer.echo(f"{'damaged' if faults else 'ok':8} {name}" + (f" ({'; '.join(faults)})" if faults else ""))
    return bad
