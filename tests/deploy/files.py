"""What `deploy/` says, read as those do who run it: the Dockerfile's targets, compose files, the chart."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm/visavis"
RUNS = (
    ["xeon.yaml"],
    ["xeon.yaml", "era-b.yaml"],
    ["xeon.yaml", "gpu.yaml"],
    ["xeon.yaml", "gaudi.yaml"],
    ["all-in-one.yaml"],
)
"""How compose files go together."""
PENDING = frozenset() if find_spec("visavis.ui") else frozenset({"ui"})
"""Commands and extras that an installation without that part of the package has not."""
Tree = dict[str, Any]


@dataclass
class Target:
    """A stage of the Dockerfile, with what it has from the stages before it."""

    base: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        """The arguments of every such instruction, in order."""
        return [rest for each, rest in self.lines if each == word]

    @property
    def env(self) -> dict[str, str]:
        return dict(re.findall(r"(\w+)=(\S+)", " ".join(self.all("ENV"))))

    @property
    def command(self) -> tuple[str, ...]:
        return tuple(json.loads(self.all("CMD")[-1]))


@cache
def targets() -> dict[str, Target]:
    """By name, all stages."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    stages: dict[str, Target] = {}
    stage = Target("")
    for line in filter(None, text.replace("\\\n", " ").splitlines()):
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            before = stages.get(base.replace("${DEVICE}", "cpu"))
            stage = stages[name] = Target(base, list(before.lines) if before else [])
        else:
            stage.lines.append((word, rest.strip()))
    return stages


def services() -> dict[str, Target]:
    """The stages that are started: those with a command."""
    return {name: stage for name, stage in targets().items() if stage.all("CMD")}


def compose(*names: str) -> Tree:
    """Compose files, one over the other, with the defaults of their variables."""
    merged: Tree = {}
    for name in names:
        merged = _over(merged, yaml.safe_load((DEPLOY / "compose" / name).read_text("utf-8")))
    found: Tree = _filled(merged)
    return found


def _over(below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return {key: _over(below.get(key), above[key]) if key in above else below[key] for key in below | above}
    return below + above if isinstance(below, list) and isinstance(above, list) else above


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each) for each in value]
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value) if isinstance(value, str) else value


def chart_commands() -> dict[str, tuple[str, ...]]:
    """By service, what runs in the pods of a release named demo: read from the values, since Helm takes a second."""
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    named = re.compile(r'{{ include "visavis\.service" \(list \. "(\w+)"\) }}')
    return {
        name: tuple(named.sub(r"demo-visavis-\1", word) for word in service["args"])
        for name, service in values["services"].items()
    }


def rendered(**values: Any) -> Tree:
    """What Helm says to the chart with these values: `manifests`, or why it is `refused`."""
    command = [sys.executable, str(Path(__file__).with_name("render.py")), str(CHART)]
    run = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=True)
    said: Tree = json.loads(run.stdout)
    return said


def objects(**values: Any) -> list[Tree]:
    """The Kubernetes objects that the chart makes of these values."""
    said = rendered(**values)
    assert "manifests" in said, said["refused"]
    texts = (text for name, text in said["manifests"].items() if name.endswith(".yaml"))
    return [each for text in texts for each in yaml.safe_load_all(text) if each]


def of_kind(kind: str, found: list[Tree]) -> list[Tree]:
    return [each for each in found if each["kind"] == kind]
