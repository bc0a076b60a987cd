"""A file from an address that a person names: streamed to disk, within limits, whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from visavis.errors import BadInput, FetchFailed, OutputFailed
from visavis.weights.tensors import LARGEST, is_page

if TYPE_CHECKING:
    import httpx

_CHUNK = 1 << 20
_HOPS = 10
_CONNECT, _READ = 15.0, 60.0  # seconds
_SHA256 = re.compile(r"[0-9a-f]{64}")
_BY_HAND = "fetch it with a browser, and name the file instead"


def is_address(source: str) -> bool:
    """Whether a checkpoint's source is to be fetched, and is no file here."""
    return source.lower().startswith(("http://", "https://"))


def check_sha256(text: str) -> str:
    """A SHA-256 as it is compared: 64 hexadecimal digits in small letters. Raises `BadInput` for anything else."""
    if _SHA256.fullmatch(found := text.strip().lower().removeprefix("sha256:")) is None:
        raise BadInput(f"a SHA-256 has 64 hexadecimal digits, as `sha256sum FILE` prints them; '{text[:80]}' is none")
    return found


def fetch_checkpoint(
    url: str,
    into: Path,
    progress: Callable[[float, str], None] = lambda fraction, doing: None,
    sha256: str | None = None,
) -> Path:
    """Fetch the file at `url` into the folder `into`, which is there; returns its path.

    At most 2 GB, and with the right `sha256` where one is named. Redirections are followed, but never from https to
    http. Raises `FetchFailed` or `OutputFailed`, each with the remedy; nothing half-written stays.
    """
    expected = None if sha256 is None else check_sha256(sha256)
    try:
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=into, ignore_cleanup_errors=True) as work:
            part = Path(work) / "part"
            name, found = _download(url, part, progress)
            if expected not in (None, found):
                raise FetchFailed(
                    f"{_shown(url)} has the SHA-256 {found} and not {expected}: it is not the expected file, "
                    "and was thrown away"
                )
            return part.replace(into / name)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputFailed(f"no space on disk for {_shown(url)}: free some in {into}") from None
        raise OutputFailed(f"cannot write to {into}: {error.strerror or error}") from None


def _download(url: str, part: Path, progress: Callable[[float, str], None]) -> tuple[str, str]:
    """Write what is at `url`; returns its name and its SHA-256."""
    import httpx

    timeout = httpx.Timeout(_READ, connect=_CONNECT)
    # as it is: what is packed on the way has another length than what is told
    headers = {"Accept-Encoding": "identity"}
    try:
        with httpx.Client(timeout=timeout, headers=headers) as client, _opened(client, url) as response:
            total = _length(response, url)
            if total > shutil.disk_usage(part.parent).free:
                raise OSError(errno.ENOSPC, "No space left on device")
            found, done = hashlib.sha256(), 0
            with part.open("xb") as file:
                for chunk in response.iter_bytes(_CHUNK):
                    done += len(chunk)
                    if done > LARGEST:
                        raise _too_large(url)
                    if done == len(chunk) and is_page(chunk):  # which said that it is a file
                        raise _page(url)
                    found.update(chunk)
                    file.write(chunk)
                    progress(done / total if total else 0.0, f"{done / 1e6:.0f} MB" + _of(total))
            if done == 0 or done < total:
                raise FetchFailed(f"{_shown(url)} ended after {done:,}{_of_bytes(total)} bytes: try again")
            return _name(response.url), found.hexdigest()
    except httpx.TimeoutException:
        raise FetchFailed(f"{_shown(url)} does not answer in time: try again, or {_BY_HAND}") from None
    except httpx.RemoteProtocolError:
        raise FetchFailed(f"{_shown(url)} ended before its end: try again") from None
    except httpx.InvalidURL:
        raise FetchFailed(f"'{url[:200]}' is no address: it is written as in https://example.org/file.pth") from None
    except httpx.HTTPError as error:
        raise FetchFailed(f"cannot fetch {_shown(url)} ({_reason(error)}): check the network, or {_BY_HAND}") from None


@contextlib.contextmanager
def _opened(client: httpx.Client, url: str) -> Generator[httpx.Response, None, None]:
    """The answer that has the file, after all redirections."""
    import httpx

    here = httpx.URL(url)
    for _ in range(_HOPS):
        with client.stream("GET", here) as response:
            if response.next_request is None:
                _check_answer(response, url)
                yield response
                return
            there = response.next_request.url
        if there.scheme not in ("http", "https") or (here.scheme == "https" and there.scheme == "http"):
            raise FetchFailed(
                f"{_shown(url)} leads from https to {there.scheme}://{there.host}, which anybody on the way could "
                f"change: {_BY_HAND}"
            )
        here = there
    raise FetchFailed(f"{_shown(url)} leads on and on: {_BY_HAND}")


def _check_answer(response: httpx.Response, url: str) -> None:
    status = response.status_code
    if status in (401, 403, 407):
        raise FetchFailed(f"{_shown(url)} is not for everyone ({status}), it may want a login: {_BY_HAND}")
    if status in (404, 410):
        raise FetchFailed(f"there is nothing at {_shown(url)} ({status}): check the address")
    if status != 200:
        raise FetchFailed(f"{_shown(url)} cannot be had now ({status}): try again later, or {_BY_HAND}")
    if response.headers.get("content-type", "").partition(";")[0].strip().lower() in ("text/html", "application/xml"):
        raise _page(url)


def _page(url: str) -> FetchFailed:
    return FetchFailed(f"{_shown(url)} is a web page and no file: a login or a click is wanted there; {_BY_HAND}")


def _too_large(url: str) -> FetchFailed:
    return FetchFailed(f"{_shown(url)} is larger than 2 GB: no checkpoint that can be used here is; check the address")


def _length(response: httpx.Response, url: str) -> int:
    """How many bytes will come; 0 where it is not told."""
    told = response.headers.get("content-length", "")
    length = int(told) if told.isdecimal() and len(told) < 20 else 0
    if length > LARGEST:
        raise _too_large(url)
    return length if "content-encoding" not in response.headers else 0


def _of(total: int) -> str:
    return f" of {total / 1e6:.0f}" if total else ""


def _of_bytes(total: int) -> str:
    return f" of {total:,}" if total else ""


def _name(url: httpx.URL) -> str:
    """What to call the file: the address's last part, without what no file's name can have."""
    last = unquote(url.path).rstrip("/").rpartition("/")[2]
    return re.sub(r"[^A-Za-z0-9._-]", "_", last)[-100:].lstrip(".") or "checkpoint"


def _shown(url: str) -> str:
    """An address as it may be seen: without passwords and keys."""
    import httpx

    try:
        address = httpx.URL(url).copy_with(userinfo=b"", query=None, fragment=None)
    except httpx.InvalidURL:
        return "the address"
    return str(address)[:200]


def _reason(error: httpx.HTTPError) -> str:
    text = str(error).strip()
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate is not trusted"
    if any(each in text for each in ("Name or service not known", "getaddrinfo", "name resolution")):
        return "its name is not known"
    return text or type(error).__name__
