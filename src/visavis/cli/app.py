"""The command itself: what is common to every subcommand, and how errors reach a person."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from typer.exceptions import TyperException

from visavis import __version__
from visavis.errors import BadConfiguration, VisavisError


def examples(*lines: str) -> str:
    """The end of a command's help: each example on a line of its own, to be copied."""
    return "\b\n" + "\n".join(["Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)])


app = typer.Typer(
    name="visavis",
    help="Talk face to face with an AI of your own: one picture, your own machine, lips in sync.",
    epilog=examples(
        "visavis doctor",
        "visavis serve",
        "visavis ask 'What is the moon made of?' -a me.jpg -o answer.mp4",
        "visavis --set temperature=0 ask 'What is the moon made of?'",
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_SPELLED = {"animation": "animator"}
"""Options that are not called as their settings are."""
EXIT_ERROR = 2
"""Whatever a person can mend ends with this code."""
EXIT_BUG = 70
"""What only we can mend (EX_SOFTWARE)."""
EXIT_INTERRUPTED = 130
"""Ctrl-C, as shells count it."""


def _version(show: bool) -> None:
    if show:
        typer.echo(f"visavis {__version__}")
        raise typer.Exit


@app.callback()
def common(
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any setting for this run, as in --set temperature=0."),
    ] = None,
    commercial_only: Annotated[
        bool, typer.Option("--commercial-only", help="Use and fetch nothing whose licence forbids commercial use.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens, to standard error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Settings come from visavis.toml, VISAVIS_… environment variables, and --set, the last one winning."""
    from visavis.settings import assign
    from visavis.telemetry import configure_logging

    configure_logging(verbose)
    if commercial_only:
        assign("commercial_only", True, "--commercial-only")
    for assignment in set_ or ():
        name, sign, value = assignment.partition("=")
        if not sign:
            raise BadConfiguration(f"--set takes NAME=VALUE, not '{assignment}'")
        assign(name.strip(), value, f"--set {name.strip()}")


def override(**values: object) -> None:
    """Let a command's own options win: a value that is not None becomes this process's (and its children's) setting."""
    from visavis.settings import assign

    for name, value in values.items():
        if value is not None:
            assign(name, value, "--" + _SPELLED.get(name, name).replace("_", "-"))


def main() -> None:
    """Run the command; every failure is one line on standard error and an exit code."""
    if threading.current_thread() is threading.main_thread():
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and hasattr(signal, "pthread_sigmask"):
            # a script's background job: Ctrl-C is not for it, but its handler is what asyncio looks for
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, _told_to_end)
    sys.exit(run(sys.argv[1:]))


def _told_to_end(sign: int, frame: FrameType | None) -> None:
    """A job that is told to end cleans up as one that is interrupted: nothing half-written stays.

    An exception would strike anywhere in the event loop; an interrupt is what asyncio turns into a cancellation.
    """
    interrupt = signal.getsignal(signal.SIGINT)
    if callable(interrupt):
        interrupt(signal.SIGINT, frame)


def run(arguments: list[str]) -> int:
    """The exit code of the command with these arguments."""
    try:
        code = app(args=_common_first(arguments), standalone_mode=False)
        if code == EXIT_INTERRUPTED:  # Typer has caught the interrupt already
            return _interrupted()
        return code if isinstance(code, int) else 0
    except VisavisError as error:
        return _fail(str(error))
    except (typer.Abort, KeyboardInterrupt):
        return _interrupted()
    except TyperException as error:
        message = error.format_message()
        if message.startswith("Usage:"):  # no command at all: the message is the help
            typer.echo(message)
            return EXIT_ERROR
        return _fail(message.rstrip(".") + " (see --help)")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except Exception as error:
        return _bug(error)


def _common_first(arguments: list[str]) -> list[str]:
    """The same with the options of all commands before the command, where they are understood: people type them
    anywhere."""
    common: list[str] = []
    rest = list(arguments)
    i = 0
    while i < len(rest) and rest[i] != "--":
        if rest[i] in ("--commercial-only", "--verbose", "-v") or rest[i].startswith("--set="):
            common.append(rest.pop(i))
        elif rest[i] == "--set":
            common += rest[i : i + 2]
            del rest[i : i + 2]
        else:
            i += 1
    return [*common, *rest]


def _fail(message: str) -> int:
    typer.echo("visavis: " + " ".join(message.split()), err=True)
    return EXIT_ERROR


def _interrupted() -> int:
    typer.echo("visavis: interrupted; nothing half-written is left", err=True)
    return EXIT_INTERRUPTED


def _bug(error: Exception) -> int:
    with tempfile.NamedTemporaryFile("w", prefix="visavis-", suffix=".log", delete=False, encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
    name = Path(log.name)
    typer.echo(f"visavis: this is our mistake ({type(error).__name__}); please report it with {name}", err=True)
    return EXIT_BUG


def _register() -> None:
    # each module adds its commands, in the order in which help shows them; none imports anything heavy before it runs
    for subject in (
        "serve",
        "ui",
        "service",
        "ask",
        "animate",
        "avatar",
        "models",
        "pull",
        "importing",
        "preview",
        "networks",
        "doctor",
        "evaluate",
        "bench",
    ):
        importlib.import_module(f"visavis.cli.{subject}")


_register()
