"""`visavis ui --url`: the page alone, before a gateway that runs elsewhere."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import served
from tests.cli.conftest import Command, visavis
from tests.ui.conftest import opened
from tests.ui.test_ask import ask, plays

__all__ = ["visavis"]
pytestmark = pytest.mark.slow
TOKEN = "not-a-token-that-one-guesses"


@asynccontextmanager
async def before(url: str, *options: str) -> AsyncGenerator[str, None]:
    """The page's address, before the gateway at `url`."""
    command = [sys.executable, "-m", "visavis", "ui", "--no-open", "--url", url, *options]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL, env=dict(os.environ)
    )
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        found = re.match(r"talk: +(\S+)", line)
        assert found is not None, line
        yield found[1]
    finally:
        process.terminate()
        await process.communicate()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_alone_asks_a_gateway_elsewhere_and_shows_its_live_page_where_that_allows_it(
    browser: Browser, unused_tcp_port: int
) -> None:
    origin = f"http://localhost:{unused_tcp_port}"
    async with (
        served("--port", "0", f"--set=token={TOKEN}", f"--set=allowed_origins={origin}") as (address, _),
        before(address.partition("?")[0], "--token", TOKEN, "--port", str(unused_tcp_port)) as page_address,
        opened(browser, page_address, elsewhere=address.partition("?")[0]) as page,
    ):
        await ask(page, "Who is there?")
        await plays(page)
        await expect(page.get_by_role("log")).to_contain_text("You said: Who is there?")
        await page.get_by_role("tab", name="Talk live").click()
        # the token is the server's: a browser brings its own, which this one has not
        await expect(page.frame_locator("iframe.live").locator("body")).to_contain_text("it has the key")
        await (await page.context.new_page()).goto(address)
        await page.get_by_role("tab", name="Ask").click()
        await page.get_by_role("tab", name="Talk live").click()
        await expect(page.frame_locator("iframe.live").locator("#portrait.live")).to_be_visible()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_gateway_that_is_not_there_is_said_on_the_page(browser: Browser, unused_tcp_port: int) -> None:
    async with before(f"http://localhost:{unused_tcp_port}", "--port", "0") as address:
        page = await browser.new_page()
        try:
            await page.goto(address)
            await expect(page.get_by_text(f"http://localhost:{unused_tcp_port} cannot be reached")).to_be_visible()
            await page.get_by_role("button", name="Who are you?").click()
            await expect(page.get_by_text("cannot be reached").nth(1)).to_be_visible()
            await page.get_by_role("tab", name="Talk live").click()
            await expect(page.get_by_text("allowed_origins")).to_be_visible()
        finally:
            await page.close()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
async def test_a_browser_that_listens_holds_up_no_end_and_nothing_stays(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "visavis", "ui", "--no-open", "--url", "http://localhost:9", "--port", "0"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    address = (await process.stdout.readline()).decode().split()[1]
    async with httpx.AsyncClient(base_url=address, timeout=60, headers={"accept-encoding": "identity"}) as http:
        assert (await http.get("")).status_code == 200
        async with http.stream("GET", "gradio_api/heartbeat/abc") as stream:
            told = stream.aiter_text()
            assert "ALIVE" in await anext(told)
            process.send_signal(signal.SIGINT)
            async for _ in told:
                pass
    _, err = await process.communicate()
    assert process.returncode == 0
    assert err.decode().count("\n") == 1, err.decode()  # that the gateway is not there
    assert [name for name in os.listdir(tmp_path) if name.startswith("visavis-")] == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--url", "localhost:8888"], "--url cannot be 'localhost:8888'"),
        (["--url", "http://localhost:x"], "--url cannot be"),
        (["--token", TOKEN], "--token is for the gateway of --url"),
        (["--url", "http://localhost:8888", "-a", "finn"], "start that gateway with --avatar"),
        (["-a", "nobody", "--port", "0"], "there is no avatar 'nobody'"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(visavis: Command, options: list[str], says: str) -> None:
    outcome = visavis("ui", "--no-open", *options)
    assert outcome.code == 2
    assert says in outcome.message


def test_a_server_with_the_page_has_not_imported_gradio_before_somebody_comes() -> None:
    code = (
        "import sys, visavis.cli, visavis.ui.mount, visavis.gateway.app, visavis.serving.megaservice;"
        "sys.exit('gradio' in sys.modules or 'pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
