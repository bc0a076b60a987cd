"""A page's WebRTC offer, read with care: what aiortc would take for well formed is refused here with a reason."""

from __future__ import annotations

import contextlib
import ipaddress

from aioice.ice import get_host_addresses
from aiortc.sdp import SessionDescription

from visavis.errors import BadInput

_MOST_CANDIDATES = 64
_ONE_OF_EACH = "an offer needs one audio section, one video section, and nothing else"


def reachable(offer: str, host: str | None) -> str:
    """A checked offer (SDP), its candidates at addresses only; `host` is the page's own, None for this machine's.

    A browser that was not allowed the microphone yet hides its address behind a name ending in .local. To resolve it
    would open a port of this machine to its network; but where the page is, is known from its other connection.
    """
    lines: list[str] = []
    count = found = 0
    for line in offer.splitlines():
        if not line.startswith("a=candidate:"):
            lines.append(line)
            continue
        count += 1
        words = line.split(" ")
        named = words[4] if len(words) > 4 else ""
        for address in _addresses(host) if named.endswith(".local") else [named]:
            if _parsed(address) is not None:
                found += 1
                lines.append(" ".join([*words[:4], address, *words[5:]]))
    offer = "\r\n".join([*lines, ""])
    _check(offer)
    if count > _MOST_CANDIDATES:
        raise BadInput(f"the offer has {count} candidates: at most {_MOST_CANDIDATES} are accepted")
    if not found:
        raise BadInput("the offer names no address: send it after the page has gathered all candidates")
    return offer


def refused(error: Exception) -> BadInput:
    """What to say of an offer over which aiortc stumbled."""
    detail = f"{type(error).__name__}: {error}".split("\n")[0][:200]
    return BadInput(f"this is no WebRTC offer that can be accepted ({detail}): {_ONE_OF_EACH}")


def _check(offer: str) -> None:
    try:
        description = SessionDescription.parse(offer)
    except Exception as error:  # of many kinds: the parser takes the text for well formed
        raise refused(error) from None
    names = [media.rtp.muxId for media in description.media]
    if sorted(media.kind for media in description.media) != ["audio", "video"]:
        raise BadInput(_ONE_OF_EACH)
    if not all(names) or len(set(names)) != len(names):
        raise BadInput("the offer's sections have no names of their own (a=mid)")
    if any(group.semantic == "BUNDLE" and set(group.items) != set(names) for group in description.group):
        raise BadInput("the offer bundles sections that it does not have, or not all of them")
    for media in description.media:
        if media.dtls is None or not media.dtls.fingerprints:
            raise BadInput("the offer has no fingerprint: it is no WebRTC offer, or a truncated one")


def _addresses(host: str | None) -> list[str]:
    """Where ICE finds a page whose other connection comes from `host`: never over loopback, where it does not look."""
    address = _parsed(host or "")
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address is not None and not address.is_loopback:
        return [str(address)]
    return get_host_addresses(use_ipv4=True, use_ipv6=False) or get_host_addresses(use_ipv4=False, use_ipv6=True)


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(text)
    return None
