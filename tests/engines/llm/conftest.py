"""One loaded model for all tests of a module, and a way to read an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from visavis import weights
from visavis.engines.llm.llamacpp import LlamaCpp
from visavis.engines.llm.smollm import MODEL
from visavis.settings import load_settings


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def llama() -> AsyncIterator[LlamaCpp]:
    """SmolLM2, loaded and warm."""
    weights.fetch([MODEL])
    async with LlamaCpp(load_settings()) as engine:
        yield engine
