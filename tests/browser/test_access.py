"""For everybody: with the keyboard alone, with a screen reader, and without motion that is not the face's."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser, expect

from tests.browser.visitor import LONG, open_visitor

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_with_the_keyboard_alone_one_asks_and_escape_interrupts(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        keyboard = visitor.page.keyboard
        for _ in range(12):
            await keyboard.press("Tab")
            if await visitor.page.evaluate("document.activeElement.id === 'text'"):
                break
        await keyboard.type(LONG)
        await keyboard.press("Enter")
        await visitor.speaking()
        # an answer of which no word was heard leaves no trace
        await visitor.until("document.querySelector('#draft-assistant p').textContent.split(' ').length > 2")
        await keyboard.press("Escape")
        answered = await visitor.answered()
        assert answered["interrupted"]
        assert len(answered["text"]) < len(LONG)
        await expect(visitor.page.locator("#log").get_by_text("interrupted")).to_be_visible()
        after = await visitor.now()
        await visitor.until("(after) => sound.filter(({told}) => told >= after).length > 50", after)
        assert (await visitor.loudness(f"told >= {after}"))[10:].max() < 1e-4


async def test_every_control_is_reached_with_tab_and_seen_to_be(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        reached = []
        for _ in range(40):
            await visitor.page.keyboard.press("Tab")
            reached.append(
                await visitor.page.evaluate(
                    """() => {
                        const { id } = document.activeElement;
                        const ring = [document.activeElement, document.activeElement.parentElement].some((each) => {
                            const { outlineStyle, boxShadow } = getComputedStyle(each);
                            return outlineStyle !== "none" || boxShadow !== "none";
                        });
                        return [id, ring];
                    }"""
                )
            )
        assert {"text", "send-button", "microphone", "sound-button", "recording", "panel-button", "tab-talk"} <= {
            id for id, _ in reached
        }
        assert [id for id, ring in reached if id and not ring] == []


async def test_a_screen_reader_finds_every_control_by_name_and_is_told_what_is_said(
    browser: Browser, server: str
) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        page = visitor.page
        for role, name in (
            ("textbox", "Type a question"),
            ("button", "Send"),
            ("button", "Start talking"),
            ("button", "Stop"),
            ("button", "Sound"),
            ("button", "Record"),
            ("button", "Full screen"),
            ("tab", "Conversation"),
            ("tab", "Face & voice"),
            ("tab", "Settings"),
            ("img", "The avatar’s face, made by AI"),
            ("log", "Conversation"),
        ):
            await expect(page.get_by_role(role, name=name, exact=True)).to_have_count(1)  # type: ignore[arg-type]
        for tab in ("Settings", "Face & voice", "Conversation"):
            await page.get_by_role("tab", name=tab).click()
            for control in await page.locator("button:visible, input:visible, select:visible, a:visible").all():
                await expect(control).to_have_accessible_name(re.compile(r"\w"))
        await visitor.ask("who is there")
        await visitor.answered()
        log = page.get_by_role("log")
        await expect(log).to_have_attribute("aria-live", "polite")
        await expect(log).to_contain_text("who is there")
        await expect(log).to_contain_text("You said: who is there.")


async def test_who_wants_less_motion_gets_none_but_the_face(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server, reduced_motion="reduce") as visitor:
        await visitor.arrive()
        await visitor.ask(LONG)
        await visitor.speaking()
        moving = "document.getAnimations().filter(({playState}) => playState === 'running').length"
        for state in ("idle", "thinking", "listening", "held", "speaking", "lost", "waiting"):
            await visitor.page.evaluate("(state) => document.body.dataset.state = state", state)
            assert await visitor.page.evaluate(moving) == 0, state
