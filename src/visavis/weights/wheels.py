"""One wheel through the user's own pip: its index, proxy and credentials are honoured, its progress is reported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from visavis.errors import FetchFailed, OutputFailed

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")

# What pip prints, to what it means. The first that is found counts, so the cause stands before its consequence:
# an index that cannot be reached also "could not find a version".
_CAUSES = (
    ("No module named pip", "this Python has no pip: run `{python} -m ensurepip`"),
    ("CERTIFICATE_VERIFY_FAILED", "the package index's certificate is not trusted: see pip's `cert` setting"),
    (
        r"NameResolutionError|Temporary failure in name resolution|getaddrinfo",
        "no network, or its names do not resolve",
    ),
    (r"ProxyError|407 ", "the proxy refuses the connection: see pip's `proxy` setting"),
    (r"NewConnectionError|Failed to establish|Retrying \(|timed out", "the package index cannot be reached"),
    (r"40[13] Client Error|credentials", "the package index refuses access: see pip's `index-url` setting"),
    ("No matching distribution|Could not find a version", "the package index does not have it, or does not answer"),
)


def download(requirement: str, into: Path, progress: Callable[[int, int], None]) -> Path:
    """Download the wheel of `requirement` ("name==version") into the folder `into`; returns its path.

    `progress` is called with the bytes that are there and their total. An exception, Ctrl-C included, ends pip.
    Raises `FetchFailed` or `OutputFailed` with the cause; the remedy is the caller's.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input"]
    # the wheel is never installed, so what it asks of the interpreter does not matter
    command += ["--ignore-requires-python", "--disable-pip-version-check", "--progress-bar=raw"]
    command += ["-d", str(into), requirement]
    # pip's own temporary files too lie where they are cleaned up, and where the space was looked at
    environment = os.environ | {name: str(into) for name in ("TMPDIR", "TEMP", "TMP")}
    tail: deque[str] = deque(maxlen=200)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
    ) as pip:
        assert pip.stdout is not None
        try:
            for line in pip.stdout:
                if found := _PROGRESS.match(line):
                    progress(int(found[1]), int(found[2]))
                else:
                    tail.append(line.strip())
        except BaseException:
            pip.kill()
            raise
    if pip.returncode != 0:
        raise _failure("\n".join(tail), pip.returncode)
    wheels = list(into.glob("*.whl"))
    if len(wheels) != 1:
        raise FetchFailed(f"pip left {len(wheels)} wheels of {requirement} instead of one")
    return wheels[0]


def _failure(output: str, code: int) -> FetchFailed | OutputFailed:
    if "No space left on device" in output:
        return OutputFailed("the disk is full")
    for pattern, meaning in _CAUSES:
        if re.search(pattern, output):
            return FetchFailed(meaning.format(python=sys.executable))
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")] or output.splitlines()
    return FetchFailed(errors[-1].removeprefix("ERROR: ") if errors else f"pip ended with code {code}")
