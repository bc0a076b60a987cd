"""Models come and go on a server while people talk: every question is answered, and nobody is disturbed."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.engines.llm import tiny_qwen3
from tests.gateway.better import BETTER, KNOWS, SAID
from tests.gateway.page import Page, open_page
from tests.gateway.scripted import live
from tests.weights.pulled import keep, without_models
from visavis.engines import pool as pools
from visavis.weights.models import find_model, place


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A small model is here, and another could come; both are folders as they would be fetched."""
    without_models(tmp_path / "data", monkeypatch)
    monkeypatch.setattr(pools, "_LOOK", 0.1)
    found = {}
    for name, answer in (("qwen3-0.6b", tiny_qwen3.ANSWER), ("qwen3-1.7b", BETTER)):
        found[name] = tmp_path / name
        found[name].mkdir()
        tiny_qwen3.write(found[name] / Path(find_model(name).files[0].path).name, answer=answer)
    keep("qwen3-0.6b", found["qwen3-0.6b"])
    return found


async def answer(page: Page, question: str) -> str:
    since = len(page.events)
    await page.say("text", text=question)
    told = await page.event("answered", since=since)
    assert not told["interrupted"]
    return str(told["text"])


async def test_a_better_mind_takes_over_between_two_turns_and_the_page_is_told(models: dict[str, Path]) -> None:
    async with live(llm="auto") as port, open_page(port) as page:
        await page.hello()
        await page.say("text", text="Who is there?")
        await page.event("spoken")
        keep("qwen3-1.7b", models["qwen3-1.7b"])
        equipped = await page.event("equipped")
        assert equipped["slots"] == ["llm"]
        assert [each["name"] for each in equipped["voices"]] == [equipped["voice"]] == ["hum"]
        assert (await page.event("answered"))["text"] == SAID
        assert await answer(page, "And now?") == KNOWS
        assert not [event for event in page.events if event["type"] == "error"]


async def test_no_turn_is_lost_while_models_come_and_go(models: dict[str, Path]) -> None:
    async with live(llm="auto") as port, open_page(port) as page, open_page(port) as other:
        await page.hello()
        await other.hello()
        for i in range(4):
            if i % 2:
                shutil.rmtree(place("qwen3-1.7b"))
            else:
                keep("qwen3-1.7b", models["qwen3-1.7b"])
            since = len(page.events)
            answers = await asyncio.gather(answer(page, f"Question {i}?"), answer(other, f"Another {i}?"))
            assert set(answers) <= {SAID, KNOWS}
            await page.event("equipped", since=since)
        assert await answer(page, "Who is there?") == SAID
        for each in (page, other):
            assert not [event for event in each.events if event["type"] == "error"]
            assert len([event for event in each.events if event["type"] == "equipped"]) == 4
