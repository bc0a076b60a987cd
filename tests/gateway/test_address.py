"""Where the server listens, and what to type to get there."""

from __future__ import annotations

import asyncio
import socket

import pytest
from pydantic import SecretStr

from visavis.errors import BadConfiguration
from visavis.gateway.address import listening, page_address
from visavis.gateway.limits import _network
from visavis.settings import Settings

TOKEN = SecretStr("0123456789abcdef")


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (Settings(), "http://localhost:8888/"),
        (Settings(host="localhost", tls=True), "https://localhost:8888/"),
        (Settings(host="::1"), "http://[::1]:8888/"),
        (Settings(host="192.0.2.7", token=TOKEN), "http://192.0.2.7:8888/?token=0123456789abcdef"),
        (Settings(host="[2001:db8::1]", token=TOKEN), "http://[2001:db8::1]:8888/?token=0123456789abcdef"),
        (Settings(host="talk.example.org", token=TOKEN), "http://talk.example.org:8888/?token=0123456789abcdef"),
    ],
)
def test_the_address_is_one_that_can_be_typed(settings: Settings, address: str) -> None:
    assert page_address(settings, 8888) == address


def test_a_server_at_every_address_is_shown_under_one_that_others_can_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    names = frozenset({"localhost", "127.0.0.1", "::1", "fe80::1", "2001:db8::1", "192.0.2.7", "some-host"})
    monkeypatch.setattr("visavis.gateway.address.machine_names", lambda: names)
    assert page_address(Settings(host="0.0.0.0", token=TOKEN), 1).startswith("http://192.0.2.7:1/?token=")
    monkeypatch.setattr("visavis.gateway.address.machine_names", lambda: frozenset({"localhost", "127.0.0.1"}))
    assert page_address(Settings(host="::", token=TOKEN), 1).startswith("http://localhost:1/?token=")


def test_a_port_that_is_taken_is_said_with_one_that_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(BadConfiguration, match=rf"^port {taken} is in use: try --port \d+$") as refusal:
            listening("127.0.0.1", taken)
        free = int(str(refusal.value).split()[-1])
        assert free != taken
        with listening("127.0.0.1", free) as line:
            assert line.getsockname()[1] == free


def test_two_servers_that_begin_at_the_same_time_do_not_get_the_same_port() -> None:
    with listening("127.0.0.1", 0) as line, pytest.raises(BadConfiguration, match="in use"):
        listening("127.0.0.1", line.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.254", "no such host", "300.1.1.1", "nobody.invalid"])
def test_an_address_that_is_not_of_this_machine_is_said(host: str) -> None:
    with pytest.raises(BadConfiguration, match="--host"):
        listening(host, 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_every_ipv6_address_is_every_ipv4_address_too() -> None:
    with listening("::", 0) as line, socket.create_connection(("127.0.0.1", line.getsockname()[1])) as client:
        other, (address, *_) = line.accept()
        other.close()
        assert address == "::ffff:127.0.0.1"
        assert _network(address) == address
        assert client.getpeername()[0] == "127.0.0.1"


async def test_what_is_sent_does_not_wait_for_an_acknowledgement_of_what_was_sent_before() -> None:
    at_once: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at_once.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listening("127.0.0.1", 0) as line:
        async with await asyncio.start_server(connected, sock=line):
            _, writer = await asyncio.open_connection(*line.getsockname())
            assert await asyncio.wait_for(at_once, 5) != 0
            writer.close()
