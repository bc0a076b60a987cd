"""The page in a server's app. Gradio is imported, and takes its memory, when somebody first comes."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from visavis.ui.client import Gateway
from visavis.ui.gate import Gate


@asynccontextmanager
async def mounted(
    app: Starlette, gateway: Gateway, path: str, nonce: str, most: int
) -> AsyncGenerator[Callable[[], None], None]:
    """Serve the page at `path` of the app until the block ends; files of at most `most` bytes are taken.

    `nonce`: by what name the scope of a request has the mark of the page's own scripts. What comes is to be called
    when the server is about to end: every browser is told something all the time, and no server waits for that.
    """
    page = _Page(gateway, path, nonce, most)

    async def within(request: Request) -> Response:
        return RedirectResponse(f"{path}/", 307)

    app.add_route(path, within, methods=["GET", "HEAD"])
    app.mount(path, page)
    try:
        yield page.hush
    finally:
        await page.close()


class _Page:
    """ASGI app that becomes Gradio's at its first request."""

    def __init__(self, gateway: Gateway, path: str, nonce: str, most: int) -> None:
        self._gateway, self._path, self._nonce, self._most = gateway, path, nonce, most
        self._begun = asyncio.Lock()
        self._stack = AsyncExitStack()
        self._app: Gate | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, as Gradio."""
        async with self._begun:
            if self._app is None:
                self._app = await self._begin()
        await self._app(scope, receive, send)

    def hush(self) -> None:
        """Tell browsers no more."""
        if self._app is not None:
            self._app.ended.set()

    async def close(self) -> None:
        """End what runs for the page, and remove its files."""
        await self._gateway.close()
        await self._stack.aclose()

    async def _begin(self) -> Gate:
        folder, parent = await asyncio.to_thread(self._built)
        await self._stack.enter_async_context(parent.router.lifespan_context(parent))
        gradio = next(each.app for each in parent.routes if isinstance(each, Mount))
        return Gate(gradio, folder, self._nonce)

    def _built(self) -> tuple[Path, Starlette]:
        from visavis.ui.page import built  # it imports Gradio: seconds, and 70 MB

        made = tempfile.TemporaryDirectory(prefix="visavis-ui-", ignore_cleanup_errors=True)
        folder = Path(self._stack.enter_context(made)).resolve()
        return folder, built(self._gateway, folder, self._path, self._most)
