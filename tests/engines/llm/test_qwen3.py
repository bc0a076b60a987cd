"""A model that was pulled answers: Qwen3 in its real format, which says its answer and not its thoughts."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.engines.llm import tiny_qwen3
from tests.engines.llm.tiny_qwen3 import ALWAYS, SAID
from tests.weights.pulled import keep
from visavis import machine, weights
from visavis.avatars.avatar import Avatar
from visavis.conversation.history import History
from visavis.conversation.reply import Manner, reply
from visavis.engines.contract import check_llm
from visavis.engines.llm import llamacpp
from visavis.engines.llm.chosen import chosen
from visavis.engines.llm.gguf import read_head
from visavis.engines.llm.llamacpp import CONTEXT, LlamaCpp
from visavis.engines.llm.smollm import MODEL
from visavis.engines.loading import load_engines
from visavis.engines.protocols import Message, Rendering, Sampling
from visavis.engines.registry import choose, wanted_weights
from visavis.errors import BadInput, EngineUnavailable
from visavis.settings import Settings, load_settings
from visavis.weights import models

SAME = Sampling(max_tokens=32, temperature=0)
ASKED = [Message("system", "Be brief."), Message("user", "Who is there?")]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_qwen3.write(tmp_path_factory.mktemp("qwen3") / "tiny.gguf")


@pytest.fixture
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder in which nothing is."""
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "data"))


def pull(name: str, file: Path, folder: Path) -> None:
    """The model called `name` is here, and is that file."""
    folder = folder / name
    folder.mkdir()
    (folder / Path(models.find_model(name).files[0].path).name).symlink_to(file)
    keep(name, folder)


async def said(settings: Settings) -> str:
    async with LlamaCpp(settings) as engine:
        return "".join([delta.text async for delta in engine.complete(ASKED, SAME)])


async def test_it_keeps_the_laws(tiny: Path) -> None:
    await check_llm(LlamaCpp(Settings(llm_file=tiny)))


async def test_its_answer_streams_without_a_thought(tiny: Path) -> None:
    async with LlamaCpp(Settings(llm_file=tiny)) as engine:
        deltas = [delta async for delta in engine.complete(ASKED, SAME)]
    assert [delta.text for delta in deltas if delta.text] == list(tiny_qwen3.ANSWER)
    assert deltas[-1].finish == "stop"


async def test_its_template_is_told_not_to_think(tiny: Path) -> None:
    async with LlamaCpp(Settings(llm_file=tiny)) as engine:
        assert engine._door is not None
        key = {"Authorization": f"Bearer {engine._door.key}"}
        async with httpx.AsyncClient(base_url=engine._server.listening_address, headers=key, trust_env=False) as client:
            answer = await client.post("/apply-template", json=engine._request(ASKED, Sampling(), 0))
    prompt = answer.json()["prompt"]
    assert prompt.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert prompt.count("<|im_start|>user") == 1  # SmolLM2's examples are its own


async def test_a_model_that_cannot_but_think_is_heard_without_its_thought(tmp_path: Path) -> None:
    assert await said(Settings(llm_file=tiny_qwen3.write(tmp_path / "thinks.gguf", ALWAYS))) == SAID


async def test_a_whole_conversation_speaks_its_answer(tiny: Path) -> None:
    fakes = Settings(vad="fake", asr="fake", tts="fake", articulation="fake", animation="fake", turn="none")
    plate = np.full((64, 64, 3), 128, np.uint8)
    avatar = Avatar("grey", "picture", plate, np.zeros((468, 3), np.float32), np.zeros((2, 5, 2), np.float32), {}, "0")
    async with load_engines(fakes.model_copy(update={"llm": "llamacpp", "llm_file": tiny})) as engines:
        history = History.begin().asked("Who is there?")
        clips = [clip async for clip in reply(history, engines, avatar, Manner(rendering=Rendering(64)))]
    assert " ".join(clip.text for clip in clips if clip.text) == SAID
    assert clips[-1].final


@pytest.mark.usefixtures("nothing_here")
async def test_the_best_model_that_was_pulled_and_fits_answers(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert chosen(load_settings()).embedded
    for name in ("qwen3-0.6b", "qwen3-4b"):
        pull(name, tiny, tmp_path)
    assert chosen(load_settings()).name == "qwen3-4b"
    monkeypatch.setattr(models, "memory", lambda: 4_000_000_000)
    assert chosen(load_settings()).name == "qwen3-0.6b"
    assert await said(load_settings()) == SAID
    monkeypatch.setattr(models, "memory", lambda: 1_000_000_000)
    assert chosen(load_settings()).embedded


@pytest.mark.usefixtures("nothing_here")
async def test_a_model_is_chosen_by_its_name_whatever_the_memory(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "memory", lambda: 1_000_000_000)
    pull("qwen3-0.6b", tiny, tmp_path)
    pull("qwen3-1.7b", tiny, tmp_path)
    for name in ("qwen3-0.6b", "qwen3-1.7b"):
        settings = Settings(llm_file=Path(name))
        assert (chosen(settings).name, LlamaCpp(settings).model_name) == (name, name)
    assert await said(Settings(llm_file=Path("qwen3-1.7b"))) == SAID
    assert chosen(Settings(llm_file=Path(MODEL))).embedded
    monkeypatch.setenv("VISAVIS_LLM_FILE", "qwen3-4b")
    state = LlamaCpp.availability()
    assert not state.ready
    assert "'qwen3-4b' is not on this machine" in state.reason
    assert state.remedy == "visavis models pull qwen3-4b"
    with pytest.raises(EngineUnavailable, match="visavis models pull qwen3-4b"):
        await LlamaCpp(load_settings()).__aenter__()


@pytest.mark.usefixtures("nothing_here")
def test_with_a_pulled_model_it_knows_every_language_and_wants_no_other(tiny: Path, tmp_path: Path) -> None:
    assert MODEL in wanted_weights(["llm"], load_settings())
    assert LlamaCpp.info.languages == ("en",)
    pull("qwen3-0.6b", tiny, tmp_path)
    info = choose("llm", Settings(language="de")).info
    assert (info.name, info.languages, info.licence) == ("llamacpp", (), "MIT AND Apache-2.0")
    assert "Qwen3 0.6B" in info.summary
    assert MODEL not in wanted_weights(["llm"], load_settings())
    assert not weights.present(MODEL)


@pytest.mark.usefixtures("nothing_here")
async def test_a_pulled_model_that_is_damaged_says_how_to_have_it_again(tiny: Path, tmp_path: Path) -> None:
    pull("qwen3-0.6b", tiny, tmp_path)
    file = models.place("qwen3-0.6b") / "Qwen3-0.6B-Q8_0.gguf"
    with file.open("r+b") as content:
        content.write(b"GGUF\x03\0\0\0" + bytes(4096))
    assert chosen(load_settings()).file == file
    with pytest.raises(EngineUnavailable, match=r"damaged.*visavis models pull qwen3-0\.6b"):
        await LlamaCpp(load_settings()).__aenter__()


def test_the_head_of_a_file_tells_what_a_conversation_takes(tiny: Path) -> None:
    head = read_head(tiny)
    assert (head.architecture, head.trained) == ("qwen3", 4096)
    assert head.token_bytes == 2 * 2 * 2 * (32 + 32)  # half precision, layers, heads of keys and values, their sizes
    assert 256 < head.vocabulary < 300


def test_a_conversation_is_as_long_as_memory_and_training_allow(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = dataclasses.replace(read_head(tiny), token_bytes=114_688, trained=32_768)  # Qwen3 0.6B and 1.7B
    for gigabytes, tokens in ((4, CONTEXT), (8, CONTEXT), (16, 2048), (64, 4096)):
        monkeypatch.setattr(llamacpp, "memory", lambda gigabytes=gigabytes: gigabytes * 10**9)
        assert llamacpp._context(head) == tokens
    assert llamacpp._context(dataclasses.replace(head, trained=1024)) == 1024
    assert llamacpp._context(dataclasses.replace(head, token_bytes=0)) == CONTEXT


async def test_a_question_that_cannot_fit_a_longer_context_is_bad_input(tiny: Path) -> None:
    async with LlamaCpp(Settings(llm_file=tiny)) as engine:
        with pytest.raises(BadInput, match="too long"):
            _ = [delta async for delta in engine.complete([Message("user", "why " * 12_500)], Sampling())]


def test_a_container_with_a_limit_has_that_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "_LIMITS", (limit,))
    limit.write_text("max\n")
    whole = machine.memory()
    assert whole > 10**8
    limit.write_text("123456\n")
    assert machine.memory() == 123_456


MEASURE = """
import asyncio, json, sys
from pathlib import Path
from visavis.engines.llm.llamacpp import LlamaCpp
from visavis.engines.loading import load_engines
from visavis.engines.protocols import Message, Sampling
from visavis.settings import Settings

REST = ("vad", "asr", "tts", "articulation", "animation")  # what a server has in memory besides

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

async def use(file):
    async with LlamaCpp(Settings(llm_file=file)) as engine:
        _ = [delta async for delta in engine.complete([Message("user", "Hi")], Sampling(max_tokens=4))]
        return resident()

async def main():
    small, large = map(Path, sys.argv[1:])
    async with load_engines(Settings(asr="pocketsphinx"), REST):
        await use(small)
        before, loaded = resident(), []
        for _ in range(2):
            loaded.append(await use(large))
        print(json.dumps({"before": before, "loaded": loaded, "after": resident()}))

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads memory where Linux tells it")
def test_a_model_that_is_left_gives_its_memory_back(tiny: Path, tmp_path: Path) -> None:
    large = tiny_qwen3.write(tmp_path / "large.gguf", width=1024, hidden=8192, layers=4)
    assert large.stat().st_size > 200e6
    run = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tiny), str(large)], capture_output=True, text=True, check=True
    )
    told = json.loads(run.stdout)
    assert max(told["loaded"]) < told["before"] + 1.3 * large.stat().st_size  # mapped once, not read besides
    assert told["loaded"][1] < 1.1 * told["loaded"][0]
    assert told["after"] < 1.1 * told["before"]
