"""`visavis service` says what it can start."""

from __future__ import annotations

from tests.cli.conftest import Command


def test_a_service_that_there_is_not_is_refused_with_those_that_there_are(visavis: Command) -> None:
    outcome = visavis("service", "gateway")
    assert outcome.code == 2
    assert outcome.message == (
        "visavis: there is no service 'gateway': there are asr, whisper, llm, tgi, tts, speecht5, animation, wav2lip"
    )
