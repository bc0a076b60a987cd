"""Better engines with one click: what there is, how far it is, and that the conversation goes on."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser, expect

from tests.browser.visitor import open_visitor
from tests.gateway.better import KNOWS, LARGE, SAID, hub
from tests.gateway.scripted import live
from tests.weights.hub_server import Hub
from visavis.weights.models import find_model

__all__ = ["hub"]
pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_a_better_mind_is_fetched_with_one_click_while_one_talks(browser: Browser, hub: Hub) -> None:
    model = find_model(LARGE)
    served = hub.files[f"{model.repository}/{model.files[0].path}"]
    served.stall_after = len(served.content) // 2
    async with live(llm="auto", tts="auto") as port, open_visitor(browser, f"http://localhost:{port}") as visitor:
        await visitor.arrive()
        page = visitor.page
        await page.get_by_role("button", name="Show").click()
        behind = page.get_by_role("group", name="Behind the face")
        await expect(behind).to_be_in_viewport()
        await expect(behind).to_contain_text("qwen3-0.6b")
        await expect(behind.get_by_role("link", name="Apache-2.0")).to_have_attribute("href", model.licence_url)
        await behind.get_by_role("button", name="Fetch:").click()
        bar = behind.get_by_role("progressbar")
        await expect(bar).to_be_visible()
        await asyncio.to_thread(hub.stalled.wait, 30)
        await visitor.until("document.getElementById('engines-progress').value > 0")
        since = len(await visitor.page.evaluate("told"))
        await visitor.ask("Who is there?")
        assert (await visitor.answered(since))["text"] == SAID
        hub.release.set()
        await visitor.until("told.some(({type}) => type === 'equipped')")
        await expect(behind).to_contain_text(LARGE)
        await expect(behind).to_contain_text("it is used from now on")
        await expect(bar).to_be_hidden()
        since = len(await visitor.page.evaluate("told"))
        await visitor.ask("And now?")
        assert (await visitor.answered(since))["text"] == KNOWS


async def test_a_fetching_is_stopped_and_what_went_wrong_is_said(browser: Browser, hub: Hub) -> None:
    model = find_model(LARGE)
    served = hub.files[f"{model.repository}/{model.files[0].path}"]
    served.stall_after = len(served.content) // 2
    async with live(llm="auto") as port, open_visitor(browser, f"http://localhost:{port}") as visitor:
        await visitor.arrive()
        page = visitor.page
        await page.get_by_role("tab", name="Settings").click()
        behind = page.get_by_role("group", name="Behind the face")
        await behind.get_by_role("button", name="Fetch:").click()
        await asyncio.to_thread(hub.stalled.wait, 30)
        await behind.get_by_role("button", name="Stop fetching").click()
        hub.release.set()
        await expect(behind).to_contain_text("What has come is kept", timeout=20_000)
        served.stall_after, served.status = None, 404
        await behind.get_by_role("button", name="Go on").click()
        await expect(behind.get_by_role("alert")).to_contain_text(model.files[0].path)
        await visitor.ask("Who is there?")
        assert (await visitor.answered())["text"] == SAID
