"""Better engines with one click, also on the Gradio page."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, expect

from tests.gateway.better import LARGE, SMALL, hub
from tests.ui.conftest import opened
from tests.weights.hub_server import Hub
from visavis.weights.models import find_model

__all__ = ["hub"]
pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


@asynccontextmanager
async def front(recommended: str, size: int) -> AsyncGenerator[str, None]:
    """The address of a server with the Gradio page, for which a model of that size is recommended."""
    command = [sys.executable, "-m", "tests.ui.better_server", recommended]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{size}\n".encode())
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.communicate()


async def test_a_better_mind_is_fetched_with_one_click_and_stopped_with_another(browser: Browser, hub: Hub) -> None:
    model = find_model(LARGE)
    served = hub.files[f"{model.repository}/{model.files[0].path}"]
    served.stall_after = len(served.content) // 2
    async with front(LARGE, len(served.content)) as address, opened(browser, address) as page:
        behind = page.locator("#engines")
        await expect(behind).to_contain_text(SMALL)
        await expect(behind.get_by_role("link", name="Apache-2.0")).to_have_attribute("href", model.licence_url)
        await behind.get_by_role("button", name="Fetch:").click()
        await expect(behind.get_by_role("progressbar")).to_be_visible()
        await asyncio.to_thread(hub.stalled.wait, 30)
        await behind.get_by_role("button", name="Stop").click()
        hub.release.set()
        await expect(behind).to_contain_text("What has come is kept", timeout=20_000)
        served.stall_after = None
        await behind.get_by_role("button", name="Go on").click()
        await expect(behind).to_contain_text("it is used from now on", timeout=20_000)
        await expect(behind).to_contain_text(LARGE)
        await expect(behind.get_by_role("button", name="Fetch:")).to_be_hidden()
