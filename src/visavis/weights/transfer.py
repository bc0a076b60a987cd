"""The bytes of one file, from a server: what is here already is kept, and a server that stalls is asked again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from visavis import __version__
from visavis.errors import FetchFailed
from visavis.weights.line import Line, opened

if TYPE_CHECKING:
    import httpx

USER_AGENT = f"visavis/{__version__}"
"""Said to every server; some refuse what Python's own libraries say."""
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before a server is asked again that gave nothing since the last time; then it is given up."""

_CONNECT = 15.0  # seconds to wait for a connection
_TICK = 0.2
_SYNC = 64 << 20  # bytes after which what is here is made to outlast a power loss
_LONGEST = 60.0  # seconds that a busy server may have us wait
_BUSY = (408, 425, 429, 500, 502, 503, 504)
_RESOLVING = ("Name or service not known", "name resolution", "getaddrinfo", "nodename nor servname")


class Unreachable(FetchFailed):
    """A server that could not be reached, or must not be: everything that is here goes on working."""


class Refused(Exception):
    """A server's answer that is not the file: `status` is HTTP's, `host` whose it is."""

    def __init__(self, status: int, host: str, wait: float | None = None) -> None:
        super().__init__(status, host)
        self.status = status
        self.host = host
        self.wait = wait
        """Seconds after which the server wants to be asked again; None: it did not say."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a file is, and what is told about it."""

    url: str
    bytes: int
    """Its size; 0: not told."""
    etag: str = ""
    """The mark of this very content, without quotes; '': not told."""
    commit: str = ""
    """Of the repository, at the hub."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """To be sent; they may hold a token."""


def read_timeout() -> float:
    """Seconds without a byte after which a connection counts as stalled: the hub's `HF_HUB_DOWNLOAD_TIMEOUT`, or 10."""
    told = os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT", "")
    return float(told) if told.isdecimal() and int(told) else 10.0


def download(line: Line, remote: Remote, part: Path, progress: Callable[[int], None]) -> None:
    """Fetch the file into `part`, from where it ends; what was fetched of another content is begun anew.

    `progress` is called with the bytes that are there, every MiB and every 0.2 s, and may raise.
    A connection that stalls or breaks is made again; `PAUSES` without a byte in between are one too many. Whatever
    happens, what was fetched stays in `part`. Raises `Unreachable`, `FetchFailed`, `Refused` or `OSError`.
    """
    _keep_only(part, remote.etag)
    tries = 0
    while True:
        before = held(part)
        try:
            _stream(line, remote, part, progress)
            return
        except Unreachable:
            if held(part) > before:
                tries = 0
            if tries == len(PAUSES):
                raise
            wait = PAUSES[tries]
        except Refused as refusal:
            if refusal.status not in _BUSY or tries == len(PAUSES):
                raise
            wait = PAUSES[tries] if refusal.wait is None else min(refusal.wait, _LONGEST)
        tries += 1
        pause(wait, lambda: progress(held(part)))


def held(part: Path) -> int:
    """The bytes that are there of a file that is being fetched."""
    try:
        return part.stat().st_size
    except OSError:
        return 0


def pause(seconds: float, tick: Callable[[], None]) -> None:
    """Wait, and call `tick` now and then, which may raise."""
    end = time.monotonic() + seconds
    tick()
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, _TICK))
        tick()


@contextmanager
def connection() -> Generator[Line, None, None]:
    """What requests are made through: proxies and certificates as the environment names them. Raises `Unreachable`."""
    import httpx

    # as it is: what is packed on the way has another length than what is told
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    try:
        client = httpx.Client(timeout=httpx.Timeout(read_timeout(), connect=_CONNECT), headers=headers)
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
        raise Unreachable(
            f"cannot connect to anything ({' '.join(str(error).split())}): correct HTTPS_PROXY, ALL_PROXY or "
            "SSL_CERT_FILE"
        ) from None
    with opened(client) as line:
        yield line


def request(
    line: Line, method: str, url: str, headers: Mapping[str, str], tick: Callable[[], None], *, follow: bool
) -> httpx.Response:
    """An answer, its body still to come: close it, on the line. Raises `Unreachable`, in one sentence."""
    import httpx

    try:
        built = line.client.build_request(method, url, headers=dict(headers))
        return line.wait(lambda: line.client.send(built, stream=True, follow_redirects=follow), tick)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise FetchFailed(f"'{url[:200]}' is no address: HF_ENDPOINT is one as https://hub.example.org is") from None
    except httpx.HTTPError as error:
        raise unreachable(url, error) from None


def offline() -> Unreachable:
    """The error where the hub must not be asked."""
    return Unreachable(
        "HF_HUB_OFFLINE is set, so nothing is fetched: unset it, or bring the model from another machine with "
        "`visavis models import FOLDER`"
    )


def unreachable(url: str, error: httpx.HTTPError) -> Unreachable:
    """The error about a server that does not answer: what is wrong, and what to look at."""
    import httpx

    try:
        name = httpx.URL(url).host
    except httpx.InvalidURL:
        name = url
    text = " ".join(str(error).split())
    if isinstance(error, httpx.ProxyError):
        return Unreachable(f"the proxy does not lead to {name} ({text}): correct HTTPS_PROXY, or add to NO_PROXY")
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return Unreachable(
            f"{name} has a certificate that is not trusted here: behind a company's proxy, name its certificates in "
            "SSL_CERT_FILE"
        )
    if any(each in text for each in _RESOLVING):
        why = "its name is not known: there may be no network"
    elif isinstance(error, httpx.TimeoutException):
        why = "it does not answer in time"
    elif isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        why = "it breaks off"
    else:
        why = text or type(error).__name__
    return Unreachable(
        f"{name} cannot be reached ({why}): try again, set HTTPS_PROXY for a proxy or HF_ENDPOINT for a mirror; what "
        "is fetched is kept"
    )


def check(response: httpx.Response) -> None:
    """Raises `Refused` for what is no answer to use, `FetchFailed` for a web page where a file was asked for."""
    host = response.url.host
    if response.status_code >= 400:
        wait = response.headers.get("retry-after", "")
        raise Refused(response.status_code, host, float(wait) if wait.isdecimal() else None)
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/html":
        raise FetchFailed(
            f"{host} answers with a web page and no file: log in to this network, or correct HF_ENDPOINT where it is "
            "set"
        )


def _stream(line: Line, remote: Remote, part: Path, progress: Callable[[int], None]) -> None:
    """Ask once for what is lacking, and write it as it comes."""
    have = held(part)
    if remote.bytes and have == remote.bytes:
        return
    if remote.bytes and have > remote.bytes:
        part.unlink()
        have = 0
    mark = _mark(part)
    headers = dict(remote.headers)
    if have:
        headers["Range"] = f"bytes={have}-"
        if not remote.etag:  # nobody has told whether the content is still the same
            headers["If-Range"] = mark
    response = request(line, "GET", remote.url, headers, lambda: progress(have), follow=True)
    try:
        if remote.url.startswith("https:") and response.url.scheme != "https":
            raise FetchFailed(
                f"{response.url.host} would send it without encryption, where anybody could change it: use another "
                "network, or a mirror by HF_ENDPOINT"
            )
        if response.status_code == 416:  # it ends where ours does, or before
            part.unlink()
            raise Unreachable(f"{response.url.host} does not go on where it broke off: try again")
        check(response)
        start = _start(response)
        if start not in (0, have):
            part.unlink()
            raise Unreachable(f"{response.url.host} goes on at another place than it was asked for: try again")
        _write(line, remote, response, part, start, progress)
    finally:
        line.later(response.close)


def _write(
    line: Line, remote: Remote, response: httpx.Response, part: Path, start: int, progress: Callable[[int], None]
) -> None:
    if start == 0 and not remote.etag:
        _set_mark(part, _validator(response))
    done = told = synced = start
    last = time.monotonic()
    with part.open("ab" if start else "wb", buffering=0) as file:
        for chunk in _chunks(line, remote.url, response, lambda: progress(held(part))):
            _put(file, chunk)
            done += len(chunk)
            if remote.bytes and done > remote.bytes:
                file.truncate(0)
                raise FetchFailed(
                    f"{response.url.host} sends more than the {remote.bytes:,} bytes that it told: try again later"
                )
            if done - synced >= _SYNC:
                os.fsync(file.fileno())
                synced = done
            if done - told >= 1 << 20 or time.monotonic() - last >= _TICK:
                told, last = done, time.monotonic()
                progress(done)
        os.fsync(file.fileno())
    progress(done)
    if done < (remote.bytes or 1):
        raise Unreachable(f"{response.url.host} ends after {done:,} bytes, before the file does: try again")


def _put(file: FileIO, chunk: bytes) -> None:
    """Write all of it; a disk that is nearly full takes less than it is given."""
    left = memoryview(chunk)
    while left:
        left = left[file.write(left) :]


def _chunks(line: Line, url: str, response: httpx.Response, tick: Callable[[], None]) -> Iterator[bytes]:
    """The body as it comes. Raises `Unreachable` where it breaks off."""
    import httpx

    packed = response.headers.get("content-encoding", "identity").lower() != "identity"
    chunks = response.iter_bytes() if packed else response.iter_raw()
    try:
        while (chunk := line.wait(lambda: next(chunks, None), tick)) is not None:
            yield chunk
    except httpx.HTTPError as error:
        raise unreachable(url, error) from None


def _start(response: httpx.Response) -> int:
    """Where in the file the body begins; -1 where that cannot be used."""
    if response.status_code != 206:
        return 0
    first = response.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() and "content-encoding" not in response.headers else -1


def _validator(response: httpx.Response) -> str:
    """What a later request says for `If-Range`: a strong mark of the content, or when it was changed, or ''."""
    etag = str(response.headers.get("etag", ""))
    return etag if etag.startswith('"') else str(response.headers.get("last-modified", ""))


def _keep_only(part: Path, etag: str) -> None:
    """Drop what was fetched of another content, or of nobody knows which."""
    if held(part) and (not _mark(part) or (etag and _mark(part) != etag)):
        part.unlink()
    if etag:
        _set_mark(part, etag)


def _mark(part: Path) -> str:
    """Of which content `part` is."""
    try:
        return part.with_name(f"{part.name}.etag").read_text("utf-8")
    except OSError:
        return ""


def _set_mark(part: Path, etag: str) -> None:
    part.with_name(f"{part.name}.etag").write_text(etag, "utf-8")
