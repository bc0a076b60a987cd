"""The Dockerfile: a target for each service, none of them root's, each as the product knows it."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, PENDING, ROOT, compose, services, targets
from visavis.serving.service import KINDS

PORTS = {name: kind.port for name, kind in KINDS.items()} | {"avatarchatbot": 8888, "ui": 7861}


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    run = subprocess.run([hadolint, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "")


def test_each_service_has_a_target_on_its_port_and_the_last_one_is_everything() -> None:
    assert set(services()) == set(PORTS)
    assert list(targets())[-1] == "avatarchatbot"
    for name, target in services().items():
        assert target.all("EXPOSE") == [str(PORTS[name])]
        assert target.env["HEALTH_URL"] == f"http://127.0.0.1:{PORTS[name]}/health"
        assert target.command[:2] == {"avatarchatbot": ("serve", "--host"), "ui": ("ui", "--host")}.get(
            name, ("service", name)
        )


@pytest.mark.parametrize("name", sorted(PORTS))
def test_nobody_runs_as_root_and_everybody_is_asked_how_they_are(name: str) -> None:
    target = services()[name]
    assert target.all("USER") == ["10001:10001"]
    assert json.loads(target.all("ENTRYPOINT")[0]) == ["visavis"]
    assert target.all("HEALTHCHECK")[0].endswith('CMD ["healthy"]')
    assert min(PORTS.values()) >= 1024  # below it, a port is root's


def test_bases_are_of_a_version() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    bases = [line.partition("=")[2] for line in text.splitlines() if line.startswith("ARG ") and "_IMAGE=" in line]
    assert len(bases) == 2
    assert not any(base.endswith(":latest") or ":" not in base for base in bases)


def test_what_can_be_written_to_is_a_volume() -> None:
    assert json.loads(targets()["runtime"].all("VOLUME")[0]) == ["/data/avatars", "/outputs", "/models"]


def _requirements(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEPLOY / "requirements.py"), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_requirements_are_the_package_s_own_and_those_of_the_extras() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    lines = _requirements("services").stdout.splitlines()
    assert lines == [*project["dependencies"], *project["optional-dependencies"]["services"]]
    everything = _requirements("all").stdout.splitlines()
    assert set(everything) >= {*lines, *project["optional-dependencies"]["webrtc"]}
    assert not set(everything) & set(project["optional-dependencies"]["dev"])


def test_an_extra_brings_those_along_that_it_is_made_of(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "face"\ndependencies = ["a>=1"]\n'
        '[project.optional-dependencies]\npage = ["b>=2", "face[wire]"]\nwire = ["c"]\ndev = ["d"]\n',
        "utf-8",
    )
    command = [sys.executable, str(DEPLOY / "requirements.py"), "page"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["a>=1", "b>=2", "c"]


def test_what_the_base_brings_is_left_out() -> None:
    lines = _requirements("all", "numpy", "torch").stdout.splitlines()
    assert lines
    assert not [line for line in lines if line.startswith(("numpy", "torch"))]


def test_an_extra_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    run = _requirements("services,serices")
    assert run.returncode == 1
    assert run.stderr.startswith("there is no extra 'serices': there are ")


def test_the_extras_that_are_built_exist() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        offered = set(tomllib.load(file)["project"]["optional-dependencies"]) - {"dev"}
    asked = {targets()["app"].all("ARG")[-1].partition("=")[2]}
    for names in (["xeon.yaml"], ["xeon.yaml", "gpu.yaml"], ["xeon.yaml", "gaudi.yaml"], ["all-in-one.yaml"]):
        asked |= {service["build"]["args"]["EXTRAS"] for service in compose(*names)["services"].values()}
    assert {name for names in asked for name in names.split(",")} <= offered | PENDING | {"all"}


def test_images_are_built_from_what_they_need_and_nothing_else() -> None:
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert all((ROOT / each).exists() for each in allowed)
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    assert {project["readme"], *project["license-files"], "src", "setup.py", "pyproject.toml"} <= set(allowed)
    copied = [word for line in targets()["app"].all("COPY") for word in line.split() if (ROOT / word).is_file()]
    assert copied
    assert set(copied) <= set(allowed)
