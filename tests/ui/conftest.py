"""The page in a real Chromium, before a real server."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page

from tests.browser.conftest import browser, launch, playwright, server
from tests.browser.visitor import open_visitor

__all__ = ["browser", "launch", "opened", "playwright", "server"]


@asynccontextmanager
async def opened(browser: Browser, address: str, elsewhere: str = "", **options: Any) -> AsyncGenerator[Page, None]:
    """The page for somebody new. In the end nothing on it was refused by its policy, and no other host was asked but
    the gateway `elsewhere`."""
    complaints: list[str] = []
    async with open_visitor(browser, address.removesuffix("ui/"), **options) as visitor:
        page = visitor.page
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        await page.goto(f"{visitor.address}ui/")
        await page.locator("#stage img").wait_for()
        yield page
        visitor.requests[:] = [each for each in visitor.requests if not (elsewhere and _is_of(elsewhere, each))]
        assert [each for each in complaints if "Content Security Policy" in each] == []


def _is_of(gateway: str, url: str) -> bool:
    return urlsplit(url).netloc == urlsplit(gateway).netloc
