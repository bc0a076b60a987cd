"""What `visavis doctor` finds about the model hub: the way to it, what was pulled from it, and the room there is."""

from __future__ import annotations

import os
import shutil
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import typer

from visavis.cli.finding import Finding
from visavis.settings import Settings

_PATIENCE = 4.0
"""Seconds for an answer, and again for its beginning."""
_SCARCE = 3e9
"""Bytes on the disk below which a good mind may not fit."""
_ELSEWHERE = "visavis models import FOLDER, with what another machine has"


def hub_findings(settings: Settings) -> list[Finding]:
    """About the way to the hub, models, and this machine's room. Nothing of it is needed for an answer."""
    return [*_proxies(), _hub(), _cache(), _models(), _room(settings)]


def _hub() -> Finding:
    """Whether the hub answers: anything that is no error of its own, or of something on the way, will do."""
    from visavis.weights.hub import endpoint, is_offline

    address, subject = _bare(endpoint()), "the model hub"
    if is_offline():
        detail = f"{address} is not asked, since HF_HUB_OFFLINE is set"
        return Finding(subject, "works", f"{detail}; models come from other machines: {_ELSEWHERE}")
    whose = ", which HF_ENDPOINT names," if os.environ.get("HF_ENDPOINT") else ""
    if sys.stderr.isatty():
        typer.echo(f"asking {address} …", err=True)
    if fault := _fault(endpoint()):
        remedy = "correct HF_ENDPOINT, or unset it" if whose else "name a mirror in HF_ENDPOINT"
        if _proxy(endpoint()):
            remedy = f"correct the proxy (HTTPS_PROXY), or except the hub from it (NO_PROXY); {remedy}"
        return Finding(subject, "falls back", f"{address}{whose} {fault}", f"{remedy}; or {_ELSEWHERE}")
    return Finding(subject, "works", f"{address}{whose} answers")


def _fault(url: str) -> str:
    """Why models cannot be fetched from there, in words that follow its address; '' if they can."""
    import httpx

    from visavis.weights.transfer import USER_AGENT

    try:
        with httpx.Client(timeout=_PATIENCE, headers={"User-Agent": USER_AGENT}) as client:
            status = client.head(url, follow_redirects=False).status_code
    except httpx.TimeoutException:
        return f"does not answer within {_PATIENCE:g} s"
    except httpx.ProxyError as error:
        return f"cannot be reached, since the proxy refuses ({_plain(error)})"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, ImportError, OSError) as error:
        return f"cannot be reached ({_plain(error)})"
    if status == 407:
        return "cannot be reached, since the proxy wants a name and a password (407)"
    return f"does not work just now: it answers {status}" if status >= 500 else ""


def _plain(error: Exception) -> str:
    """An error's words, without the passwords of proxies in them."""
    from visavis.weights.hub import endpoint

    text = " ".join(str(error).split())
    for address in (endpoint(), *urllib.request.getproxies().values()):
        text = text.replace(address, _bare(address))
        if login := _login(address):
            text = text.replace(f"{login}@", "")
    return text[:200] or type(error).__name__


def _proxies() -> list[Finding]:
    """The proxy through which the hub is asked, if one is set."""
    from visavis.weights.hub import endpoint

    known = urllib.request.getproxies()
    spared = f"; not for {known['no']} (NO_PROXY)" if known.get("no") else ""
    if proxy := _proxy(endpoint()):
        return [Finding("the proxy", "works", f"{_bare(proxy)} is asked for the hub{spared}")]
    if any(known.get(each) for each in ("http", "https", "all")):
        return [Finding("the proxy", "works", f"the hub is asked without the one that is set{spared}")]
    return []


def _proxy(url: str) -> str:
    """The address of the proxy through which another is asked; '' for none."""
    try:
        parts = urlsplit(url)
        if parts.hostname and urllib.request.proxy_bypass(parts.hostname):
            return ""
    except ValueError:
        return ""
    known = urllib.request.getproxies()
    return known.get(parts.scheme) or known.get("all") or ""


def _login(address: str) -> str:
    """The name and the password in an address."""
    return address.rpartition("://")[2].rpartition("@")[0]


def _bare(address: str) -> str:
    """An address without the name and the password in it."""
    login = _login(address)
    return address.replace(f"{login}@", "", 1) if login else address


def _cache() -> Finding:
    from visavis.weights.hub import cache

    here = cache()
    if not here.is_dir():
        return Finding("the hub's cache", "works", f"empty ({here}); what other programs fetch there is used from it")
    size = 0
    for folder, _, names in os.walk(here):
        size += sum(_size(Path(folder) / name) for name in names)
    return Finding("the hub's cache", "works", f"{_amount(size)} of other programs' models in {here}")


def _size(path: Path) -> int:
    """Of a file itself: links to others are not counted again."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _models() -> Finding:
    """What was pulled, what of it is damaged, and what has broken off."""
    from visavis.weights.models import installed, models, place
    from visavis.weights.pull import kept

    subject = "models"
    known = models().values()
    whole = [model for model in known if installed(model.name) is not None]
    damaged = [model.name for model in known if place(model.name).is_dir() and model not in whole]
    begun = [(model.name, size) for model in known if model not in whole and (size := kept(model.name))]
    here = ", ".join(f"{model.name} ({_amount(model.bytes)})" for model in whole)
    if damaged:
        detail = f"{', '.join(damaged)}: not whole" + (f"; whole: {here}" if here else "")
        return Finding(subject, "falls back", detail, f"visavis models pull {' '.join(damaged)}")
    if begun:
        detail = "; ".join(f"{_amount(size)} of {name} are here" for name, size in begun)
        detail += f"; whole: {here}" if here else ""
        return Finding(subject, "falls back", detail, f"visavis models pull {' '.join(name for name, _ in begun)}")
    return Finding(subject, "works", here or "none was pulled: `visavis models pull recommended` fetches good ones")


def _room(settings: Settings) -> Finding:
    from visavis.machine import available, memory

    place = settings.data_dir.absolute()
    while not place.is_dir():
        place = place.parent
    free = shutil.disk_usage(place).free
    detail = (
        f"{_amount(available())} of {_amount(memory())} memory available, {_amount(free)} free on the disk of "
        f"{settings.data_dir}"
    )
    if free < _SCARCE:
        return Finding("room for models", "falls back", detail, "free some, or set VISAVIS_DATA_DIR to another disk")
    return Finding("room for models", "works", detail)


def _amount(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
