"""Which conversation has which slot of llama.cpp's prompt cache."""

from __future__ import annotations

import logging
import os
import secrets
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a conversation's prompt is kept."""

    id: int
    like: int | None
    """Another slot whose prompt is to be copied here first: this one has never been used."""


class Slots:
    """A slot for each conversation; beyond `count`, the least recently used one is given to the next."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._of: OrderedDict[str, int] = OrderedDict()  # by session, the least recently used first
        self._used: list[int] = []  # every slot that has a prompt, the most recently used last
        self._busy: list[int] = []

    @contextmanager
    def take(self, session: str) -> Iterator[Slot]:
        """The slot of `session` while an answer is made in it."""
        if session not in self._of:
            free = len(self._of)
            self._of[session] = free if free < self._count else self._of.popitem(last=False)[1]
        self._of.move_to_end(session)
        id = self._of[session]
        idle = [other for other in self._used if other not in self._busy]
        like = idle[-1] if idle and id not in self._used else None
        self._used = [other for other in self._used if other != id] + [id]
        self._busy.append(id)
        try:
            yield Slot(id, like)
        finally:
            self._busy.remove(id)

    def forget(self) -> None:
        """Give every slot to whom comes next; the prompts stay."""
        self._of.clear()


class Door:
    """llama.cpp's port on this machine, to which only this process has the key, and a folder they share."""

    def __init__(self) -> None:
        self.key = secrets.token_urlsafe(32)
        self._folder = tempfile.TemporaryDirectory(prefix="visavis-", ignore_cleanup_errors=True)
        self.folder = self._folder.name + os.sep
        """As llama.cpp wants it: it only appends a file's name."""

    def copy(self, address: str, source: int, target: int) -> None:
        """Copy the prompt of one slot to another: milliseconds instead of a second to read it again.

        llama.cpp offers this only at its port, through a file. Blocks. If it does not work, nothing is lost but time.
        """
        import httpx

        file = Path(self.folder, f"prompt-{target}")
        try:
            headers = {"Authorization": f"Bearer {self.key}"}
            # plain HTTP on this machine: no certificates to load, which would take longer than the copy
            with httpx.Client(headers=headers, trust_env=False, verify=False) as client:
                for slot, action in ((source, "save"), (target, "restore")):
                    url = f"{address}/slots/{slot}?action={action}"
                    client.post(url, json={"filename": file.name}).raise_for_status()
        except httpx.HTTPError as error:
            _log.warning("the prompt cache was not copied: %s", error)
        finally:
            file.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()
