"""What the hub tells about a file: its size, its checksum, and where its bytes are.

The hub is spoken to by hand. huggingface_hub's own download (2.4) begins anew in every process, hands out 10 MiB at a
time and loses those that were under way; Xet's chunks are not a file's beginning that another process could go on with;
and the library tells the hub what else is installed here, and asks it for a list of programs once a day.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote, urljoin, urlsplit

from visavis.errors import FetchFailed
from visavis.weights.hub import endpoint, is_offline, token
from visavis.weights.line import Line
from visavis.weights.models import Model, ModelFile
from visavis.weights.transfer import Refused, Remote, check, offline, pause, request

_HUBS = ("https://huggingface.co", "https://hf.co")
_HOPS = 10
_ASKED = 3  # times, while the server is busy
_LONGEST = 30.0  # seconds that it may have us wait
_COMMIT, _ETAG, _SIZE = "x-repo-commit", "x-linked-etag", "x-linked-size"


def locate(line: Line, model: Model, file: ModelFile, revision: str, tick: Callable[[], None] = lambda: None) -> Remote:
    """Where a file of a model is, and what is told about it; `tick` is called while waiting, and may raise.

    Raises `Unreachable`, or `FetchFailed` with the remedy.
    """
    if is_offline():
        raise offline()
    if file.url:
        return Remote(file.url, 0)
    for left in reversed(range(_ASKED)):
        try:
            return _ask(line, model, file, revision, tick)
        except Refused as refusal:
            if left == 0 or refusal.status not in (429, 500, 502, 503, 504):
                raise FetchFailed(refused(model, file, refusal)) from None
            pause(min(refusal.wait or 1.0, _LONGEST), tick)
    raise AssertionError


def refused(model: Model, file: ModelFile, refusal: Refused) -> str:
    """What a server's refusal means, and what to do, in a sentence."""
    host, status = refusal.host, refusal.status
    if status == 407:
        return "the proxy wants a login (407): write it into HTTPS_PROXY, as in http://name:password@proxy:8080"
    if status in (401, 403) and not file.url:
        return (
            f"{host} does not give {model.title} to everyone ({status}): accept its terms at "
            f"{endpoint()}/{model.repository}, and set HF_TOKEN to a token of yours ({endpoint()}/settings/tokens)"
        )
    if status in (401, 403):
        return f"{host} does not give {file.path} to this machine ({status}): try again later, or by another network"
    if status in (404, 410):
        return (
            f"{host} does not have {file.path} of {model.title} ({status}): correct HF_ENDPOINT where it is set, or "
            "update Visavis, which may know where it is now"
        )
    return f"{host} cannot give {file.path} of {model.title} now ({status}): try again later; what is fetched is kept"


def _ask(line: Line, model: Model, file: ModelFile, revision: str, tick: Callable[[], None]) -> Remote:
    url = f"{endpoint()}/{model.repository}/resolve/{quote(revision, safe='')}/{quote(file.path)}"
    headers = {"Authorization": f"Bearer {known}"} if (known := token()) else {}
    for _ in range(_HOPS):
        response = request(line, "HEAD", url, headers, tick, follow=False)
        line.later(response.close)
        told, leads = response.headers, response.has_redirect_location
        if leads and _ETAG not in told:  # to where a repository was moved, or from a mirror to the hub
            there = urljoin(url, told["location"])
            if _origin(there) not in (_origin(url), *_HUBS):
                headers = {}  # the token is the hub's alone
            url = there
            continue
        check(response)
        size = told.get(_SIZE, "") or ("" if leads else told.get("content-length", ""))
        return Remote(
            url=url,
            bytes=int(size) if size.isdecimal() else 0,
            etag=(told.get(_ETAG) or told.get("etag", "")).removeprefix("W/").strip('"'),
            commit=told.get(_COMMIT, ""),
            headers=headers,
        )
    raise FetchFailed(f"{endpoint()} leads on and on for {file.path}: correct HF_ENDPOINT")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
