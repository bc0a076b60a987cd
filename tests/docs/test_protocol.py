"""The protocol's page says what the code says."""

from __future__ import annotations

from tools.write_protocol import PATH, protocol


def test_the_page_on_the_protocol_is_that_of_the_code() -> None:
    assert PATH.read_text("utf-8") == protocol(), "run: python -m tools.write_protocol"
