"""Strangers at the door: a foreign page, a foreign name, nobody's token. Each meets a real server."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.gateway.doors import FakeLive, app_of, serving
from visavis.errors import BadConfiguration
from visavis.gateway.security import Doors, is_loopback, machine_names
from visavis.settings import Settings

TOKEN = "not-a-token-that-one-guesses"
MACHINE = sorted(name for name in machine_names() if name[0].isdigit() and not is_loopback(name))


@pytest.fixture
def live() -> FakeLive:
    return FakeLive()


@pytest.fixture
async def local(live: FakeLive) -> AsyncGenerator[int, None]:
    async with serving(app_of(Settings(), live)) as port:
        yield port


@pytest.fixture
async def open_(live: FakeLive) -> AsyncGenerator[int, None]:
    """A server that others can reach (so it believes)."""
    settings = Settings(host="0.0.0.0", token=SecretStr(TOKEN), allowed_hosts=("talk.example.org",))
    async with serving(app_of(settings, live)) as port:
        yield port


async def _get(port: int, path: str = "/health", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value.encode() for name, value in headers.items()}
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{port}{path}", headers={k.encode(): v for k, v in named.items()})


async def _post(port: int, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.post("/avatars", content=b"picture", headers=named)


async def _hello(port: int, name: str = "localhost", **headers: str) -> str:
    named = {each.replace("_", "-"): value for each, value in headers.items()}
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setblocking(False)
        async with connect(f"ws://{name}:{port}/ws", sock=line, additional_headers=named, proxy=None) as talk:
            await talk.send('{"type": "hello", "version": 1}')
            return str(await talk.recv())


# ---- DNS rebinding


@pytest.mark.parametrize(
    "name", ["evil.example", "localhost.evil.example", "0.0.0.0", "192.0.2.77", "127.0.0.1.nip.io"]
)
async def test_a_name_that_was_made_to_point_here_is_refused(local: int, name: str) -> None:
    answer = await _get(local, "/avatars/vera.jpg", host=f"{name}:{local}")
    assert answer.status_code == 403
    assert f"not known as '{name}'" in answer.json()["error"]["message"]


async def test_a_rebound_name_gets_no_conversation_even_from_its_own_page(local: int, live: FakeLive) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        await _hello(local, "evil.example", origin=f"http://evil.example:{local}")
    assert live.connections == 0


@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]"])
async def test_this_machines_own_names_are_answered_however_they_are_written(local: int, name: str) -> None:
    assert (await _get(local, host=f"{name}:{local}")).status_code == 200
    assert (await _get(local, host=name)).status_code == 200


@pytest.mark.parametrize("host", ["", "local host", "localhost:port", "user@localhost", "localhost/", "<script>"])
async def test_a_host_that_is_none_is_refused(local: int, host: str) -> None:
    assert (await _get(local, host=host)).status_code == 400


@pytest.mark.skipif(not MACHINE, reason="the machine has no address of its own")
async def test_the_machines_addresses_are_its_names_only_when_it_is_reached_from_elsewhere(
    local: int, open_: int
) -> None:
    assert (await _get(local, host=MACHINE[0])).status_code == 403
    assert (await _get(open_, host=MACHINE[0])).status_code == 200
    assert (await _get(open_, host=socket.gethostname())).status_code == 200
    assert (await _get(open_, host="talk.example.org")).status_code == 200
    assert (await _get(open_, host="example.org")).status_code == 403


# ---- cross-site requests and hijacked sockets


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:{other}", "https://localhost:{port}", "", "evil"]
)
async def test_a_foreign_page_can_send_nothing(local: int, origin: str) -> None:
    answer = await _post(local, origin=origin.format(port=local, other=local + 1), host=f"localhost:{local}")
    assert answer.status_code == 403
    assert "own page" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:{other}", "https://localhost:{port}", "file://"]
)
async def test_a_foreign_page_gets_no_socket(
    local: int, live: FakeLive, origin: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        await _hello(local, origin=origin.format(port=local, other=local + 1))
    assert live.connections == 0
    assert caplog.text == ""  # strangers do not write our log


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_foreign_page_that_hides_its_origin_is_refused(local: int, site: str) -> None:
    assert "own page" in (await _post(local, sec_fetch_site=site)).text
    with pytest.raises(InvalidStatus, match="403"):
        await _hello(local, sec_fetch_site=site)


async def test_our_own_page_and_programs_are_let_in(local: int) -> None:
    own = await _post(
        local, origin=f"http://localhost:{local}", host=f"localhost:{local}", sec_fetch_site="same-origin"
    )
    assert "own page" not in own.text
    assert "own page" not in (await _post(local)).text
    assert await _hello(local, origin=f"http://localhost:{local}") == "heard"
    assert await _hello(local) == "heard"


async def test_a_page_that_is_allowed_by_name_may_talk(live: FakeLive) -> None:
    settings = Settings(allowed_origins=("https://talk.example.org",), allowed_hosts=("talk.example.org",))
    async with serving(app_of(settings, live)) as port:
        assert await _hello(port, origin="https://talk.example.org") == "heard"
        assert await _hello(port, origin="https://TALK.example.org:443") == "heard"
        with pytest.raises(InvalidStatus, match="403"):
            await _hello(port, origin="https://talk.example.org.evil.example")


async def test_no_page_is_ever_told_that_it_may_read_across_origins(local: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{local}") as client:
        for method in ("GET", "POST", "OPTIONS"):
            for path in ("/", "/avatars", "/health", "/nothing"):
                answer = await client.request(method, path, headers={"Origin": "http://evil.example"})
                assert not [name for name in answer.headers if name.startswith("access-control")]


# ---- the token


def test_a_server_that_others_can_reach_does_not_begin_without_a_token() -> None:
    for host in ("0.0.0.0", "::", "192.0.2.2", "some-name"):
        with pytest.raises(BadConfiguration, match="needs a token"):
            Doors.of(Settings(host=host))
    for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost"):
        assert Doors.of(Settings(host=host)).token is None


@pytest.mark.parametrize(
    "path", ["/", "/static/index.html", "/metrics", "/avatars/vera.jpg", "/voices/slt/sample.wav", "/no"]
)
async def test_nothing_is_shown_without_the_token(open_: int, path: str) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": f"visavis-{open_}=wrong"}, {"cookie": "ä=ö"}):
        answer = await _get(open_, path, **headers)
        assert answer.status_code == 401
        assert "printed when it started" in answer.json()["error"]["message"]


async def test_a_wrong_token_gets_a_page_of_one_sentence(open_: int) -> None:
    answer = await _get(open_, "/?token=wrong", accept="text/html")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.text.count("<p>") == 1
    assert "set-cookie" not in answer.headers


async def test_health_is_told_to_everybody(open_: int) -> None:
    assert (await _get(open_, "/health")).json()["ready"] is True


async def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(open_: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{open_}") as client:
        first = await client.get("/metrics", params={"name": "ä", "token": TOKEN})
        assert first.status_code == 303
        assert first.headers["location"] == "/metrics?name=%C3%A4"
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" not in cookie
        assert TOKEN not in cookie
        assert (await client.get(first.headers["location"])).status_code == 200
        kept = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    assert await _hello(open_, cookie=kept) == "heard"
    with pytest.raises(InvalidStatus, match="401"):
        await _hello(open_)


async def test_a_link_on_another_site_leads_in_by_a_step_of_our_own_page(open_: int) -> None:
    for headers in ({}, {"sec_fetch_site": "cross-site"}):  # browsers do not always tell
        answer = await _get(open_, f"/?token={TOKEN}", accept="text/html,*/*", **headers)
        assert answer.status_code == 200
        assert 'content="0; url=/"' in answer.text
        assert "SameSite=strict" in answer.headers["set-cookie"]
    typed = await _get(open_, f"/?token={TOKEN}", accept="text/html,*/*", sec_fetch_site="none")
    assert (typed.status_code, typed.headers["location"]) == (303, "/")


@pytest.mark.parametrize("path", ["//evil.example/", "/%2Fevil.example/", "/%5Cevil.example/", "/\\evil.example"])
async def test_the_way_in_leads_nowhere_else(open_: int, path: str) -> None:
    answer = await _get(open_, f"{path}?token={TOKEN}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/evil.example")


async def test_a_program_brings_the_token_as_a_bearer(open_: int, live: FakeLive) -> None:
    assert (await _get(open_, "/metrics", authorization=f"Bearer {TOKEN}")).status_code == 200
    assert await _hello(open_, authorization=f"bearer {TOKEN}") == "heard"


async def test_the_token_does_not_open_to_a_foreign_page(open_: int, live: FakeLive) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        await _hello(open_, origin="http://evil.example", authorization=f"Bearer {TOKEN}")
    assert live.connections == 0


async def test_a_token_that_is_set_is_asked_for_on_this_machine_too(live: FakeLive) -> None:
    async with serving(app_of(Settings(token=SecretStr(TOKEN)), live)) as port:
        assert (await _get(port, "/metrics")).status_code == 401


# ---- what browsers are told


async def test_every_answer_says_what_a_page_may_do(local: int) -> None:
    for path in ("/metrics", "/nothing", "/avatars/vera.jpg"):
        headers = (await _get(local, path, host=f"localhost:{local}")).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert f"connect-src 'self' ws://localhost:{local} wss://localhost:{local};" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["permissions-policy"].startswith("microphone=(self)")
        assert headers["cross-origin-resource-policy"] == "same-origin"
    refused = (await _get(local, host="evil.example")).headers
    assert "evil" not in refused["content-security-policy"]
    assert "server" not in refused


async def test_only_our_own_pages_may_show_the_live_page_in_a_frame(local: int) -> None:
    headers = (await _get(local, "/")).headers
    assert headers["content-security-policy"].endswith("frame-ancestors 'self'")
    assert headers["x-frame-options"] == "SAMEORIGIN"
    for path in ("/health", "/avatars/vera.jpg", "/ui/", "/nothing"):
        headers = (await _get(local, path)).headers
        assert headers["content-security-policy"].endswith("frame-ancestors 'none'")
        assert headers["x-frame-options"] == "DENY"


async def test_pages_in_allowed_origins_may_show_it_too(live: FakeLive) -> None:
    async with serving(app_of(Settings(allowed_origins=("http://localhost:7861",)), live)) as port:
        headers = (await _get(port, "/")).headers
        assert headers["content-security-policy"].endswith("frame-ancestors 'self' http://localhost:7861")
        assert "x-frame-options" not in headers
        assert (await _get(port, "/metrics")).headers["x-frame-options"] == "DENY"


async def test_what_a_stranger_writes_is_shown_as_text(local: int) -> None:
    answer = await _get(local, host="a_b", accept="text/html")
    assert "&#x27;a_b&#x27;" in answer.text


async def test_unknown_addresses_are_answered_in_json(local: int) -> None:
    for path in ("/nothing", "/docs", "/openapi.json", "/redoc", "/avatars/nobody.jpg", "/answers/1.mp4", "/static/x"):
        answer = await _get(local, path)
        assert answer.status_code == 404
        assert answer.json()["error"]["message"]
    assert (await _get(local, "/static/../app.py")).status_code == 404
    assert (await _get(local, "/static/%2e%2e/gateway/app.py")).status_code == 404
