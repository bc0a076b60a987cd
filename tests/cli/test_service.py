"""`visavis service` says what it can start."""

from __future__ import annotations

import sys

import pytest

from tests.cli.conftest import Command


def test_a_service_that_there_is_not_is_refused_with_those_that_there_are(visavis: Command) -> None:
    outcome = visavis("service", "gateway")
    assert outcome.code == 2
    assert outcome.message == (
        "visavis: there is no service 'gateway': there are asr, whisper, llm, tgi, tts, speecht5, animation, wav2lip"
    )


def test_a_tool_without_its_library_says_how_to_get_it(visavis: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setenv("ENABLE_MCP", "1")
    outcome = visavis("service", "asr")
    assert outcome.code == 2
    assert outcome.message == "visavis: ENABLE_MCP needs a library more: pip install 'visavis[mcp]'"
