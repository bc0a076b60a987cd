"""`visavis avatar`: faces, built once and kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from visavis.cli.app import app, examples
from visavis.cli.models import JsonOption, fetch_missing

avatar = typer.Typer(
    help="Faces: built once from a picture or a video, and kept.",
    epilog=examples("visavis avatar create me.jpg --name me", "visavis ask 'How are you?' -a me"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(avatar, name="avatar")
NameArgument = Annotated[str, typer.Argument(help="A stored avatar's name.")]


@avatar.command(
    epilog=examples(
        "visavis avatar create me.jpg --name me --voice slt",
        "visavis avatar create me.mp4 --name me --force --note 'filmed by me, of me'",
    )
)
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
    from visavis.settings import load_settings

    settings = load_settings()
    store = AvatarStore(settings.data_dir / "avatars")
    check_name(name)
    if not force:
        store.check_free(name)
    if voice is not None:
        voice = check_voice(voice, settings)
    fetch_missing(wanted_weights((), settings))
    with steps(f"making {name}") as progress:
        made = build_avatar(source, name, size=settings.size, voice=voice, note=note, progress=progress)
        store.save(made, replace=force)
    if made.note and made.note != note:
        typer.echo(made.note, err=True)
    typer.echo(f"stored as '{name}': visavis ask 'How are you?' -a {name}")


@avatar.command("list", epilog=examples("visavis avatar list", "visavis avatar list --json"))
def list_(as_json: JsonOption = False) -> None:
    """The built-in avatars and the stored ones.

    The first is used where none is asked for. Files that are damaged are listed, too, with what to do about them.
    """
    from visavis.avatars.builtins import BUILTINS
    from visavis.avatars.store import AvatarStore
    from visavis.settings import load_settings

    store = AvatarStore(load_settings().data_dir / "avatars")
    rows: list[dict[str, str | None]] = [
        *(_row(name, "picture", voice, BUILTINS[name].note, "built in") for name, voice in store.builtins().items()),
        *(_row(each.name, each.kind, each.voice, each.note, "stored") for each in store.list()),
        *(_row(name, None, None, "", "damaged") | {"fault": fault} for name, fault in store.damaged().items()),
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        what = row["kind"] if row["state"] == "stored" else row["state"]
        voice = f", voice {row['voice']}" if row["voice"] else ""
        fault = f": {row['fault']}" if "fault" in row else ""
        typer.echo(f"{row['name']:20} {what}{voice}{fault}")


def _row(name: str, kind: str | None, voice: str | None, note: str, state: str) -> dict[str, str | None]:
    return {"name": name, "kind": kind, "voice": voice, "note": note, "state": state}


@avatar.command(epilog=examples("visavis avatar show me", "visavis avatar show vera --json"))
def show(name: NameArgument, as_json: JsonOption = False) -> None:
    """What is known of a built-in or stored avatar."""
    from visavis.avatars.builtins import BUILTINS
    from visavis.avatars.store import AvatarStore
    from visavis.settings import load_settings

    store = AvatarStore(load_settings().data_dir / "avatars")
    made = store.load(name)
    facts = {
        "name": made.name,
        "kind": made.kind,
        "size": f"{made.plate.shape[1]}x{made.plate.shape[0]}",
        "frames": len(made.frames) or None,
        "voice": made.voice,
        "note": BUILTINS[name].note if name in BUILTINS else made.note,
        "digest": made.digest,
        "file": "built in" if name in BUILTINS else str(store.path(name)),
    }
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for key, value in facts.items():
        if value:
            typer.echo(f"{key:8} {value}")


@avatar.command(
    epilog=examples("visavis avatar voice me", "visavis avatar voice me en-gb", "visavis avatar voice me --clear")
)
def voice(
    name: NameArgument,
    voice: Annotated[str | None, typer.Argument(help="A voice, as `visavis models voices` lists it.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Let it speak with any voice again.")] = False,
) -> None:
    """Show or choose an avatar's voice.

    It speaks with that wherever no --voice is given, and the voice can be had.
    """
    from visavis.avatars.builtins import BUILTINS
    from visavis.avatars.store import AvatarStore
    from visavis.engines.loading import check_voice
    from visavis.errors import BadInput
    from visavis.settings import load_settings

    settings = load_settings()
    store = AvatarStore(settings.data_dir / "avatars")
    if voice is not None and clear:
        raise BadInput("name a voice, or leave it open with --clear, not both")
    if voice is not None or clear:
        store.give_voice(name, None if voice is None else check_voice(voice, settings))
    now = store.builtins()[name] if name in BUILTINS else store.load(name).voice
    typer.echo(f"{name} speaks with {now}" if now else f"{name} speaks with any voice")


@avatar.command(epilog=examples("visavis avatar remove me"))
def remove(name: NameArgument) -> None:
    """Delete a stored avatar."""
    from visavis.avatars.store import AvatarStore
    from visavis.settings import load_settings

    AvatarStore(load_settings().data_dir / "avatars").remove(name)
    typer.echo(f"removed '{name}'")


@avatar.command("clear-cache", epilog=examples("visavis avatar clear-cache"))
def clear_cache() -> None:
    """Free the space of faces made in passing.

    A picture or video given as -a FILE is made into a face once and kept for the next time. Stored avatars stay.
    """
    from visavis.avatars.store import AvatarStore
    from visavis.settings import load_settings

    count, size = AvatarStore(load_settings().data_dir / "avatars").clear_cache()
    if not count:
        typer.echo("nothing to free: no face was made from a picture since the last time")
        return
    faces = "1 face" if count == 1 else f"{count} faces"
    typer.echo(f"freed {size / 1e6:.1f} MB ({faces}); each is made again when its picture is used next")
