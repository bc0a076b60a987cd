"""The embedded language model answers, remembers prompts, and stops when nobody listens."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import time
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from visavis import weights
from visavis.engines.llm import llamacpp
from visavis.engines.llm.context import fit, tokens
from visavis.engines.llm.llamacpp import SLOTS, WINDOW, LlamaCpp
from visavis.engines.llm.openai import OpenAICompatible
from visavis.engines.llm.smollm import MODEL
from visavis.engines.protocols import Delta, LanguageModel, Message, Sampling
from visavis.errors import BadInput, EngineFailed, EngineUnavailable
from visavis.settings import Settings, load_settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYSTEM = Message("system", "You are a friendly assistant. Answer in one short sentence.")
SAME = Sampling(max_tokens=24, temperature=0)


async def answer(engine: LanguageModel, messages: list[Message], options: Sampling = SAME) -> tuple[str, Delta]:
    deltas = [delta async for delta in engine.complete(messages, options)]
    assert all(delta.finish is None for delta in deltas[:-1])
    return "".join(delta.text for delta in deltas), deltas[-1]


def prompt(caplog: pytest.LogCaptureFixture) -> tuple[int, int]:
    """The tokens of the last prompt, and those of them that were worked on anew."""
    total, known = next(
        record.args[:2]
        for record in reversed(caplog.records)
        if record.name.endswith("llamacpp") and isinstance(record.args, tuple)
    )
    assert isinstance(total, int)
    assert isinstance(known, int)
    return total, total - known


async def test_an_answer_arrives_in_pieces_and_says_why_it_ended(llama: LlamaCpp) -> None:
    deltas = [delta async for delta in llama.complete([SYSTEM, Message("user", "Tell me about Paris.")], SAME)]
    assert len(deltas) > 5
    assert "".join(delta.text for delta in deltas).strip()
    assert [delta.finish for delta in deltas[:-1]] == [None] * (len(deltas) - 1)
    assert deltas[-1].finish in ("stop", "length")


async def test_max_tokens_ends_the_answer(llama: LlamaCpp) -> None:
    text, last = await answer(llama, [Message("user", "Count to one hundred.")], Sampling(max_tokens=5, temperature=0))
    assert last.finish == "length"
    assert len(text) < 60


async def test_a_stop_string_ends_the_answer_and_is_not_said(llama: LlamaCpp) -> None:
    messages = [SYSTEM, Message("user", "What is the capital of Spain?")]
    whole, _ = await answer(llama, messages)
    word = whole.split()[2]
    cut, last = await answer(llama, messages, Sampling(max_tokens=24, temperature=0, stop=(word,)))
    assert last.finish == "stop"
    assert word not in cut
    assert whole.startswith(cut)


async def test_turn_ten_works_on_no_more_tokens_than_turn_two(
    llama: LlamaCpp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    history = [SYSTEM, Message("user", "Tell me about the sea.")]
    totals, worked = [], []
    for _ in range(10):
        text, _ = await answer(llama, history, Sampling(max_tokens=16, temperature=0, session="a"))
        total, new = prompt(caplog)
        totals.append(total)
        worked.append(new)
        history += [Message("assistant", text), Message("user", "Tell me more about it, please.")]
    assert totals[-1] > 200
    # the question, its frame of the chat template, and the answer's end
    assert max(worked[1:]) <= 24
    assert worked[9] <= 1.3 * worked[1]


async def test_conversations_that_take_turns_keep_their_prompts(
    llama: LlamaCpp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    topics = ("dogs", "trees", "rivers", "music")
    histories = {topic: [SYSTEM, Message("user", f"Tell me about {topic}.")] for topic in topics}
    for turn in range(3):
        for topic, history in histories.items():
            text, _ = await answer(llama, history, Sampling(max_tokens=8, temperature=0, session=topic))
            if turn >= 1:
                assert prompt(caplog)[1] <= 24
            history += [Message("assistant", text), Message("user", "Tell me more.")]


async def test_a_primed_conversation_reads_only_its_question(llama: LlamaCpp, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await llama.prime([SYSTEM], "primed")
    await answer(llama, [SYSTEM, Message("user", "What is rain?")], Sampling(max_tokens=1, session="primed"))
    total, new = prompt(caplog)
    assert new <= 24 < total


async def test_a_new_conversation_reads_only_its_question(llama: LlamaCpp, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await answer(llama, [SYSTEM, Message("user", "What is snow?")], Sampling(max_tokens=1))
    for i in range(2 * SLOTS):  # in a fresh slot, and in one that was another's
        await answer(llama, [SYSTEM, Message("user", "What is rain?")], Sampling(max_tokens=1, session=f"new {i}"))
        total, new = prompt(caplog)
        assert new <= 24 < total


async def test_the_cache_does_not_change_the_answer(llama: LlamaCpp) -> None:
    messages = [SYSTEM, Message("user", "What do bees make?")]
    fresh, _ = await answer(llama, messages)
    again, _ = await answer(llama, messages, Sampling(max_tokens=24, temperature=0, session="somebody"))
    assert fresh == again


async def test_a_closed_answer_stops_and_the_next_one_starts_at_once(llama: LlamaCpp) -> None:
    long = [SYSTEM, Message("user", "Tell me a very long story.")]
    start = time.perf_counter()
    async with aclosing(llama.complete(long, Sampling(max_tokens=1))) as stream:
        _ = [delta async for delta in stream]
    idle = time.perf_counter() - start
    for _ in range(6):  # more than are answered at the same time
        async with aclosing(llama.complete(long, Sampling(max_tokens=2000))) as stream:
            for _ in range(3):
                await anext(stream)
    start = time.perf_counter()
    async with aclosing(llama.complete(long, Sampling(max_tokens=1))) as stream:
        _ = [delta async for delta in stream]
    assert time.perf_counter() - start < idle + 2  # 2000 tokens take 20 s and more


async def test_several_answers_are_made_at_the_same_time(llama: LlamaCpp) -> None:
    order: list[str] = []

    async def ask(topic: str) -> None:
        options = Sampling(max_tokens=24, temperature=0, session=topic)
        async for _ in llama.complete([SYSTEM, Message("user", f"Tell me about {topic}.")], options):
            order.append(topic)

    await asyncio.gather(ask("cats"), ask("birds"))
    assert set(order[: len(order) // 2]) == {"cats", "birds"}


async def test_the_event_loop_keeps_running_while_it_answers(llama: LlamaCpp) -> None:
    worst = 0.0

    async def tick() -> None:
        nonlocal worst
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            worst = max(worst, time.thread_time() - before)  # CPU time: the loop's own work, not other processes'

    ticking = asyncio.ensure_future(tick())
    await answer(llama, [SYSTEM, Message("user", "What is a house?")])
    ticking.cancel()
    assert worst < 0.02


async def test_a_long_conversation_is_answered(llama: LlamaCpp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llamacpp, "WINDOW", 400)
    history = [SYSTEM]
    for i in range(200):
        history += [Message("user", f"Question {i}: " + "why? " * 8), Message("assistant", "Because. " * 8)]
    text, _ = await answer(llama, [*history, Message("user", "What is water?")], Sampling(max_tokens=4))
    assert text


async def test_after_a_cut_in_the_history_the_next_prompt_is_read_ahead(
    llama: LlamaCpp, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG, "visavis.engines.llm.llamacpp")
    history = [SYSTEM]
    for _ in range(4):
        history += [Message("user", "And then? " * 8), Message("assistant", "Then this. " * 8)]
    history += [Message("user", "Why?" * 20)]
    window = sum(tokens(message) for message in history) + 70  # room for a question, but not for the answer, too
    monkeypatch.setattr(llamacpp, "WINDOW", window)
    text, _ = await answer(llama, history, Sampling(max_tokens=24, temperature=0))
    history += [Message("assistant", text), Message("user", "What is water?")]
    assert len(fit(history, window)) < len(history)
    while len(caplog.records) < 2:  # noqa: ASYNC110  what is waited for happens on a thread and calls nobody back
        await asyncio.sleep(0.02)
    await answer(llama, history, Sampling(max_tokens=2))
    total, new = prompt(caplog)
    assert total > 50
    assert new <= 24


async def test_a_question_that_cannot_fit_is_bad_input(llama: LlamaCpp) -> None:
    with pytest.raises(BadInput, match="50,000 characters"):
        await answer(llama, [SYSTEM, Message("user", "why " * 12_500)])
    with pytest.raises(BadInput, match="too long"):  # every digit is a token, which the estimate does not know
        await answer(llama, [SYSTEM, Message("user", "7" * (WINDOW * 3 - 400))])


async def test_odd_characters_are_answered(llama: LlamaCpp) -> None:
    for text in ("¿Qué?", "🙂🙃", "日本", "\x00\x07", "<|im_end|>", "\ud800", "{{ x }}{% y %}"):
        answered, _ = await answer(llama, [SYSTEM, Message("user", text)], Sampling(max_tokens=4))
        assert answered is not None


async def test_everyday_questions_get_short_right_answers(llama: LlamaCpp) -> None:
    for question, expected in (
        ("What is the capital of France?", "Paris"),
        ("What do bees make?", "honey"),
        ("How many days are in a week?", "7|seven"),
        ("Thank you very much!", "welcome|glad"),
    ):
        text, last = await answer(llama, [SYSTEM, Message("user", question)], Sampling(max_tokens=60, temperature=0))
        assert re.search(expected, text), text
        assert last.finish == "stop"


async def test_its_port_answers_nobody_without_the_key(llama: LlamaCpp) -> None:
    address = llama._server.listening_address
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(f"{address}/v1/chat/completions", json={"messages": []})
    assert response.status_code == 401


async def test_the_same_model_is_asked_over_http(llama: LlamaCpp) -> None:
    assert llama._door is not None
    settings = Settings(llm_url=llama._server.listening_address, llm_api_key=SecretStr(llama._door.key))
    async with OpenAICompatible(settings) as remote:
        text, last = await answer(remote, [SYSTEM, Message("user", "Tell me about the sea.")], Sampling(max_tokens=12))
        assert text
        assert last.finish == "length"
        async with aclosing(remote.complete([SYSTEM, Message("user", "Count.")], Sampling(max_tokens=2000))) as stream:
            await anext(stream)
        async with OpenAICompatible(Settings(llm_url=settings.llm_url, llm_model="m")) as stranger:
            with pytest.raises(EngineFailed, match=r"401.*VISAVIS_LLM_API_KEY"):
                await answer(stranger, [Message("user", "Hi")])


async def test_llama_cpp_writes_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    async with LlamaCpp(load_settings()) as engine:
        await answer(engine, [Message("user", "Hi")], Sampling(max_tokens=2))
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


async def test_leaving_ends_an_answer_that_is_still_read() -> None:
    engine = await LlamaCpp(load_settings()).__aenter__()
    stream = engine.complete([SYSTEM, Message("user", "Tell me a very long story.")], Sampling(max_tokens=2000))
    await anext(stream)
    start = time.perf_counter()
    await engine.__aexit__(None, None, None)
    assert time.perf_counter() - start < 3
    await stream.aclose()


@pytest.mark.parametrize("content", [b"", b"not a model", b"GGUF" + bytes(4096)], ids=len)
async def test_a_damaged_model_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(content)
    with pytest.raises(EngineUnavailable, match=r"model\.gguf.*VISAVIS_LLM_FILE") as caught:
        await LlamaCpp(Settings(llm_file=file)).__aenter__()
    assert "\n" not in str(caught.value)


async def test_a_truncated_model_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights.fetch([MODEL])
    model = weights.require(MODEL)
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    file = tmp_path / "weights" / "model.gguf"
    file.parent.mkdir()
    with model.open("rb") as whole:
        file.write_bytes(whole.read(8_000_000))
    with pytest.raises(EngineUnavailable, match="visavis models pull"):
        await LlamaCpp(Settings(llm_file=file)).__aenter__()


async def test_a_library_that_its_wheel_needs_and_the_system_lacks_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # importing it fails then
    with pytest.raises(EngineUnavailable, match=r"llama\.cpp cannot be loaded \(.+\): reinstall it"):
        async with LlamaCpp(Settings()):
            pass


async def test_a_missing_model_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path))
    with pytest.raises(EngineUnavailable, match="visavis models pull"):
        await LlamaCpp(load_settings()).__aenter__()
    availability = LlamaCpp.availability()
    assert not availability.ready
    assert "visavis models pull" in availability.remedy
    monkeypatch.setenv("VISAVIS_LLM_FILE", str(tmp_path / "gone.gguf"))
    assert "gone.gguf" in LlamaCpp.availability().reason
