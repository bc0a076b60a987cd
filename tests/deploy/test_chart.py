"""The chart, rendered by Helm's own engine: what Kubernetes takes, with no more rights than needed."""

from __future__ import annotations

import base64
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.files import CHART, Tree, chart_commands, compose, objects, of_kind, rendered, services
from tests.deploy.test_compose import known
from tests.deploy.test_images import PORTS
from visavis import __version__

KUBERNETES = "1.31"
EVERYTHING: Tree = {
    "services": {"ui": {"enabled": True}, "wav2lip": {"autoscaling": {"enabled": True, "maxReplicas": 8}}},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "certificate"},
    "image": {"registry": "registry.example.org/ai/", "pullSecrets": [{"name": "key"}]},
}


@pytest.fixture(scope="module")
def made() -> list[Tree]:
    return objects(**EVERYTHING)


def _pods(found: list[Tree]) -> dict[str, Tree]:
    """By service: the pod that its deployment starts."""
    return {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"]["template"]["spec"]
        for each in of_kind("Deployment", found)
    }


def _environment(pod: Tree) -> Tree:
    return {each["name"]: each.get("value") for each in pod["containers"][0]["env"]}


def test_helm_finds_nothing_wrong() -> None:
    assert rendered()["problems"] == []


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({}, id="defaults"),
        pytest.param(EVERYTHING, id="everything"),
        pytest.param({"token": {"enabled": False}, "persistence": {"models": {"enabled": False}}}, id="open"),
        pytest.param({"networkPolicy": {"enabled": False}, "serviceAccount": {"create": False}}, id="bare"),
        *(
            pytest.param(yaml.safe_load((CHART / name).read_text("utf-8")), id=name)
            for name in ("values-gaudi.yaml", "values-gpu.yaml")
        ),
    ],
)
def test_kubernetes_takes_what_it_makes(values: Tree) -> None:
    found = objects(**values)
    assert len(of_kind("Deployment", found)) >= 9
    for each in found:
        kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_a_typo_in_a_template_would_be_found(made: list[Tree]) -> None:
    broken = {**of_kind("Service", made)[0], "spce": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"servces": {}}, "servces"),
        ({"services": {"wave2lip": {"port": 7860, "args": ["service"]}}}, "wave2lip"),
        ({"services": {"asr": {"port": 80}}}, "port"),
        ({"services": {"asr": {"env": {"FPS": 25}}}}, "FPS"),
        ({"services": {"asr": {"resources": {"limits": {"cpu": 2}}}}}, "cpu"),
        ({"token": {"value": "short"}}, "token"),
        ({"persistence": {"outputs": {"accessModes": ["ReadWrite"]}}}, "accessModes"),
        ({"image": {"registry": "registry.example.org"}}, "registry"),
        ({"ingress": {"host": "https://talk.example.org/"}}, "host"),
        ({"token": {"enabled": False}, "services": {"ui": {"enabled": True}}}, "ui asks avatarchatbot with the token"),
    ],
)
def test_values_that_do_not_fit_are_refused(values: Tree, says: str) -> None:
    assert says in rendered(**values)["refused"]


def test_services_are_the_product_s_on_its_ports(made: list[Tree]) -> None:
    ports = {
        each["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"]["ports"][0]["port"]
        for each in of_kind("Service", made)
    }
    assert ports == PORTS
    for name, pod in _pods(made).items():
        (container,) = pod["containers"]
        assert container["ports"] == [{"name": "http", "containerPort": PORTS[name]}]
        assert container["image"] == f"registry.example.org/ai/visavis-{name}:{__version__}"
        assert tuple(container["args"][:2]) == ("ui", "--url") if name == "ui" else services()[name].command[:2]


def test_what_runs_and_how_it_is_asked_are_those_that_are_tried(made: list[Tree]) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    for name, pod in _pods(made).items():
        (container,) = pod["containers"]
        assert tuple(container["args"]) == chart_commands()[name]
        health = values["services"][name].get("health", values["defaults"]["health"])
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"] == {"path": health, "port": "http"}


def test_pods_have_no_rights(made: list[Tree]) -> None:
    for pod in _pods(made).values():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        own = pod["containers"][0]["securityContext"]
        assert own == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {each["name"] for each in pod["volumes"]} == {"outputs", "models", "avatars", "tmp"}
    (account,) = of_kind("ServiceAccount", made)
    assert account["automountServiceAccountToken"] is False


def test_kubernetes_own_variables_are_kept_out(made: list[Tree]) -> None:
    """VISAVIS_ASR_PORT and the like, of a release named visavis, would be taken for settings."""
    assert all(pod["enableServiceLinks"] is False for pod in _pods(made).values())


def test_every_variable_is_read_by_somebody(made: list[Tree]) -> None:
    for pod in _pods(made).values():
        assert not [name for name in _environment(pod) if not known(name)]


def test_the_wiring_is_that_of_compose(made: list[Tree]) -> None:
    def links(told: Tree) -> dict[str, str]:
        wires = {name: value or "" for name, value in told.items() if name.endswith(("_ENDPOINT", "_HOST_IP", "_PORT"))}
        return {name: value.replace("demo-visavis-", "") for name, value in wires.items()}

    composed = compose("xeon.yaml")["services"]
    for name, pod in _pods(made).items():
        assert links(_environment(pod)) == links(composed[name]["environment"])


def test_the_open_ones_are_reached_from_within_only(made: list[Tree]) -> None:
    within, doors = (each["spec"] for each in of_kind("NetworkPolicy", made))
    assert within["ingress"] == [{"from": [{"podSelector": within["podSelector"]}]}]
    outside = doors["podSelector"]["matchExpressions"][0]["values"]
    assert outside == ["avatarchatbot", "ui"]
    for name, pod in _pods(made).items():
        assert ("--opea-open" in pod["containers"][0]["args"]) is (name not in outside)


def test_the_doors_ask_for_the_token_of_a_secret(made: list[Tree]) -> None:
    (secret,) = of_kind("Secret", made)
    assert len(base64.b64decode(secret["data"]["token"])) == 32
    guarded: dict[str, Any] = {}
    for name, pod in _pods(made).items():
        for each in pod["containers"][0]["env"]:
            if each["name"] == "VISAVIS_TOKEN":
                guarded[name] = each["valueFrom"]["secretKeyRef"]
    key = {"name": secret["metadata"]["name"], "key": "token"}
    assert guarded == {"avatarchatbot": key, "ui": key}
    given = of_kind("Secret", objects(token={"value": "a token of our own"}))
    assert base64.b64decode(given[0]["data"]["token"]) == b"a token of our own"
    assert of_kind("Secret", objects(token={"existingSecret": "theirs"})) == []


def test_without_a_token_the_megaservice_is_as_open_as_opea_s() -> None:
    (container,) = _pods(objects(token={"enabled": False}))["avatarchatbot"]["containers"]
    assert tuple(container["args"]) == services()["avatarchatbot"].command


def test_the_megaservice_answers_to_the_ingress_name(made: list[Tree]) -> None:
    (ingress,) = of_kind("Ingress", made)
    host = ingress["spec"]["rules"][0]["host"]
    told = _environment(_pods(made)["avatarchatbot"])["VISAVIS_ALLOWED_HOSTS"]
    backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
    assert told.split(",") == [backend, host]


def test_who_scales_has_no_fixed_number(made: list[Tree]) -> None:
    (scaler,) = of_kind("HorizontalPodAutoscaler", made)
    assert scaler["spec"]["maxReplicas"] == 8
    deployments = {each["metadata"]["name"]: each["spec"] for each in of_kind("Deployment", made)}
    assert "replicas" not in deployments.pop(scaler["spec"]["scaleTargetRef"]["name"])
    assert {each["replicas"] for each in deployments.values()} == {1}


def test_claims_can_be_somebody_else_s() -> None:
    found = objects(persistence={"outputs": {"existingClaim": "films"}, "avatars": {"enabled": False}})
    assert [each["metadata"]["name"] for each in of_kind("PersistentVolumeClaim", found)] == ["demo-visavis-models"]
    volumes = {each["name"]: each for each in _pods(found)["wav2lip"]["volumes"]}
    assert volumes["outputs"]["persistentVolumeClaim"] == {"claimName": "films"}
    assert volumes["avatars"]["emptyDir"] == {"sizeLimit": "1Gi"}


def test_the_readme_has_a_line_on_every_value() -> None:
    told = (CHART / "README.md").read_text("utf-8")
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    assert [name for name in values if name != "services" and f"`{name}" not in told] == []
    named = {*values["defaults"], "port", "args"}
    assert [name for name in named - {"enabled"} if f".{name}`" not in told and f"`.{name}" not in told] == []
    assert yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))["appVersion"] == __version__
