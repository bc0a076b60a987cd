"""A script for the fake engines."""

from __future__ import annotations

import pytest

from tests.conversation.stage import LONG


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the fake recogniser hears and the fake model says."""
    monkeypatch.setenv("FAKE_HEARD", "what is the moon")
    monkeypatch.setenv("FAKE_ANSWER", LONG)
