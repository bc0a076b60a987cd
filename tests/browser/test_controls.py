"""Whoever holds the controls decides: when to be heard, how loud it is, and what is kept."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import Launch
from tests.browser.visitor import LONG, open_visitor
from tests.browser.voices import recorded, silence, speech

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_push_to_talk_hears_while_the_key_is_down_and_answers_when_it_is_let_go(
    launch: Launch, server: str, tmp_path: Path
) -> None:
    file = recorded(tmp_path / "question.wav", [silence(0.5), await speech("What is your name?"), silence(30.0)])
    async with launch(file) as browser, open_visitor(browser, server) as visitor:
        await visitor.arrive()
        await visitor.page.get_by_role("tab", name="Settings").click()
        await visitor.page.get_by_text("Push to talk", exact=True).click()
        await visitor.until("document.body.classList.contains('pushing')")
        button = visitor.page.get_by_role("button", name="Hold to talk")
        await button.hover()
        await visitor.page.mouse.down()
        await visitor.until("document.body.dataset.mic === 'open'")
        await visitor.until("told.some(({type, text}) => type === 'heard' && /name/i.test(text))")
        await visitor.page.wait_for_timeout(1500)  # longer than any silence that ends a turn
        assert not [event for event in await visitor.told("heard") if event["final"]], "the key is still down"
        await visitor.page.mouse.up()
        answered = await visitor.answered()
        assert "name" in answered["text"].lower()
        assert await visitor.page.evaluate("document.body.dataset.mic") == "muted"


async def test_what_is_said_to_a_muted_microphone_is_not_heard(launch: Launch, server: str, tmp_path: Path) -> None:
    first, second = await speech("Tell me about the sea."), await speech("What is your name?")
    file = recorded(tmp_path / "questions.wav", [silence(6.0), first, silence(8.0), second, silence(20.0)])
    async with launch(file) as browser, open_visitor(browser, server) as visitor:
        await visitor.arrive()
        await visitor.page.get_by_role("button", name="Start talking").click()
        await visitor.until("document.body.dataset.mic === 'open'")
        await visitor.page.get_by_role("button", name="Mute the microphone").click()
        await visitor.page.wait_for_timeout(10_000)
        assert await visitor.told("heard") == []
        await visitor.page.get_by_role("button", name="Start talking").click()
        answered = await visitor.answered()
        assert "your name" in answered["text"].lower()
        assert "tell me" not in answered["text"].lower()


async def test_the_volume_is_the_users_and_nought_is_silence(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        await visitor.ask(LONG)
        await visitor.speaking()
        await visitor.page.wait_for_timeout(500)
        since = await visitor.page.evaluate("sound.at(-1).at")
        await visitor.page.wait_for_timeout(1000)
        loud = (await visitor.loudness(f"at > {since}")).max()
        await visitor.page.get_by_role("button", name="Sound").click()
        await visitor.page.locator("#volume").fill("0")
        await visitor.page.wait_for_timeout(500)
        since = await visitor.page.evaluate("sound.at(-1).at")
        await visitor.page.wait_for_timeout(1000)
        assert await visitor.page.evaluate("visavis.state") == "speaking"
        assert (await visitor.loudness(f"at > {since}")).max() < loud / 100
        await visitor.page.locator("#volume").fill("100")
        await visitor.speaking()


async def test_a_recording_has_the_face_and_its_voice(browser: Browser, server: str, tmp_path: Path) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        await visitor.page.locator("#recording").click()
        await expect(visitor.page.locator("#recording")).to_have_attribute("aria-pressed", "true")
        await visitor.ask("Are you old?")
        await visitor.answered()
        async with visitor.page.expect_download() as download:
            await visitor.page.get_by_role("button", name="Stop recording and save it").click()
        file = tmp_path / (await download.value).suggested_filename
        await (await download.value).save_as(file)
    assert file.name.startswith("conversation-")
    with av.open(file) as container:
        pictures = [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]
    with av.open(file) as container:
        sound = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    assert len(pictures) > 25
    assert pictures[0].shape[0] >= 512
    assert max(float(np.abs(a.astype(float) - pictures[0]).mean()) for a in pictures) > 0.5, "it moves"
    assert np.abs(sound).max() > 0.05
