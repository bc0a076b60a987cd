"""Whatever is sent to a service or to the gateway: no 500, no silence, and nothing told that is nobody's business.

Requests are made up (schemathesis) of what each says that it takes, in its own `/openapi.json`, good and bad ones.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.browser.conftest import served
from tests.serving.fuzzer import secrets
from tests.serving.processes import started
from visavis.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.live]
ROOT = Path(__file__).parents[2]
GOOD = ("--mode", "positive", "--phases", "fuzzing", "--max-examples", "25")
"""25 requests for each operation."""
BAD = ("--mode", "negative", "--phases", "coverage")
"""One request for each thing that can be wrong with one."""
SEED = "7"
FAKES = {f"VISAVIS_{slot}": "fake" for slot in ("ASR", "LLM", "TTS", "ARTICULATION", "ANIMATION")}
"""It is about the wire: what is behind it takes no time."""


@pytest.mark.parametrize("name", ["asr", "llm", "tts", "animation", "gateway"])
async def test_there_is_an_answer_to_everything(name: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        if name == "gateway":
            address, _ = await stack.enter_async_context(served("--port", "0", **FAKES))
        else:
            address = await stack.enter_async_context(started(name, **FAKES))
        address = address.rstrip("/").replace("localhost", "127.0.0.1")
        for code, told in await asyncio.gather(*(fuzzed(address, tmp_path, kind) for kind in (GOOD, BAD))):
            assert code == 0, told
        async with httpx.AsyncClient(base_url=address) as http:
            assert (await http.get("/health")).status_code == 200


@pytest.mark.parametrize(
    ("answer", "noticed"),
    [
        ("500 Internal Server Error\r\n\r\nsorry", "Server error"),
        ("400 Bad Request\r\n\r\nTraceback (most recent call last)", "'Traceback' is in the answer"),
        (f"404 Not Found\r\n\r\nno {tempfile.gettempdir()}/x", f"'{tempfile.gettempdir()}' is in the answer"),
        ("", "timed out"),
        ("204 No Content\r\n\r\n", ""),
    ],
)
async def test_the_fuzzer_notices_what_is_wrong(answer: str, noticed: str, tmp_path: Path) -> None:
    described = (
        '{"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {"/x": {"get": {"responses": {}}}}}'
    )

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        if b"/openapi.json" in asked:
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + described.encode())
        elif answer:
            writer.write(b"HTTP/1.1 " + answer.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n").encode())
        else:
            await reader.read()  # until it leaves
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        code, told = await fuzzed(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", tmp_path, GOOD, patience=1)
    assert bool(code) is bool(noticed), told
    assert noticed in told


async def fuzzed(address: str, folder: Path, kind: tuple[str, ...], *, patience: int = 10) -> tuple[int | None, str]:
    """Requests from a process of its own, whose files go to `folder`: its exit code, and what it found."""
    private = secrets(folder, Settings().data_dir, Path(tempfile.gettempdir()), Path.home())
    environment = {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.serving.fuzzer", "FUZZER_SECRETS": private}
    command = [str(Path(sys.executable).with_name("st")), "run", f"{address}/openapi.json", *kind]
    command += ["--seed", SEED, "--no-shrink", "--continue-on-failure", "--generation-database", "none"]
    command += ["--checks", "not_a_server_error,tells_nothing_private", "--warnings", "off", "--no-color"]
    command += ["--request-timeout", str(patience), "--max-response-time", str(patience)]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()
