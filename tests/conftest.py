"""Fixtures for every test: where the reference pictures and speech are, and a data folder of the test's own."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("unhurried", deadline=None)  # time is measured in benchmarks
hypothesis.settings.load_profile("unhurried")


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C and so would the commands that the tests interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of reference pictures and speech, named by VISAVIS_REFERENCE."""
    return Path(os.environ["VISAVIS_REFERENCE"])


LIVE = ("tests/browser/", "tests/gateway/", "tests/ui/", "tests/web/", "tests/cli/test_serve.py")
"""Where tests run in real time: on cores of which nobody else takes any."""


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what runs in real time, and see to what needs the reference."""
    for item in items:
        if item.nodeid.startswith(LIVE):
            item.add_marker("live")
    _check_reference(items)


def _check_reference(items: list[pytest.Item]) -> None:
    """Skip reference tests where there is no reference; in CI that is a failure, so that nothing passes unseen."""
    folder = os.environ.get("VISAVIS_REFERENCE")
    if folder and Path(folder).is_dir():
        return
    marked = [item for item in items if item.get_closest_marker("reference")]
    if not marked:
        return
    if os.environ.get("CI") == "true":
        raise pytest.UsageError(f"{len(marked)} reference tests cannot run: set VISAVIS_REFERENCE to their folder")
    for item in marked:
        item.add_marker(pytest.mark.skip(reason="set VISAVIS_REFERENCE to the folder of reference pictures and speech"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing passes unseen: a skipped test has failed."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
