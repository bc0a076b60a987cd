"""OPEA's megaservices as a mind: a face for ChatQnA."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from tests.serving.foreign import Foreign, era_a, era_b, listening
from visavis.engines.llm.openai import OpenAICompatible
from visavis.engines.protocols import Message, Sampling
from visavis.errors import EngineFailed
from visavis.settings import Settings

WHO = Message("system", "You are Vera.")


async def answered(url: str, *messages: Message) -> tuple[str, str | None]:
    async with OpenAICompatible(Settings(llm_url=url)) as mind:
        deltas = [delta async for delta in mind.complete(messages, Sampling(max_tokens=64))]
    return "".join(delta.text for delta in deltas), deltas[-1].finish


async def test_chatqna_is_asked_without_a_role_and_its_tokens_are_read_over_their_borders() -> None:
    foreign = Foreign(answer="Nike's café earned 51 billion – “really”.")  # tokens are cut within characters
    async with listening(era_b(foreign)) as url:
        assert await answered(url + "/v1/chatqna", WHO, Message("user", "What of Nike?")) == (foreign.answer, "stop")
        asked = foreign.bodies["chatqna"]
        assert asked[0]["messages"] == "What of Nike?"
        assert asked[0]["stream"] is True
        await answered(url + "/v1/chatqna", WHO, Message("user", "a"), Message("assistant", "b"), Message("user", "c"))
    assert [each["content"] for each in asked[1]["messages"]] == ["a", "b", "c"]


async def test_an_error_that_comes_as_an_answer_is_one() -> None:
    foreign = Foreign(answer='{"error":"Input validation error: too many tokens"}')
    async with listening(era_b(foreign)) as url:
        with pytest.raises(EngineFailed, match="Input validation error"):
            await answered(url + "/v1/chatqna", Message("user", "a"))


@pytest.mark.parametrize("era", [era_a, era_b])
async def test_a_server_that_lists_no_models_is_asked_for_the_one_that_opea_names(
    era: Callable[[Foreign], FastAPI],
) -> None:
    foreign = Foreign()
    async with listening(era(foreign)) as url:
        assert (await answered(url, WHO, Message("user", "Who are you?")))[0].strip() == foreign.answer
    assert foreign.bodies["llm"][0]["model"] == "tgi"
