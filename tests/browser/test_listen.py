"""Listen: a voice is heard before it is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Launch
from tests.browser.visitor import LONG, open_visitor
from tests.browser.voices import recorded, silence

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
HEARD = """
window.samples = [];
const begin = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  const sample = { began: true, ended: false, seconds: 0, element: this };
  this.addEventListener("ended", () => Object.assign(sample, { ended: true, seconds: this.duration }));
  if (this.src.startsWith("blob:")) samples.push(sample);
  return begin.call(this);
};
"""


async def test_a_voice_is_heard_to_its_end_and_nothing_changes(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server, [HEARD]) as visitor:
        await visitor.arrive()
        await visitor.page.get_by_role("tab", name="Face & voice").click()
        voice = await visitor.page.locator("#voice").input_value()
        other = await visitor.page.locator("#voice option").last.get_attribute("value")
        assert other is not None
        await visitor.page.locator("#voice").select_option(other)
        await visitor.page.get_by_role("button", name="Listen to the voice").click()
        await visitor.until("samples.length === 1 && samples[0].ended")
        assert 1 < await visitor.page.evaluate("samples[0].seconds") < 15
        assert any(url.endswith(f"/voices/{other}/sample.wav") for url in visitor.requests), voice
        await expect(visitor.page.get_by_role("button", name="Listen to the voice")).to_have_text("Listen")


async def test_it_can_be_stopped_and_who_speaks_gives_way(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server, [HEARD]) as visitor:
        await visitor.arrive()
        await visitor.page.get_by_role("tab", name="Face & voice").click()
        await visitor.ask(LONG)
        await visitor.speaking()
        since = await visitor.now()
        await visitor.page.get_by_role("button", name="Listen to the voice").click()
        await visitor.until("samples.length === 1")
        assert (await visitor.answered(since))["interrupted"]
        stop = visitor.page.get_by_role("button", name="Stop the voice")
        if await stop.count():
            await stop.click()
        await expect(visitor.page.locator("#listen")).to_have_text("Listen")
        assert await visitor.page.evaluate("samples[0].element.paused")


async def test_the_server_does_not_listen_to_the_voice_that_is_tried(
    launch: Launch, server: str, tmp_path: Path
) -> None:
    file = recorded(tmp_path / "nothing.wav", [silence(60.0)])
    async with launch(file) as browser, open_visitor(browser, server, [HEARD]) as visitor:
        await visitor.arrive()
        await visitor.page.get_by_role("button", name="Start talking").click()
        await visitor.until("document.body.dataset.mic === 'open'")
        await visitor.page.get_by_role("tab", name="Face & voice").click()
        await visitor.page.get_by_role("button", name="Listen to the voice").click()
        await visitor.until("document.body.dataset.mic === 'muted'")
        await visitor.until("samples.length === 1 && samples[0].ended")
        await visitor.until("document.body.dataset.mic === 'open'")


async def test_a_voice_that_is_gone_is_said_in_a_sentence(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server, [HEARD]) as visitor:
        await visitor.arrive()
        await visitor.page.get_by_role("tab", name="Face & voice").click()
        await visitor.page.evaluate("document.getElementById('voice').append(new Option('gone', 'gone', true, true))")
        await visitor.page.get_by_role("button", name="Listen to the voice").click()
        await expect(visitor.page.get_by_text("This voice is not there any more.")).to_be_visible()
        await expect(visitor.page.locator("#listen")).to_have_text("Listen")
