"""A server with the Gradio page, in a process of its own, for which a larger model is recommended that is tiny here.

Its only argument is that model's name; its size in bytes is read from the standard input. It prints its address.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, nullcontext
from dataclasses import replace
from unittest.mock import patch

from tests.gateway.doors import serving
from tests.gateway.scripted import FAKES, FREE
from visavis.gateway.app import create_app
from visavis.gateway.live import open_live
from visavis.gateway.security import FRONT, NONCE
from visavis.serving.megaservice import joined
from visavis.settings import load_settings
from visavis.ui.client import Gateway
from visavis.ui.mount import mounted
from visavis.weights.models import ModelFile, find_model


async def main() -> None:
    settings = load_settings(size=128, **{**FAKES, "llm": "auto"})
    async with open_live(settings) as live, AsyncExitStack() as stack:
        app = create_app(settings, open=lambda _: nullcontext(live), limits=FREE)
        await stack.enter_async_context(joined(app, settings, live.pool, live.hears))
        gateway = Gateway("http://localhost", None, app)
        await stack.enter_async_context(mounted(app, gateway, FRONT, NONCE, settings.max_upload))
        async with serving(app) as port:
            print(f"http://localhost:{port}/ui/", flush=True)
            await asyncio.Event().wait()


if __name__ == "__main__":
    model = find_model(sys.argv[1])
    small = replace(model, files=(ModelFile(model.files[0].path, int(input())),))
    with patch("visavis.gateway.equipment.recommended", lambda *_, **__: (small,)):
        asyncio.run(main())
