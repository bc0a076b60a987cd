"""Pictures of several faces made by a network at once: whoever waits is taken along, and nobody waits for others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from visavis.streams.worker import Worker

FaceT = TypeVar("FaceT")
Floats = NDArray[np.float32]


@dataclass(slots=True, eq=False)
class _Request(Generic[FaceT]):
    face: FaceT
    inputs: Floats
    done: asyncio.Future[Floats]
    made: list[Floats] = field(default_factory=list)
    begun: int = 0

    def take(self, most: int) -> Floats:
        part = self.inputs[self.begun : self.begun + most]
        self.begun += len(part)
        return part


class Batches(Generic[FaceT]):
    """Requests from any number of conversations, run by one network on one worker.

    A batch holds a part of every request that waits, each of the same size, so that a long one delays a short one by
    no more than a batch. While nothing waits, a request is run at once.
    """

    def __init__(self, worker: Worker, run: Callable[[Sequence[FaceT], Floats], Floats], most: int = 16) -> None:
        """`run` makes (n, …) outputs of n faces and (n, …) inputs; `most` of them at once, or in a conversation."""
        self._worker, self._run, self._most = worker, run, most
        self._waiting: list[_Request[FaceT]] = []
        self._running: asyncio.Task[None] | None = None
        self.runs = 0
        """Batches run so far."""

    async def make(self, face: FaceT, inputs: Floats) -> Floats:
        """The outputs of one face for (n, …) inputs. Raises what the network raises."""
        request = _Request(face, inputs, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        if self._running is None or self._running.done():
            self._running = asyncio.ensure_future(self._serve())
        return await request.done

    async def close(self) -> None:
        """Wait for the batch that is running; requests that wait are cancelled."""
        for request in self._waiting:
            request.done.cancel()
        if self._running is not None:
            await asyncio.wait([self._running])

    async def _serve(self) -> None:
        while self._waiting:
            share = max(self._most // len(self._waiting), 1)
            chosen = self._waiting[: self._most]
            parts = [request.take(share) for request in chosen]
            faces = [request.face for request, part in zip(chosen, parts, strict=True) for _ in part]
            self.runs += 1
            try:
                outputs = await self._worker.run(self._run, faces, np.concatenate(parts))
            except Exception as error:  # whoever asked is told; those who ask next may fare better
                self._end(chosen, error)
                continue
            begin = 0
            for request, part in zip(chosen, parts, strict=True):
                request.made.append(outputs[begin : begin + len(part)])
                begin += len(part)
            self._end([request for request in chosen if request.begun >= len(request.inputs)], None)
            # nobody is first for ever; whoever has left is not waited for
            served = set(map(id, chosen))
            self._waiting = [
                *(request for request in self._waiting if id(request) not in served),
                *(request for request in self._waiting if id(request) in served),
            ]
            self._waiting = [request for request in self._waiting if not request.done.done()]

    def _end(self, requests: Sequence[_Request[FaceT]], error: Exception | None) -> None:
        for request in requests:
            self._waiting.remove(request)
            if request.done.done():
                continue
            if error is not None:
                request.done.set_exception(error)
            else:
                request.done.set_result(np.concatenate(request.made))
