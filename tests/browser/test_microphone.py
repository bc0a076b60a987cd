"""Talking with a microphone: it is heard, it interrupts, a cough does not, and where there is none one is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import expect

from tests.browser.conftest import Launch, served
from tests.browser.faces import openings
from tests.browser.visitor import LONG, Visitor, open_visitor
from tests.browser.voices import cough, recorded, silence, speech

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

ANSWER = f"You said: {LONG}. My name is Visavis."
CLOSED = 0.06
"""An opening that the mesh may read on lips that touch."""


async def test_a_spoken_question_is_heard_and_answered_aloud_by_a_moving_mouth(launch: Launch, tmp_path: Path) -> None:
    question = recorded(tmp_path / "question.wav", [silence(1.0), await speech("What is your name?"), silence(4.0)])
    async with (
        served("--port", "0", "--llm", "llamacpp") as (address, _),
        launch(question) as browser,
        open_visitor(browser, address) as visitor,
    ):
        await visitor.arrive()
        await visitor.page.get_by_role("button", name="Start talking").click()
        await visitor.until("document.body.dataset.mic === 'open'")
        await visitor.speaking()
        assert np.ptp(openings(await visitor.look(25))) > 0.1
        answered = await visitor.answered()
        heard = [event for event in await visitor.told("heard") if event["final"]]
        assert len(heard) == 1
        assert "name" in heard[0]["text"].lower()
        assert answered["text"]
        assert not answered["interrupted"]
        assert np.quantile(await visitor.loudness("state === 'speaking'"), 0.8) > 0.02
        written = await visitor.page.locator("#log .message p").all_inner_texts()
        assert written == [heard[0]["text"], answered["text"]]
        waited = await visitor.page.evaluate("visavis.turns[0].waited")
        assert waited > 0


async def test_who_speaks_over_the_answer_ends_it_and_it_remembers_only_what_was_heard(
    launch: Launch, server: str, tmp_path: Path
) -> None:
    objection = await speech("Wait a moment please. I want to know something about the weather of the next days.")
    file = recorded(tmp_path / "objection.wav", [silence(1.0), objection, silence(4.0)])
    async with launch(file) as browser, open_visitor(browser, server) as visitor:
        await visitor.arrive()
        await visitor.ask(LONG)
        await visitor.speaking()
        await visitor.page.get_by_role("button", name="Start talking").click()
        first = await visitor.answered()
        while openings(await visitor.look(4, 60)).max() > CLOSED:
            assert len(await visitor.told("answered")) == 1
        assert first["interrupted"]
        assert 0 < len(first["text"]) < len(ANSWER)
        assert ANSWER.startswith(first["text"].rstrip("."))
        ended = await visitor.page.evaluate("told.findIndex(({type}) => type === 'answered') + 1")
        await expect(visitor.page.locator("#log .message.assistant").first).to_contain_text("interrupted")
        second = await visitor.answered(ended)
        next_words = "told.findIndex(({type}, i) => type === 'spoken' && i >= ended) + 1"
        begun = await visitor.page.evaluate(f"(ended) => {next_words}", ended)
        between = await visitor.loudness(f"told >= {ended} && told < {begun}")
        assert len(between) > 5
        assert between.max() < 1e-4
        assert second["text"].startswith("You said:")
        assert "wait a moment" in second["text"].lower()
        await visitor.page.reload()
        await visitor.arrived()
        history = (await visitor.told("welcome"))[0]["history"]
        assert [said["text"] for said in history][:2] == [LONG, first["text"]]
        assert history[3]["text"] == second["text"]


@pytest.mark.parametrize("noise", ["cough", "okay"])
async def test_a_cough_or_a_word_of_agreement_does_not_end_the_answer(
    launch: Launch, server: str, tmp_path: Path, noise: str
) -> None:
    sound = await cough() if noise == "cough" else await speech("Okay.")
    file = recorded(tmp_path / "noise.wav", [silence(1.5), sound, silence(20.0)])
    async with launch(file) as browser, open_visitor(browser, server) as visitor:
        await visitor.arrive()
        since = await visitor.now()
        await visitor.ask(LONG)
        await visitor.speaking()
        await visitor.page.get_by_role("button", name="Start talking").click()
        answered = await visitor.answered()
        assert (answered["text"], answered["interrupted"]) == (ANSWER, False)
        states = [event["state"] for event in await visitor.told("state", since)]
        if noise == "okay":  # of a cough the browser's noise suppression leaves little
            assert states[:4] == ["thinking", "speaking", "held", "speaking"]
        assert [event for event in await visitor.told("heard") if event["final"] and event["turn"] > 1] == []


async def test_a_microphone_that_is_denied_is_explained_and_typing_works(launch: Launch, server: str) -> None:
    async with (
        launch(without=("--use-fake-ui-for-media-stream",)) as browser,
        open_visitor(browser, server, permissions=[]) as visitor,
    ):
        await _without_microphone(visitor, "The microphone is blocked for this page. Allow it")


async def test_a_microphone_that_is_not_there_is_explained_and_typing_works(launch: Launch, server: str) -> None:
    async with (
        launch(without=("--use-fake-device-for-media-stream",)) as browser,
        open_visitor(browser, server) as visitor,
    ):
        await _without_microphone(visitor, "No microphone was found. Plug one in")


async def _without_microphone(visitor: Visitor, words: str) -> None:
    await visitor.arrive()
    await visitor.page.get_by_role("button", name="Start talking").click()
    await expect(visitor.page.get_by_role("alert")).to_contain_text(words)
    await expect(visitor.page.get_by_role("alert")).to_contain_text("Typing works")
    await expect(visitor.page.get_by_role("button", name="Start talking")).to_be_enabled()
    await visitor.ask("why not")
    assert (await visitor.answered())["text"] == "You said: why not. My name is Visavis."
