"""`visavis avatar`: faces, built once and kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from visavis.cli.app import app
from visavis.cli.models import JsonOption, fetch_missing

avatar = typer.Typer(help="Faces: built once from a picture or a video, and kept.", no_args_is_help=True)
app.add_typer(avatar, name="avatar")
NameArgument = Annotated[str, typer.Argument(help="A stored avatar's name.")]


@avatar.command(epilog="Example: visavis avatar create me.jpg --name me --voice slt")
def create(
    source: Annotated[Path, typer.Argument(metavar="PICTURE|VIDEO", help="A picture or video of a face.")],
    name: Annotated[str, typer.Option("--name", "-n", help="What to call it.")],
    voice: Annotated[str | None, typer.Option("--voice", help="The voice it speaks with.")] = None,
    note: Annotated[str, typer.Option("--note", help="Where the picture is from and who agreed to its use.")] = "",
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace a stored one of that name.")] = False,
) -> None:
    """Make an avatar from a picture or a video, and keep it."""
    from visavis.avatars.build import build_avatar
    from visavis.avatars.store import AvatarStore, check_name
    from visavis.cli.progress import steps
    from visavis.engines.loading import check_voice
    from visavis.engines.registry import wanted_weights
    from visavis.errors import BadInput
    from visavis.settings import load_settings

    settings = load_settings()
    store = AvatarStore(settings.data_dir / "avatars")
    check_name(name)
    if not force and any(entry.name == name for entry in store.list()):
        raise BadInput(f"there is an avatar '{name}' already: choose another --name, or --force to replace it")
    if voice is not None:
        check_voice(voice, settings)
    fetch_missing(wanted_weights((), settings))
    with steps(f"making {name}") as progress:
        made = build_avatar(source, name, size=settings.size, voice=voice, note=note, progress=progress)
        store.save(made)
    if made.note and made.note != note:
        typer.echo(made.note, err=True)
    typer.echo(f"stored as '{name}': visavis ask 'How are you?' -a {name}")


@avatar.command("list", epilog="Example: visavis avatar list")
def list_(as_json: JsonOption = False) -> None:
    """The stored avatars."""
    from visavis.avatars.store import BUILTIN, AvatarStore
    from visavis.settings import load_settings

    entries = AvatarStore(load_settings().data_dir / "avatars").list()
    if as_json:
        typer.echo(json.dumps([{"name": e.name, "kind": e.kind, "voice": e.voice, "note": e.note} for e in entries]))
        return
    typer.echo(f"{BUILTIN:20} built in")
    for entry in entries:
        typer.echo(f"{entry.name:20} {entry.kind}" + (f", voice {entry.voice}" if entry.voice else ""))


@avatar.command(epilog="Example: visavis avatar show me")
def show(name: NameArgument, as_json: JsonOption = False) -> None:
    """What is known of a stored avatar."""
    from visavis.avatars.store import BUILTIN, AvatarStore
    from visavis.settings import load_settings

    store = AvatarStore(load_settings().data_dir / "avatars")
    made = store.builtin() if name == BUILTIN else store.load(name)
    facts = {
        "name": made.name,
        "kind": made.kind,
        "size": f"{made.plate.shape[1]}x{made.plate.shape[0]}",
        "frames": len(made.frames) or None,
        "voice": made.voice,
        "note": made.note,
        "digest": made.digest,
        "file": "built in" if name == BUILTIN else str(store.path(name)),
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for key, value in facts.items():
        if value:
            typer.echo(f"{key:8} {value}")


@avatar.command(epilog="Example: visavis avatar remove me")
def remove(name: NameArgument) -> None:
    """Delete a stored avatar."""
    from visavis.avatars.store import AvatarStore
    from visavis.settings import load_settings

    AvatarStore(load_settings().data_dir / "avatars").remove(name)
    typer.echo(f"removed '{name}'")
