"""Threads that give way come after the others, and so do those that they start."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

import pytest

from visavis.streams.priority import give_way

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="niceness is a thread's own on Linux alone")


def in_a_thread(act: Callable[[], None]) -> None:
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def test_a_thread_that_gives_way_and_what_it_starts_are_nicer_than_the_rest() -> None:
    found: list[int] = []

    def act() -> None:
        give_way()
        found.append(niceness())
        in_a_thread(lambda: found.append(niceness()))

    in_a_thread(act)
    assert found[0] == found[1] > niceness()


def test_where_a_sandbox_forbids_it_all_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", forbid)
    found: list[int] = []

    def act() -> None:
        give_way()
        found.append(niceness())

    in_a_thread(act)
    assert found == [niceness()]
