"""A server's engines: those that only some ask for, and others that take over when models come or go."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.engines.llm import tiny_qwen3
from tests.weights.pulled import keep
from visavis import machine
from visavis.engines import pool as pools
from visavis.engines.loading import Engines
from visavis.engines.pool import Pool, open_pool
from visavis.engines.protocols import LanguageModel, Message, OfModel, Sampling
from visavis.errors import BadInput, EngineFailed, EngineUnavailable
from visavis.settings import load_settings
from visavis.weights.models import find_model, place

BETTER = (" I", " know", " better", ".")


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(pools, "_LOOK", 3600)  # by hand


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "qwen3-0.6b": tiny_qwen3.write(folder / "small.gguf"),
        "qwen3-1.7b": tiny_qwen3.write(folder / "better.gguf", answer=BETTER),
    }


def pulled(name: str, file: Path, folder: Path) -> None:
    """The model called `name` comes, in one step."""
    folder = folder / name
    folder.mkdir()
    (folder / Path(find_model(name).files[0].path).name).symlink_to(file)
    keep(name, folder)


async def said(llm: LanguageModel) -> str:
    asked = [Message("user", "Who is there?")]
    deltas = llm.complete(asked, Sampling(max_tokens=32, temperature=0))
    return "".join([delta.text async for delta in deltas]).strip()


def model_of(pool: Pool) -> str:
    assert isinstance(pool.usual.llm, OfModel)
    return pool.usual.llm.model_name


@asynccontextmanager
async def small(models: dict[str, Path], folder: Path) -> AsyncGenerator[Pool, None]:
    """A pool whose mind is the small model."""
    pulled("qwen3-0.6b", models["qwen3-0.6b"], folder)
    async with open_pool(load_settings(), ["llm"]) as pool:
        assert model_of(pool) == "qwen3-0.6b"
        yield pool


async def test_a_better_model_takes_over_and_the_old_one_is_freed_when_its_answers_are_over(
    models: dict[str, Path], tmp_path: Path
) -> None:
    async with small(models, tmp_path) as pool:
        told: list[Engines] = []
        pool.replaced = lambda usual, slots: told.append(usual)
        old = pool.usual.llm
        assert await pool.renew() == [], "nothing has changed"
        with pool.usual.guests.inside():
            pulled("qwen3-1.7b", models["qwen3-1.7b"], tmp_path)
            assert await pool.renew() == ["llm"]
            assert [engines.llm for engines in told] == [pool.usual.llm]
            assert model_of(pool) == "qwen3-1.7b"
            assert await said(pool.usual.llm) == "".join(BETTER).strip()
            assert await said(old) == tiny_qwen3.SAID, "who began with it goes on"
        await pool.freed()
        with pytest.raises(RuntimeError, match="shutdown"):  # its threads have ended
            await said(old)
        assert await said(pool.usual.llm) == "".join(BETTER).strip()


async def test_a_model_that_goes_gives_its_place_to_the_next_best(models: dict[str, Path], tmp_path: Path) -> None:
    async with small(models, tmp_path) as pool:
        pulled("qwen3-1.7b", models["qwen3-1.7b"], tmp_path)
        await pool.renew()
        shutil.rmtree(place("qwen3-1.7b"))
        assert await pool.renew() == ["llm"]
        assert model_of(pool) == "qwen3-0.6b"
        assert await said(pool.usual.llm) == tiny_qwen3.SAID
        await pool.freed()


async def test_a_model_that_does_not_load_changes_nothing_and_is_not_tried_again(
    models: dict[str, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model at all")
    async with small(models, tmp_path) as pool:
        pulled("qwen3-1.7b", broken, tmp_path)
        with pytest.raises((EngineFailed, EngineUnavailable)):
            await pool.renew()
        assert model_of(pool) == "qwen3-0.6b"
        assert await said(pool.usual.llm) == tiny_qwen3.SAID
        assert await pool.renew() == []


async def test_where_memory_is_short_the_old_one_stays_and_it_is_said_what_to_do(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "available", lambda: 100_000_000)
    async with small(models, tmp_path) as pool:
        pulled("qwen3-1.7b", models["qwen3-1.7b"], tmp_path)
        with pytest.raises(EngineUnavailable, match=r"GB of memory are needed .* start visavis anew"):
            await pool.renew()
        assert model_of(pool) == "qwen3-0.6b"
        assert await said(pool.usual.llm) == tiny_qwen3.SAID


async def test_what_another_process_pulls_is_noticed(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_LOOK", 0.1)
    async with small(models, tmp_path) as pool:
        came = asyncio.Event()
        pool.replaced = lambda usual, slots: came.set()
        await asyncio.sleep(0.3)
        pulled("qwen3-1.7b", models["qwen3-1.7b"], tmp_path)
        async with asyncio.timeout(30):
            await came.wait()
        assert model_of(pool) == "qwen3-1.7b"


async def test_closing_frees_what_was_replaced_whoever_still_holds_it(models: dict[str, Path], tmp_path: Path) -> None:
    async with small(models, tmp_path) as pool:
        pool.usual.guests.enter()  # never leaves
        old = pool.usual.llm
        pulled("qwen3-1.7b", models["qwen3-1.7b"], tmp_path)
        await pool.renew()
    for llm in (old, pool.usual.llm):
        with pytest.raises(RuntimeError, match="shutdown"):  # its threads have ended
            await said(llm)


async def test_an_animator_that_is_asked_for_is_loaded_once_and_an_unknown_one_is_refused() -> None:
    async with open_pool(load_settings(animation="fake", articulation="fake"), ["articulation", "animation"]) as pool:
        one, other = await asyncio.gather(*(pool.drawn_by(pool.usual, "rig") for _ in range(2)))
        assert one.animation is other.animation
        assert one.animation.info.name == "rig"
        assert one.guests is pool.usual.guests
        with pytest.raises(BadInput, match="there is no animator 'brush' here"):
            await pool.drawn_by(pool.usual, "brush")
