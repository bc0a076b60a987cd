"""The other side of `engines.child`: requests in, answers out, in a process that was started for them."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

Answer = tuple[dict[str, Any], bytes]


def serve(begin: Callable[[], Callable[[Mapping[str, Any]], Answer]]) -> None:
    """Answer requests until there are no more, with what `begin` returns: a request's answer and its raw bytes.

    What either raises is answered as an `error`, in one line. Whatever a library prints goes nowhere near the answers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process by its input
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        respond = begin()
    except Exception as error:  # libraries throw what they like
        _write(answers, {"error": _brief(error)}, b"")
        return
    _write(answers, {}, b"")
    for line in sys.stdin.buffer:
        request = json.loads(line)
        sys.stdin.buffer.read(request["bytes"])
        try:
            head, body = respond(request)
        except Exception as error:  # the same
            head, body = {"error": _brief(error)}, b""
        _write(answers, head, body)


def _write(answers: BinaryIO, head: dict[str, Any], body: bytes) -> None:
    answers.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)
    answers.flush()


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
