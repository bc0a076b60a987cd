"""A process that answers, and whose library prints whatever it likes. Run with the word `broken`, it does not begin."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from visavis.engines.answering import Answer, serve


def begin() -> Callable[[Mapping[str, Any]], Answer]:
    print("loading …", flush=True)
    os.write(1, b"{}\n")
    if "broken" in sys.argv:
        raise OSError("the model\n  is damaged")
    return respond


def respond(request: Mapping[str, Any]) -> Answer:
    print("speaking …", flush=True)
    if request["say"] == "fail":
        raise KeyError
    time.sleep(request.get("seconds", 0.0))
    return {"said": request["say"], "pid": os.getpid()}, request["say"].encode()


if __name__ == "__main__":
    serve(begin)
