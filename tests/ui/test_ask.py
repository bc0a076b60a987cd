"""Somebody asks a face on the Gradio page and is answered in a video; others at the same time see nothing of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Launch
from tests.browser.visitor import LONG
from tests.browser.voices import recorded, silence, speech
from tests.ui.conftest import opened
from visavis.avatars.builtins import BUILTINS

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def plays(page: Page) -> None:
    """Wait until the answer's video is seen to go on."""
    video = page.locator("#stage video")
    await video.wait_for()
    for _ in range(100):
        if await video.evaluate("video => !video.paused && video.currentTime > 0.2 && video.videoWidth > 0"):
            return
        await page.wait_for_timeout(100)
    raise AssertionError("the video does not play")


async def ask(page: Page, words: str) -> None:
    await page.locator("#text textarea").fill(words)
    await page.locator("#text .submit-button").click()


async def send(page: Page, picture: Path) -> None:
    async with page.expect_file_chooser() as choosing:
        await page.get_by_role("button", name="Your own picture or video").click()
    await (await choosing.value).set_files(picture)


async def test_an_example_question_is_answered_in_a_video_with_transcript_and_times(
    browser: Browser, server: str
) -> None:
    async with opened(browser, server) as page:
        await page.get_by_role("button", name="Who are you?").click()
        await plays(page)
        said = page.get_by_role("log", name="Conversation")
        await expect(said).to_contain_text("Who are you?")
        await expect(said).to_contain_text("You said: Who are you?. My name is Visavis.")
        await expect(said).to_contain_text("first picture")
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="Save the video").click()
        saved = await saving.value
        assert saved.suggested_filename == "answer.mp4"
        assert (await saved.path()).read_bytes()[4:8] == b"ftyp"
        await page.get_by_role("button", name="Clear").click()
        await expect(page.locator("#stage video")).to_have_count(0)
        await expect(said).to_have_count(0)


async def test_a_question_is_recorded_and_asked_at_once(launch: Launch, server: str, tmp_path: Path) -> None:
    question = recorded(tmp_path / "question.wav", [silence(0.5), await speech("What is your name?"), silence(8.0)])
    async with launch(question) as browser, opened(browser, server) as page:
        await page.get_by_role("button", name="Record", exact=True).click()
        await page.wait_for_timeout(3500)  # it is being said
        await page.locator("#sound").get_by_role("button", name="Stop", exact=True).click()
        await plays(page)
        await expect(page.get_by_role("log")).to_contain_text("what is your name")


async def test_two_people_at_once_see_only_what_is_theirs(browser: Browser, server: str) -> None:
    async with opened(browser, server) as one, opened(browser, server) as other:
        await other.locator("#faces button").nth(2).click()
        await expect(other.locator("#stage img")).to_have_attribute("alt", "Finn")
        await other.get_by_label("Voice").click()
        await other.get_by_role("option").nth(2).click()
        await asyncio.gather(ask(one, "A question about apples"), ask(other, "A question about pears"))
        await asyncio.gather(plays(one), plays(other))
        await expect(one.get_by_role("log")).to_contain_text("Vera")
        await expect(other.get_by_role("log")).to_contain_text("Finn")
        for page, own, foreign in ((one, "apples", "pears"), (other, "pears", "apples")):
            await expect(page.get_by_role("log")).to_contain_text(f"You said: A question about {own}")
            await expect(page.get_by_role("log")).not_to_contain_text(foreign)
        videos = [await page.locator("#stage video").get_attribute("src") for page in (one, other)]
        assert videos[0] != videos[1]


async def test_ones_own_picture_answers_and_what_shows_no_face_is_refused_in_a_sentence(
    browser: Browser, server: str, tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    (tmp_path / "noise.png").write_bytes(cv2.imencode(".png", noise)[1].tobytes())
    async with opened(browser, server) as page:
        await send(page, BUILTINS["amos"].picture)
        await expect(page.locator("#faces .selected")).to_contain_text("Yours")
        await send(page, tmp_path / "noise.png")
        await expect(page.get_by_text("no face is found in the file")).to_be_visible()
        await expect(page.locator("#faces .selected")).to_contain_text("Yours")
        await ask(page, "Is it me?")
        await plays(page)
        await expect(page.locator("#stage video")).to_have_attribute("aria-label", "Yours answers")
    async with opened(browser, server) as page:
        await expect(page.locator("#faces")).to_contain_text("Finn")
        await expect(page.locator("#faces")).not_to_contain_text("Yours")


async def test_an_answer_that_takes_too_long_is_stopped_and_another_question_is_answered(
    browser: Browser, server: str
) -> None:
    async with opened(browser, server) as page:
        await ask(page, LONG)
        await page.locator("#stop").click()
        await expect(page.locator("#stop")).to_be_hidden()
        await expect(page.locator("#stage video")).to_have_count(0)
        await ask(page, "Are you still there?")
        await plays(page)
        await expect(page.get_by_role("log")).not_to_contain_text("story")


async def test_the_live_avatar_is_there_while_it_is_looked_at(browser: Browser, server: str) -> None:
    async with opened(browser, server) as page:
        await page.get_by_role("tab", name="Talk live").click()
        face = page.frame_locator("iframe.live")
        await expect(face.locator("#portrait.live")).to_be_visible()
        await page.get_by_role("tab", name="Ask").click()
        await expect(page.locator("iframe.live")).to_have_count(0)


async def test_a_phone_has_everything_below_each_other_by_day_and_by_night(browser: Browser, server: str) -> None:
    async with opened(browser, server, viewport={"width": 390, "height": 844}, color_scheme="dark") as page:
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        for name in ("#stage", "#text", "#faces", "#transcript"):
            box = await page.locator(name).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
        paper = "getComputedStyle(document.body).backgroundColor"
        assert await page.evaluate(paper) == "rgb(16, 20, 19)"
        await page.emulate_media(color_scheme="light")
        await page.reload()
        await page.locator("#stage img").wait_for()
        assert await page.evaluate(paper) == "rgb(241, 239, 233)"
