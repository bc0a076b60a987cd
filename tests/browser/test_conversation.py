"""Talking by typing: what is asked is answered aloud, by this face and no other, and a reload loses nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.async_api import Browser, expect

import visavis
from tests.browser.faces import openings
from tests.browser.visitor import PATIENCE, Visitor, open_visitor

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

MOON = "The moon is a ball of grey rock, and it goes around the earth once a month"
BUILTIN = Path(visavis.__file__).parent / "avatars" / "builtin" / "amos.png"


def answer(question: str) -> str:
    """What the scripted mind says to it."""
    return f"You said: {question}. My name is Visavis."


async def test_a_typed_question_is_answered_aloud_by_a_moving_mouth_with_every_word_in_writing(
    browser: Browser, server: str
) -> None:
    async with open_visitor(browser, server) as visitor:
        page = visitor.page
        await visitor.arrive()
        await expect(page.get_by_text("AI-generated")).to_be_visible()
        at_rest = openings(await visitor.look())
        await visitor.ask(MOON)
        await visitor.speaking()
        await visitor.until("document.querySelectorAll('#subtitles .heard').length > 3")
        talking = openings(await visitor.look())
        answered = await visitor.answered()
        assert np.ptp(talking) > 0.12
        assert np.std(talking) > 5 * np.std(at_rest)
        assert (await visitor.loudness("state === 'idle' && told < 3")).max() < 1e-4
        assert np.quantile(await visitor.loudness("state === 'speaking'"), 0.8) > 0.02
        assert (answered["text"], answered["interrupted"]) == (answer(MOON), False)
        assert await page.locator("#log .message p").all_inner_texts() == [MOON, answer(MOON)]
        link = await page.get_by_role("link", name="Save as MP4").get_attribute("href")
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            video = await client.get(server.rstrip("/") + str(link))
        assert video.headers["content-type"] == "video/mp4"
        assert video.content[4:8] == b"ftyp"


async def test_subtitles_of_two_lines_begin_below_one_another_in_the_middle_of_the_face(
    browser: Browser, server: str
) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.page.set_viewport_size({"width": 320, "height": 640})
        await visitor.arrive()
        await visitor.ask("the old man on the hill above the sea has a boat and no friends")
        tops = "[...document.querySelectorAll('#subtitles span')].map(word => word.getBoundingClientRect().top)"
        await visitor.until(f"new Set({tops}).size > 1")
        words = await visitor.page.evaluate(
            "[...document.querySelectorAll('#subtitles span')].map(w => w.getBoundingClientRect().toJSON())"
        )
        face = await visitor.page.evaluate("document.querySelector('#portrait').getBoundingClientRect().toJSON()")
    lines = [[word for word in words if word["top"] == top] for top in sorted({word["top"] for word in words})]
    assert len(lines) == 2
    assert lines[0][0]["left"] == pytest.approx(lines[1][0]["left"], abs=1)
    right = max(line[-1]["right"] for line in lines)
    middle = (face["left"] + face["right"]) / 2
    assert (lines[0][0]["left"] + right) / 2 == pytest.approx(middle, abs=3)


async def test_after_a_reload_the_conversation_goes_on(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        session = (await visitor.told("welcome"))[0]["session"]
        await visitor.ask(MOON)
        await visitor.answered()
        await visitor.page.reload()
        await visitor.arrived()
        welcome = (await visitor.told("welcome"))[0]
        assert (welcome["resumed"], welcome["session"]) == (True, session)
        assert await visitor.page.locator("#log .message p").all_inner_texts() == [MOON, answer(MOON)]
        await visitor.ask("and the sun")
        assert (await visitor.answered())["text"] == answer("and the sun")


async def test_two_people_talk_at_once_each_with_their_own_face_and_answer(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server) as one, open_visitor(browser, server) as other:
        await asyncio.gather(one.arrive(), other.arrive())
        await other.page.get_by_role("tab", name="Face & voice").click()
        await other.page.get_by_role("radio", name="amos").check()
        await other.until("told.some(({type, avatar}) => type === 'configured' && avatar === 'amos')")
        await one.ask("I like the red apples of my garden, and I eat one of them every day")
        await other.ask("My green bicycle is older than I am, and it is still the fastest one")
        await asyncio.gather(one.speaking(), other.speaking())
        pictures = await asyncio.gather(one.look(), other.look())
        answers = await asyncio.gather(one.answered(), other.answered())
        assert all(np.ptp(openings(each)) > 0.12 for each in pictures)
        assert "red apples" in answers[0]["text"]
        assert "green bicycle" in answers[1]["text"]
        for visitor, mine, theirs in ((one, "apples", "bicycle"), (other, "bicycle", "apples")):
            words = [word["text"] for event in await visitor.told("spoken") for word in event["words"]]
            assert mine in " ".join(words)
            assert theirs not in " ".join(words)
        async with httpx.AsyncClient() as client:
            vera, amos = [
                _decoded((await client.get(f"{server}avatars/{name}.jpg")).content) for name in ("vera", "amos")
            ]
        assert _difference(pictures[0][-1], vera) < 0.5 * _difference(pictures[0][-1], amos)
        assert _difference(pictures[1][-1], amos) < 0.5 * _difference(pictures[1][-1], vera)


async def test_a_picture_that_is_uploaded_becomes_the_face_that_talks(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        await _upload(visitor, BUILTIN)
        await visitor.ask(MOON)
        await visitor.speaking()
        pictures = await visitor.look()
        assert np.ptp(openings(pictures)) > 0.12
        async with httpx.AsyncClient() as client:
            vera, amos = [
                _decoded((await client.get(f"{server}avatars/{name}.jpg")).content) for name in ("vera", "amos")
            ]
        assert _difference(pictures[-1], amos) < _difference(pictures[-1], vera)


@pytest.mark.reference
async def test_a_portrait_that_is_uploaded_becomes_the_face_that_talks(
    browser: Browser, server: str, reference: Path
) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        await _upload(visitor, reference / "portraits" / "photo_woman.png")
        await visitor.ask(MOON)
        await visitor.speaking()
        assert np.ptp(openings(await visitor.look())) > 0.12


async def test_a_picture_without_a_face_is_refused_in_words_and_the_talk_goes_on(
    browser: Browser, server: str, tmp_path: Path
) -> None:
    grey = tmp_path / "grey.png"
    cv2.imwrite(str(grey), np.full((300, 300, 3), 128, np.uint8))
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        await visitor.page.get_by_role("tab", name="Face & voice").click()
        await visitor.page.set_input_files("#upload", grey)
        await expect(visitor.page.locator("#upload-error")).to_contain_text("face")
        await visitor.ask("why not")
        assert (await visitor.answered())["text"] == answer("why not")


async def test_nothing_is_asked_of_any_other_host(browser: Browser, server: str) -> None:
    async with open_visitor(browser, server) as visitor:
        await visitor.arrive()
        page = visitor.page
        for tab in ("Face & voice", "Settings"):
            await page.get_by_role("tab", name=tab).click()
        await page.get_by_role("radio", name="WebRTC").check()
        await visitor.until("visavis.transport === 'webrtc'")
        await page.keyboard.press("d")
        await visitor.ask("who is there")
        await visitor.answered()
        assert len(visitor.requests) > 20
        assert any(url.startswith("ws") for url in visitor.requests)
        assert visitor.foreign() == []
        assert await page.evaluate("peers") == [{"iceServers": []}]


async def _upload(visitor: Visitor, picture: Path) -> None:
    page = visitor.page
    await page.get_by_role("tab", name="Face & voice").click()
    async with page.expect_file_chooser() as choosing:
        await page.get_by_role("button", name="Your own picture or video").click()
    await (await choosing.value).set_files(picture)
    own = "told.findLast(({type, avatar}) => type === 'configured' && avatar.startsWith('own-'))"
    await visitor.until(own)
    shown: int = await page.evaluate("visavis.shown")
    await visitor.until("(shown) => visavis.shown > shown + 10", shown)
    await expect(page.locator("#avatars input:checked")).to_have_attribute("aria-label", f"{picture.stem} ")


def _decoded(data: bytes) -> NDArray[np.uint8]:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def _difference(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Grey levels between the middles of two pictures."""
    small = [
        cv2.resize(each, (64, 64), interpolation=cv2.INTER_AREA)[16:48, 16:48].astype(np.float32) for each in (a, b)
    ]
    return float(np.abs(small[0] - small[1]).mean())
