"""Somebody at a real browser: opens the page, types and presses, and perceives what it shows and plays."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
from numpy.typing import NDArray
from playwright.async_api import Browser, BrowserContext, Error, Page, expect

INSTRUMENTS = Path(__file__).with_name("instruments.js")
PATIENCE = 60.0
"""Seconds to wait for anything: the machine may be slow, and nothing here is about speed."""
LONG = "tell me the long story of the old man who lived on the hill above the sea and who had a boat and no friends"
"""A question that takes long to say again."""
Event = dict[str, Any]
expect.set_options(timeout=PATIENCE * 1000)


@dataclass
class Visitor:
    """One page. Raise nothing while it is used; `open_visitor` looks at its errors in the end."""

    page: Page
    address: str
    requests: list[str] = field(default_factory=list)
    """The address of everything that the page has asked for."""
    mistakes: list[str] = field(default_factory=list)
    """Exceptions that nothing in the page caught."""

    async def until(self, condition: str, argument: object = None) -> Any:
        """Wait until a JavaScript expression, or a function of the argument, is true; its value."""
        # Playwright's own wait_for_function evaluates text in the page, which our content security policy forbids
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    if value := await self.page.evaluate(condition, argument):
                        return value
                except Error as error:
                    if "context was destroyed" not in str(error):  # by a reload
                        raise
                await self.page.wait_for_timeout(100)

    async def arrive(self) -> None:
        """Open the page."""
        await self.page.goto(self.address)
        await self.arrived()

    async def arrived(self) -> None:
        """Wait until a face is there."""
        await self.until("window.visavis?.state === 'idle' && visavis.shown > 0")

    async def ask(self, text: str) -> None:
        """Type a question."""
        await self.page.fill("#text", text)
        await self.page.press("#text", "Enter")

    async def told(self, type: str, since: int = 0) -> list[Event]:
        """Events of a type that the server sent, but for the first `since` of all."""
        found: list[Event] = await self.page.evaluate(
            "([type, since]) => told.slice(since).filter((event) => event.type === type)", [type, since]
        )
        return found

    async def answered(self, since: int = 0) -> Event:
        """The end of the first answer after the first `since` events."""
        await self.until("(since) => told.slice(since).some(({type}) => type === 'answered')", since)
        return (await self.told("answered", since))[0]

    async def speaking(self) -> None:
        """Wait until an answer is heard."""
        await self.until("visavis.state === 'speaking' && sound.slice(-10).some(({rms}) => rms > 0.01)")

    async def now(self) -> int:
        """How many events the server has sent: a point in time for `since`."""
        count: int = await self.page.evaluate("told.length")
        return count

    async def loudness(self, condition: str = "true") -> NDArray[np.float32]:
        """(n,) root mean square of what the page played, every 20 ms, where `condition` on {at, rms, state, told}
        holds."""
        found = await self.page.evaluate(
            f"sound.filter(({{at, rms, state, told}}) => {condition}).map(({{rms}}) => rms)"
        )
        return np.array(found, np.float32)

    async def look(self, count: int = 40, every: int = 70) -> list[NDArray[np.uint8]]:
        """Pictures of the face, (h, w, 3) RGB, `every` so many milliseconds."""
        pictures = await self.page.evaluate("([count, every]) => look(count, every)", [count, every])
        return [_decoded(picture) for picture in pictures]

    def foreign(self) -> list[str]:
        """What was asked of anybody but the server."""
        own = urlsplit(self.address).netloc
        return [
            url for url in self.requests if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != own
        ]


@asynccontextmanager
async def open_visitor(
    browser: Browser, address: str, scripts: Sequence[str] = (), **options: Any
) -> AsyncGenerator[Visitor, None]:
    """A fresh profile; `options` are Playwright's for a context. In the end the page must have made no mistake and
    asked nobody else for anything."""
    context = await browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    try:
        visitor = await _visitor(context, address, scripts)
        yield visitor
        assert visitor.mistakes == []
        assert visitor.foreign() == []
    finally:
        await context.close()


async def _visitor(context: BrowserContext, address: str, scripts: Sequence[str]) -> Visitor:
    for script in scripts:
        await context.add_init_script(script)
    await context.add_init_script(path=INSTRUMENTS)
    page = await context.new_page()
    visitor = Visitor(page, address)
    context.on("request", lambda request: visitor.requests.append(request.url))
    page.on("websocket", lambda socket: visitor.requests.append(socket.url))
    page.on("pageerror", lambda error: visitor.mistakes.append(str(error)))
    return visitor


def _decoded(picture: str) -> NDArray[np.uint8]:
    data = np.frombuffer(base64.b64decode(picture.partition(",")[2]), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)
