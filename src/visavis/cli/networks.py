"""`visavis models add`: networks that others have published, brought by the user."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis.cli.app import examples
from visavis.cli.models import models
from visavis.errors import BadInput, EngineUnavailable, OutputFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from visavis.weights.checkpoints import Tell
    from visavis.weights.published import Published

NetworkArgument = Annotated[str, typer.Argument(metavar="NAME", help="wav2lip or gfpgan.")]
_FETCHING = ".fetch-"  # as the data files' fetching calls its folders, which removes those that a killed process left


@models.command(
    epilog=examples(
        "visavis models add wav2lip wav2lip_gan.pth",
        "visavis models add gfpgan ~/Downloads/GFPGANv1.4.pth",
        "visavis models add wav2lip https://example.org/wav2lip_gan.pth --accept-licence",
    )
)
def add(
    name: NetworkArgument,
    source: Annotated[str, typer.Argument(metavar="FILE|URL", help="The published checkpoint: .pth or .safetensors.")],
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="Refuse a file with another checksum.")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept-licence", help="Accept the network's licence, which is asked for otherwise.")
    ] = False,
) -> None:
    """Add a published network, from its checkpoint.

    You get the checkpoint from where its makers published it. It is checked without running anything in it, converted
    for this machine once, and kept in that fast form alone.
    """
    from visavis.cli.progress import steps
    from visavis.engines.neural import forms
    from visavis.settings import load_settings
    from visavis.weights.links import check_sha256, is_address
    from visavis.weights.published import find_published

    network = find_published(name)
    if network.non_commercial and load_settings().commercial_only:
        raise BadInput(f"{network.title} was not added: {network.licence} Leave out --commercial-only to add it")
    expected = None if sha256 is None else check_sha256(sha256)
    if importlib.util.find_spec("torch") is None:
        raise EngineUnavailable(f"{network.title} runs on libraries of an extra: pip install 'visavis[wav2lip]'")
    if is_address(source):
        _agree(network, accept)
        with steps(name) as progress, _fetched(source, expected, progress) as path:
            found, state = _read(path, network, None, progress)
    else:  # what is wrong with it is said before a question is asked
        with steps(name) as progress:
            found, state = _read(Path(source).expanduser(), network, expected, progress)
        if state is not None:
            _agree(network, accept)
    if state is None:
        typer.echo(f"{network.releases.get(found, network.title)} is here already: {_use(network)}")
        return
    typer.echo("converting it for this machine, once; that takes up to some minutes", err=True)
    with steps(name) as progress, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # converters warn of their own future, which is not the user's to change
        form = forms.install(name, state, found, progress)
    _tell(network, found, form)


def remove_network(name: str) -> None:
    """Remove a network that was added, as `visavis models remove` does. Raises `BadInput` where it is not here."""
    from visavis.engines.neural import forms
    from visavis.weights.published import find_published

    network = find_published(name)
    place = forms.place(name)
    if not place.is_dir():
        raise BadInput(f"{network.title} is not here: there is nothing to remove")
    size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
    try:
        shutil.rmtree(place)
    except OSError as error:
        raise OutputFailed(f"cannot remove {place}: {error.strerror or error}; end what uses it") from None
    typer.echo(f"removed {network.title}: {size / 1e6:.0f} MB are free again")


def _read(
    path: Path, network: Published, expected: str | None, progress: Tell
) -> tuple[str, dict[str, NDArray[np.float32]] | None]:
    """A checkpoint's SHA-256 and its weights; no weights where just this one was added for every library there is."""
    from visavis.engines.neural import forms
    from visavis.weights.checkpoints import digest, read_checkpoint

    found = digest(path, progress)
    if expected not in (None, found):
        raise BadInput(f"'{path.name}' has the SHA-256 {found} and not {expected}: it is not the expected file")
    form = forms.installed(network.name)
    about = None if form is None else forms.manifest(form)
    if about is not None and about.digest == found and not about.left_out:
        return found, None
    return found, read_checkpoint(path, network, progress)


def _agree(network: Published, accepted: bool) -> None:
    """Show the licence, and have it accepted. Raises `BadInput` where it is not."""
    typer.echo(f"{network.title} {network.purpose}. {network.licence}\n({network.licence_url})", err=True)
    if accepted:
        return
    if not sys.stdin.isatty():
        raise BadInput(f"nobody is here to accept {network.title}'s licence: read it, and add --accept-licence")
    if not typer.confirm("Do you accept that?", default=False, err=True):
        raise BadInput(f"{network.title} was not added: its licence was not accepted")


@contextmanager
def _fetched(url: str, expected: str | None, progress: Tell) -> Generator[Path, None, None]:
    """The checkpoint at an address, as a file that is gone afterwards."""
    from visavis.weights import folder
    from visavis.weights.links import fetch_checkpoint

    into = folder()
    try:
        into.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(prefix=_FETCHING, dir=into, ignore_cleanup_errors=True)
    except OSError as error:
        raise OutputFailed(
            f"cannot write to {into}: {error.strerror or error}; set VISAVIS_DATA_DIR to another"
        ) from None
    with work:
        yield fetch_checkpoint(url, Path(work.name), progress, expected)


def _tell(network: Published, found: str, form: Path) -> None:
    """Say what is here now, and what may be done with it."""
    from visavis.engines.neural import forms

    about = forms.manifest(form)
    size = sum(about.files.values()) / 1e6 if about else 0.0
    typer.echo(f"added:  {network.releases.get(found, network.title)} ({size:.0f} MB in {form})")
    if found not in network.releases:
        typer.echo(
            "note: its checksum is none of those known here: it was trained or changed by somebody else", err=True
        )
    for lack in about.left_out if about else ():
        typer.echo(f"note: it can be faster: left out {lack}", err=True)
    if network.non_commercial:
        typer.echo("note: videos that are made with it, too, are for research and personal use only", err=True)
    typer.echo(f"use it: {_use(network)}")


def _use(network: Published) -> str:
    """What to type now."""
    from visavis.engines.neural import forms

    if network.name == "gfpgan":
        if forms.installed("wav2lip") is None:
            return "after `visavis models add wav2lip FILE.pth`, visavis serve --animator wav2lip+gfpgan"
        return "visavis serve --animator wav2lip+gfpgan"
    return f"visavis serve --animator {network.name}"
