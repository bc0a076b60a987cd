"""Faces of several conversations share a network's batches, and nobody waits longer than for one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence

import numpy as np
import pytest
import pytest_asyncio

from visavis.engines.animation.batches import Batches
from visavis.streams.worker import Worker


@pytest_asyncio.fixture
async def worker() -> AsyncGenerator[Worker, None]:
    worker = Worker("test")
    yield worker
    worker.close()


class Network:
    """Adds a face's number to its inputs, slowly, and notes what it was given."""

    def __init__(self) -> None:
        self.runs: list[list[int]] = []

    def __call__(self, faces: Sequence[int], inputs: np.ndarray) -> np.ndarray:
        assert len(faces) == len(inputs)
        self.runs.append(list(faces))
        time.sleep(0.01)
        if 13 in faces:
            raise ValueError("unlucky")
        return inputs + np.array(faces, np.float32)[:, None]


def inputs(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.float32)[:, None]


async def test_each_gets_its_own_outputs_in_order(worker: Worker) -> None:
    network = Network()
    batches = Batches(worker, network, most=8)
    faces = [100, 200, 300]
    made = await asyncio.gather(*(batches.make(face, inputs(7)) for face in faces))
    for face, each in zip(faces, made, strict=True):
        assert (each == inputs(7) + face).all()


async def test_who_waits_is_taken_along_in_equal_parts(worker: Worker) -> None:
    network = Network()
    batches = Batches(worker, network, most=8)
    await asyncio.gather(*(batches.make(face, inputs(8)) for face in (1, 2, 3, 4)))
    assert len(network.runs) == 4 == batches.runs
    assert all(run.count(face) == 2 for run in network.runs for face in (1, 2, 3, 4))


async def test_a_long_request_delays_a_short_one_by_a_batch_at_most(worker: Worker) -> None:
    network = Network()
    batches = Batches(worker, network, most=4)
    long = asyncio.ensure_future(batches.make(1, inputs(40)))
    await asyncio.sleep(0.015)
    await batches.make(2, inputs(1))
    begun = next(i for i, run in enumerate(network.runs) if 2 in run)
    assert not long.done()
    assert len(await long) == 40
    assert begun <= 3


async def test_more_than_fit_take_turns(worker: Worker) -> None:
    network = Network()
    batches = Batches(worker, network, most=2)
    made = await asyncio.gather(*(batches.make(face, inputs(2)) for face in range(5)))
    assert [each[0, 0] for each in made] == [0, 1, 2, 3, 4]
    assert all(len(run) <= 2 for run in network.runs)
    firsts = [next(i for i, run in enumerate(network.runs) if face in run) for face in range(5)]
    assert max(firsts) <= 3


async def test_a_failure_is_told_to_those_it_belongs_to_and_the_next_are_served(worker: Worker) -> None:
    batches = Batches(worker, Network(), most=4)
    with pytest.raises(ValueError, match="unlucky"):
        await batches.make(13, inputs(1))
    assert (await batches.make(5, inputs(1)))[0, 0] == 5


async def test_who_leaves_is_not_waited_for(worker: Worker) -> None:
    network = Network()
    batches = Batches(worker, network, most=2)
    leaving = asyncio.ensure_future(batches.make(1, inputs(100)))
    await asyncio.sleep(0.015)
    leaving.cancel()
    await batches.make(2, inputs(1))
    runs = len(network.runs)
    await asyncio.sleep(0.05)
    assert len(network.runs) <= runs + 1
