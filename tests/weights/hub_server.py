"""A model hub on this machine, as far as files are fetched from one; it can be as bad as a test wants."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_RESOLVE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
_RANGE = re.compile(r"bytes=(\d+)-")


@dataclass
class Served:
    """A file, and how it is served."""

    content: bytes
    large: bool = True
    """Kept beside the repository (LFS): its mark is its SHA-256, and its bytes come from another host."""
    status: int = 200
    """What is answered; what is none of 200 tells nothing."""
    told: bytes | None = None
    """The content that the hub says it is, if another."""
    etag: str | None = None
    """The mark that is told, if another."""
    cuts: list[int] = field(default_factory=list)
    """For each of the next requests: after how many bytes the connection is closed."""
    stall_after: int | None = None
    """Bytes after which nothing more comes, until `Hub.release`."""
    drip: int = 0
    """Bytes at a time, with a pause between them; 0: all at once."""
    ranges: bool = True
    """Whether a part can be asked for."""
    parts: list[tuple[int, int]] = field(default_factory=list)
    """What was sent: from which byte, and how many."""

    @property
    def sent(self) -> int:
        return sum(count for _, count in self.parts)


@dataclass
class Hub:
    """What is served, and what was asked for."""

    url: str
    files: dict[str, Served] = field(default_factory=dict)
    """By repository and path, as in `visavis/tiny/model.bin`; `cdn/…` is outside the hub."""
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    """Method, path and headers (small letters) of every request."""
    stalled: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    token: str = ""
    """Without which nothing of the hub is given; '': it is for everyone."""
    moved: dict[str, str] = field(default_factory=dict)
    """By repository: where it is now."""

    def add(self, name: str, content: bytes, **how: object) -> Served:
        """Serve a file."""
        self.files[name] = Served(content, **how)  # type: ignore[arg-type]
        return self.files[name]

    @property
    def cdn(self) -> str:
        """The same server under another name, which has no business with a hub's token."""
        return self.url.replace("127.0.0.1", "localhost")

    def gets(self) -> list[str]:
        """The paths that were asked for, with their bytes."""
        return [path for method, path, _ in self.asked if method == "GET"]


def git_sha1(content: bytes) -> str:
    """What Git calls a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serve() -> Iterator[Hub]:
    """A hub on 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path = unquote(self.path)
            hub.asked.append((self.command, path, {name.lower(): value for name, value in self.headers.items()}))
            if path.startswith(("/lfs/", "/cdn/")):
                self._bytes(path)
            else:
                self._hub(path)

        def _hub(self, path: str) -> None:
            match = _RESOLVE.fullmatch(path)
            if match is None:
                self._refuse(404, "RepoNotFound")
                return
            repository, revision, name = match.groups()
            if repository in hub.moved:
                self.send_response(307)
                self.send_header("Location", f"/{hub.moved[repository]}/resolve/{revision}/{name}")
                self.end_headers()
                return
            if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
                self._refuse(401 if "Authorization" not in self.headers else 403, "GatedRepo")
                return
            served = hub.files.get(f"{repository}/{name}")
            if served is None or served.status != 200:
                self._refuse(404 if served is None else served.status, "EntryNotFound")
                return
            told = served.content if served.told is None else served.told
            if not served.large:
                self._bytes(f"/{repository}/{name}", served.etag or git_sha1(told))
                return
            self.send_response(302)
            self.send_header("Location", f"{hub.cdn}/lfs/{repository}/{name}")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("X-Linked-Etag", f'"{served.etag or hashlib.sha256(told).hexdigest()}"')
            self.send_header("X-Linked-Size", str(len(told)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _bytes(self, path: str, etag: str = "") -> None:
            served = hub.files.get(path.removeprefix("/lfs/").removeprefix("/"))
            agent = self.headers.get("User-Agent", "").lower()
            if served is None or served.status != 200:
                self._refuse(404 if served is None else served.status)
                return
            if path.startswith("/cdn/") and agent.startswith(("python", "unknown")):
                self._refuse(403)
                return
            etag = etag or served.etag or hashlib.md5(served.content).hexdigest()
            start = self._start(served, etag)
            if start and start >= len(served.content):
                self._refuse(416)
                return
            self.send_response(206 if start else 200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(len(served.content) - start))
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Repo-Commit", COMMIT)
            if start:
                end = len(served.content)
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
            self.end_headers()
            if self.command == "GET":
                self._send(served, start)

        def _start(self, served: Served, etag: str) -> int:
            wanted = _RANGE.fullmatch(self.headers.get("Range", ""))
            same = self.headers.get("If-Range", f'"{etag}"') == f'"{etag}"'
            return int(wanted[1]) if wanted and same and served.ranges else 0

        def _send(self, served: Served, start: int) -> None:
            left = memoryview(served.content)[start:]
            cut = served.cuts.pop(0) if served.cuts else None
            if cut is not None:
                left = left[:cut]
            stall = None if served.stall_after is None else max(served.stall_after - start, 0)
            sent = 0
            try:
                while left:
                    if stall is not None and sent >= stall:
                        hub.stalled.set()
                        hub.release.wait(60)
                        stall = None
                    piece = left[: served.drip or (min(len(left), stall - sent) if stall is not None else len(left))]
                    self.wfile.write(piece)
                    sent += len(piece)
                    left = left[len(piece) :]
                    if served.drip:
                        time.sleep(0.002)
            except OSError:  # the other end has had enough
                pass
            served.parts.append((start, sent))
            self.close_connection = True

        def _refuse(self, status: int, code: str = "") -> None:
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        hub = Hub(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.release.set()
            server.shutdown()
            thread.join()


@contextmanager
def alone(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Hub]:
    """A hub, empty at first, the only one that is asked; data and the hub's own cache lie in `folder`."""
    for name in list(os.environ):
        if name.startswith(("HF_", "HUGGING", "TRANSFORMERS_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HF_HOME", str(folder / "hf"))
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(folder / "data"))
    monkeypatch.setattr("visavis.weights.transfer.PAUSES", (0.0, 0.0))
    with serve() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running
