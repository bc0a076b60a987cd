"""Who waits where cores are short: pictures are due every 40 ms, words a few times a second."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

_BEHIND = 5  # niceness: a third of the time where others want it too, all of it where nobody does


def give_way() -> None:
    """Have this thread, and those that it starts, come after the face and the sound.

    On Linux; elsewhere, niceness is a whole process's.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a sandbox may forbid it: then all are equal
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _BEHIND)
