"""A server that is full, and one that dies: the page says so, waits, and goes on by itself."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import served
from tests.browser.visitor import open_visitor

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

FAKES = [f"--set={slot}=fake" for slot in ("vad", "asr", "tts", "articulation", "animation")]
SMALL = [*FAKES, "--set", "size=128"]


async def test_who_comes_to_a_full_server_is_told_how_many_are_before_and_gets_in_by_itself(browser: Browser) -> None:
    async with (
        served("--port", "0", "--sessions", "1", "--set", "resume_window=0", *SMALL) as (address, _),
        open_visitor(browser, address) as second,
        open_visitor(browser, address) as third,
    ):
        async with open_visitor(browser, address) as first:
            await first.arrive()
            for visitor, words in ((second, "You are next"), (third, "1 before you")):
                await visitor.page.goto(address)
                await expect(visitor.page.locator("#waiting")).to_contain_text(words)
                await expect(visitor.page.locator("#caption")).to_have_text("Waiting for a place")
            await first.ask("is anybody waiting")
            assert "is anybody waiting" in (await first.answered())["text"]
        await second.arrived()
        await expect(second.page.locator("#waiting")).to_be_hidden()
        await expect(third.page.locator("#waiting")).to_contain_text("You are next")
        await second.ask("is it my turn")
        assert "is it my turn" in (await second.answered())["text"]


async def test_when_the_server_is_killed_and_started_again_the_page_finds_it_and_begins_anew(browser: Browser) -> None:
    async with served("--port", "0", *SMALL) as (address, process), open_visitor(browser, address) as visitor:
        page = visitor.page
        await visitor.arrive()
        await visitor.ask("who is there")
        await visitor.answered()
        process.kill()
        await visitor.until("visavis.state === 'lost'")
        await expect(page.locator("#caption")).to_have_text("Looking for the server …")
        await expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
        await visitor.ask("are you there")
        await expect(page.locator("#text")).to_have_value("are you there")
        shown: int = await page.evaluate("visavis.shown")
        async with served("--port", str(urlsplit(address).port), *SMALL):
            await visitor.until("visavis.state === 'idle'")
            await visitor.until("(shown) => visavis.shown > 0 && visavis.shown !== shown", shown)
            await expect(page.get_by_role("alert")).to_have_count(0)
            await expect(page.locator("#log")).to_contain_text("who is there")
            await expect(page.locator("#log")).to_contain_text("A new conversation begins")
            await page.press("#text", "Enter")
            assert "are you there" in (await visitor.answered(await visitor.now()))["text"]
