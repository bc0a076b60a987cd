"""Progress bars, on standard error so that standard output stays a program's to read."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def console() -> Console:
    """Standard error, with colours where it is a terminal."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


@contextmanager
def bar(description: str, total: float | None, unit: str) -> Generator[Callable[[float], None], None, None]:
    """A bar for one piece of work: call what it yields with how much is done; a `total` of None is unknown."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    of = f"/{total:.0f}" if total else ""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn(f"{{task.completed:.1f}}{of} {unit}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=(shown := console()), transient=True, disable=not shown.is_terminal) as progress:
        task = progress.add_task(description, total=total)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def steps(description: str) -> Generator[Callable[[float, str], None], None, None]:
    """A bar for work that tells a fraction (0 … 1) and what it is doing; remarks worth keeping stay on the screen."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn(description), BarColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=(shown := console()), transient=True, disable=not shown.is_terminal) as progress:
        task = progress.add_task("", total=1.0)
        yield lambda done, doing: progress.update(task, completed=done, description=doing)


@contextmanager
def downloads() -> Generator[Callable[[str, int, int], None], None, None]:
    """A bar for each file that is fetched, in bytes."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console()) as progress:

        def update(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total)
            progress.update(tasks[name], completed=done, total=total)

        yield update
