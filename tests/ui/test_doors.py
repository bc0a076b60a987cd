"""Who comes to the Gradio page without the token, looks for files, or wants something fetched: nobody gets in."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from tests.browser.conftest import served

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
TOKEN = "not-a-token-that-one-guesses"
API = "/ui/gradio_api"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway() -> AsyncGenerator[httpx.AsyncClient, None]:
    """A server with a token, and somebody who has none."""
    async with (
        served("--port", "0", f"--set=token={TOKEN}") as (address, _),
        httpx.AsyncClient(base_url=httpx.URL(address).copy_with(query=None, path="/"), timeout=60) as http,
    ):
        yield http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def inside(gateway: httpx.AsyncClient) -> AsyncGenerator[httpx.AsyncClient, None]:
    """Somebody whom the token in the address has let in."""
    async with httpx.AsyncClient(base_url=gateway.base_url, timeout=60) as http:
        let_in = await http.get(f"/ui/?token={TOKEN}")
        assert (let_in.status_code, let_in.headers["location"]) == (303, "/ui/")
        yield http


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ui"),
        ("GET", "/ui/"),
        ("GET", "/ui/config"),
        ("GET", f"{API}/queue/data?session_hash=x"),
        ("GET", f"{API}/file=/etc/hostname"),
        ("POST", f"{API}/queue/join"),
        ("POST", f"{API}/upload"),
        ("GET", "/v1/choices"),
        ("POST", "/v1/faces"),
    ],
)
async def test_without_the_token_nothing_answers(gateway: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await gateway.request(method, path)).status_code == 401


async def test_the_cookie_lets_in_to_the_page_and_to_what_it_does(inside: httpx.AsyncClient) -> None:
    assert (await inside.get("/ui/")).status_code == 200
    sent = await inside.post(f"{API}/upload", files={"files": ("a.txt", b"hello")})
    assert sent.status_code == 200
    assert (await inside.get(f"{API}/file={sent.json()[0]}")).text == "hello"


async def test_another_sites_page_makes_nothing_happen(inside: httpx.AsyncClient) -> None:
    for path in (f"{API}/queue/join", f"{API}/upload"):
        assert (await inside.post(path, headers={"origin": "http://evil.example"})).status_code == 403


@pytest.mark.parametrize(
    "name",
    [
        "/etc/hostname",
        "%2fetc%2fhostname",
        "{folder}/../../etc/hostname",
        "{folder}/..%2f..%2fetc%2fhostname",
        "{here}",
        "pyproject.toml",
        "http://127.0.0.1:9/",
        "https://example.com/",
        "file:///etc/hostname",
    ],
)
async def test_only_files_of_the_pages_own_folder_are_read(inside: httpx.AsyncClient, name: str) -> None:
    sent = (await inside.post(f"{API}/upload", files={"files": ("a.txt", b"hello")})).json()[0]
    asked = name.format(folder=Path(sent).parents[1], here=__file__)
    assert (await inside.get(f"{API}/file={asked}")).status_code in (403, 404)


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/proxy=https://example.com/",
        f"{API}/info",
        f"{API}/openapi.json",
        f"{API}/runs",
        f"{API}/vibe-code",
        f"{API}/file/etc/hostname",
        "/ui/monitoring",
        "/ui/monitoring/summary",
        f"{API}/deep_link",
        f"{API}/custom_component/1/client/component/index.js",
    ],
)
async def test_what_the_page_does_not_need_is_not_there(inside: httpx.AsyncClient, path: str) -> None:
    assert (await inside.get(path)).status_code == 404
    assert (await inside.post(path, json={})).status_code == 404


@pytest.mark.parametrize("path", ["http://169.254.169.254/latest", "https://example.com/a.wav", "/etc/hostname"])
async def test_no_address_and_no_file_of_the_servers_is_taken_for_a_recording(
    inside: httpx.AsyncClient, path: str
) -> None:
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    body = {"fn_index": 2, "session_hash": "x", "data": [None, file, "", "en", "rig"]}
    refused = await inside.post(f"{API}/queue/join", json=body)
    assert refused.status_code == 422


async def test_a_question_without_end_is_refused(inside: httpx.AsyncClient) -> None:
    body = {"fn_index": 1, "session_hash": "x", "data": ["why " * 500_000]}
    assert (await inside.post(f"{API}/queue/join", json=body)).status_code == 413


async def test_the_page_has_a_policy_as_narrow_as_it_works_with(inside: httpx.AsyncClient) -> None:
    seen = set()
    for _ in range(2):
        page = await inside.get("/ui/")
        policy = dict(part.split(maxsplit=1) for part in page.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert policy["frame-ancestors"] == "'none'"
        assert policy["frame-src"] == "'self'"
        found = re.fullmatch(r"'self' 'nonce-([\w-]{20,})'", policy["script-src"])
        assert found is not None
        marks = re.findall(r"<script nonce=\"([\w-]+)\"", page.text)
        assert set(marks) == {found[1]}
        assert len(marks) == page.text.count("<script")
        seen.add(found[1])
    assert len(seen) == 2
    assert "unsafe" not in (await inside.get("/")).headers["content-security-policy"]


async def test_the_page_tells_of_no_other_host_that_it_would_ask(inside: httpx.AsyncClient) -> None:
    text = (await inside.get("/ui/")).text
    asked = re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="(https?:)?//[^"]*"', text)
    assert asked == []
    assert "fonts.googleapis" not in text + (await inside.get("/ui/theme.css")).text
