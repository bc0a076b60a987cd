"""The help of every command teaches: a short line in the list, and examples that can be typed as they stand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from tests.cli.conftest import Command
from visavis.cli.app import app

ROOT: Any = typer.main.get_command(app)


def _commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command and group, the program itself included."""
    yield path
    for name, child in getattr(command, "commands", {}).items():
        yield from _commands(child, (*path, name))


def _examples(help: str) -> list[list[str]]:
    """What the examples tell to type after `visavis`, word by word."""
    end = " ".join(help.partition("Example")[2].split())
    return [shlex.split(example) for example in re.split(r"(?:&& |\|\| )?visavis ", end)[1:]]


def _understood(words: list[str]) -> None:
    """Raises where the program would not understand these arguments."""
    command, context, name = ROOT, None, "visavis"
    while True:
        context = command.make_context(name, words, parent=context)
        if not hasattr(command, "commands"):
            return
        rest: list[str] = [*context._protected_args, *context.args]
        name, words = rest[0], rest[1:]
        command = command.commands[name]


@pytest.mark.parametrize("path", list(_commands(ROOT)), ids=" ".join)
def test_help_ends_with_examples_of_this_command_that_are_understood(visavis: Command, path: tuple[str, ...]) -> None:
    outcome = visavis(*path, "--help")
    assert outcome.code == 0
    typed = _examples(outcome.out)
    assert any([word for word in words if word in path][: len(path)] == list(path) for words in typed)
    for words in typed:
        _understood(words)


@pytest.mark.parametrize("path", [(), ("models",), ("avatar",)], ids=" ".join)
def test_every_command_is_summed_up_in_a_whole_sentence(visavis: Command, path: tuple[str, ...]) -> None:
    _, _, listed = visavis(*path, "--help").out.partition("Commands:\n")
    lines = [line for line in listed.partition("\n\n")[0].splitlines() if line.strip()]
    assert len(lines) >= 4
    assert all(line.endswith(".") and not line.endswith("...") for line in lines)


def test_the_version_is_shown_as_the_help_says(visavis: Command) -> None:
    assert re.search(r"--version +Show the version and exit\.", visavis("--help").out)
    assert re.fullmatch(r"visavis \d+\.\d+\.\d+\S*\n", visavis("--version").out)
