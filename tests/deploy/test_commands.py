"""Every container's command, started as a plain process: it answers at each path at which its health is asked."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest
import yaml

from tests.deploy.files import CHART, DEPLOY, PENDING, RUNS, chart_commands, compose, services
from tests.serving.processes import process

pytestmark = pytest.mark.live
TOKEN = "a token for tests"
Command = tuple[str, ...]


def _told() -> dict[Command, set[str]]:
    """The containers' commands, and the paths at which each one's health is asked."""
    told: dict[Command, set[str]] = {}
    images = services()
    for target in images.values():
        told.setdefault(target.command, set()).add(_path(target.env["HEALTH_URL"]))
    for names in RUNS:
        for service in compose(*names)["services"].values():
            command = tuple(service.get("command") or images[service["build"]["target"]].command)
            told.setdefault(command, set()).add(_path(service["healthcheck"]["test"][2]))
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    for name, command in chart_commands().items():
        health = values["services"][name].get("health", values["defaults"]["health"])
        told.setdefault(tuple(word.replace("$(VISAVIS_TOKEN)", TOKEN) for word in command), set()).add(health)
    return told


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def _healthy(*arguments: str, **environment: str) -> int:
    command = [sys.executable, "-IS", str(DEPLOY / "healthy.py"), *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


TOLD = {command: paths for command, paths in _told().items() if command[0] not in PENDING}


@pytest.mark.parametrize("command", sorted(TOLD), ids=" ".join)
async def test_it_starts_and_is_healthy(command: Command) -> None:
    environment = {"VISAVIS_THREADS": "1"}
    if "--opea-open" not in command:
        environment["VISAVIS_TOKEN"] = TOKEN  # whose health is asked without it
    says = r"^\w+: +http://[^/]+:(\d+)/"
    async with process(*command, "--port", "0", says=says, **environment) as (port, made):
        for path in TOLD[command]:
            assert await asyncio.to_thread(_healthy, f"http://127.0.0.1:{port}{path}") == 0, path
        assert await asyncio.to_thread(_healthy, HEALTH_URL=f"http://127.0.0.1:{port}/health") == 0
        assert await asyncio.to_thread(_healthy, f"http://127.0.0.1:{port}/nowhere") == 1
        made.terminate()
        assert await made.wait() == 0  # as `docker stop` ends it


async def test_nobody_there_is_not_healthy() -> None:
    assert await asyncio.to_thread(_healthy, "http://127.0.0.1:9/health") == 1
