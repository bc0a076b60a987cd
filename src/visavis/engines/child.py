"""A process for what must not run in ours: for its licence, or because it would stop everything else while it works.

It is a module of ours, run with `python -m` and its arguments. It reads requests and answers each: one JSON line with
the number of raw `bytes` that follow, and those. Before any request it answers once, when it is ready, or with an
`error`. It ends when its input does. `engines.answering` is what most of those modules do.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from typing import Any

from visavis.engines.protocols import Slot
from visavis.errors import EngineFailed

_START = 60.0
"""Seconds the process may take to start: a machine may be busy, or read it from a slow disk."""

Message = tuple[dict[str, Any], bytes]


class Child:
    """Started when needed, asked one thing at a time, killed when it does not answer, and started again.

    A request that is cancelled kills it, for half an answer may be in the pipe; a `patient` one's answer is waited for
    instead, so that nobody else loses what the process has in memory.
    """

    def __init__(
        self, module: str, slot: Slot, name: str, arguments: Sequence[str] = (), *, patient: bool = False
    ) -> None:
        self.started = 0
        """How often: what an earlier process had in memory is gone."""
        self._module, self._slot, self._name, self._patient = module, slot, name, patient
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Of the process, if there is one."""
        return None if self._process is None else self._process.pid

    @property
    def alive(self) -> bool:
        """Whether there is one."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        async with self._turn:
            await self._ready()

    async def ask(self, head: dict[str, Any], body: bytes = b"", *, within: float) -> Message:
        """The answer to a request, `within` seconds. Raises `EngineFailed`."""
        if not self._patient:
            async with self._turn:
                return await self._asked(head, body, within)
        await self._turn.acquire()  # a request that is cancelled before its turn is never made
        asking = asyncio.ensure_future(self._asked(head, body, within))
        asking.add_done_callback(lambda _: self._turn.release())
        asking.add_done_callback(lambda task: task.cancelled() or task.exception())  # nobody may be left to see it
        return await asyncio.shield(asking)

    async def stop(self, within: float) -> None:
        """End it: by the end of its input, else by force."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await process.wait()
        finally:
            await _kill(process)

    async def _asked(self, head: dict[str, Any], body: bytes, within: float) -> Message:
        process = await self._ready()
        try:
            async with asyncio.timeout(within):
                assert process.stdin is not None
                process.stdin.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)
                await process.stdin.drain()
                return await self._read(process)
        except BaseException as error:
            await self._lost(error)
            raise

    async def _ready(self) -> asyncio.subprocess.Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        try:
            async with asyncio.timeout(_START):
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", self._module, *self._arguments,
                    stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL, limit=2**20,
                )  # fmt: skip
                await self._read(self._process)
        except BaseException as error:
            await self._lost(error)
            raise
        self.started += 1
        return self._process

    async def _lost(self, error: BaseException) -> None:
        """Whatever happened, the process is of no use any more."""
        process, self._process = self._process, None
        if process is not None:
            await asyncio.shield(_kill(process))
        if isinstance(error, TimeoutError):
            raise EngineFailed(self._slot, self._name, "its process does not answer") from None
        if isinstance(error, (OSError, asyncio.IncompleteReadError, ValueError, KeyError)):
            raise EngineFailed(self._slot, self._name, "its process ended; try again, or use another") from error

    async def _read(self, process: asyncio.subprocess.Process) -> Message:
        assert process.stdout is not None
        head: dict[str, Any] = json.loads(await process.stdout.readuntil(b"\n"))
        body = await process.stdout.readexactly(head["bytes"])
        if "error" in head:
            raise EngineFailed(self._slot, self._name, head["error"])
        return head, body


async def _kill(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()
