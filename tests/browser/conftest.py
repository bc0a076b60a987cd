"""A server in a process of its own, and a real Chromium before it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
_ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"
Launch = Callable[..., AbstractAsyncContextManager[Browser]]


@asynccontextmanager
async def served(*options: str, **more: str) -> AsyncGenerator[tuple[str, asyncio.subprocess.Process], None]:
    """`visavis serve` with a scripted mind, which says what it was asked; its address and its process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FAKE_")} | more
    command = [sys.executable, "-m", "visavis", "serve", "--no-open", "--llm", "fake", "--sessions", "40"]
    process = await asyncio.create_subprocess_exec(*command, *options, stdout=asyncio.subprocess.PIPE, env=environment)
    assert process.stdout is not None
    try:
        told = ""
        while not (found := re.search(r"talk: +(\S+)", told)):
            line = await process.stdout.readline()
            assert line, f"the server did not start: {told}"
            told += line.decode()
        yield found[1], process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncGenerator[str, None]:
    """The address of a server with every embedded engine but the mind."""
    async with served("--port", "0") as (address, _):
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def playwright() -> AsyncGenerator[Playwright, None]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: Debian, Ubuntu: sudo apt-get install chromium")
    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launch(playwright: Playwright) -> Launch:
    """Start a Chromium whose microphone plays a file once, from when it is opened; more flags; left-out ones."""

    @asynccontextmanager
    async def launched(
        microphone: Path | None = None, *flags: str, without: tuple[str, ...] = ()
    ) -> AsyncGenerator[Browser, None]:
        known = [flag for flag in (*FLAGS, _ONLY_HERE) if flag.partition("=")[0] not in without]
        if microphone is not None:
            known.append(f"--use-file-for-fake-audio-capture={microphone}%noloop")
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*known, *flags])
        try:
            yield browser
        finally:
            await browser.close()

    return launched


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(launch: Launch) -> AsyncGenerator[Browser, None]:
    """For whoever needs no microphone."""
    async with launch() as started:
        yield started
