"""Where the server is reached: the socket it listens at, and the address to type."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

from visavis.errors import BadConfiguration
from visavis.gateway.security import is_any, is_loopback, machine_names
from visavis.settings import Settings

_PORTS_TRIED = 50


def listening(host: str, port: int) -> socket.socket:
    """A socket at which connections may wait already. Raises `BadConfiguration`, with a remedy, where none can be."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        raise BadConfiguration(f"'{host}' is no address of this machine: give --host one, or 0.0.0.0 for all") from None
    family, _, _, _, place = min(found, key=lambda each: each[0] != socket.AF_INET)
    address = str(place[0])
    try:
        return _bound(family, address, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadConfiguration(f"port {port} is in use: try --port {_free(family, address, port)}") from None
        if error.errno == errno.EACCES:
            raise BadConfiguration(f"port {port} is not for everybody to take: try --port 8888") from None
        reason = error.strerror or error
        raise BadConfiguration(f"cannot listen at {host} ({reason}): give --host an address of this machine") from None


def page_address(settings: Settings, port: int, path: str = "/") -> str:
    """What to type into a browser for a page, with the token where one is asked for."""
    query = "" if settings.token is None else f"?token={settings.token.get_secret_value()}"
    return f"{'https' if settings.tls else 'http'}://{_shown(settings.host)}:{port}{path}{query}"


def _shown(host: str) -> str:
    if is_any(host):
        host = _outward()
    elif is_loopback(host) and ":" not in host:
        return "localhost"
    return f"[{host.strip('[]')}]" if ":" in host else host


def _outward() -> str:
    """The machine's address that others most likely know it by."""
    addresses = []
    for name in machine_names():
        try:
            addresses.append(ipaddress.ip_address(name))
        except ValueError:
            continue
    outward = [each for each in addresses if not each.is_loopback and not each.is_link_local]
    return str(min(outward, key=lambda each: (each.version, int(each)), default="localhost"))


def _bound(family: int, address: str, port: int) -> socket.socket:
    # asyncio sends small packets at once (TCP_NODELAY) only where it sees that this is TCP: else a body would wait
    # 40 ms for the other side to acknowledge its headers
    line = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two programs have one port
            line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and is_any(address):
            line.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)  # IPv4 as well
        line.bind((address, port))
        line.listen(128)
    except BaseException:
        line.close()
        raise
    return line


def _free(family: int, address: str, taken: int) -> int:
    for port in range(taken + 1, min(taken + _PORTS_TRIED, 65_536)):
        try:
            _bound(family, address, port).close()
        except OSError:
            continue
        return port
    return 0  # any
