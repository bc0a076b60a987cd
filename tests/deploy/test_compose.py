"""The compose files: valid, on OPEA's ports, wired as the product reads it, and with no more rights than needed."""

from __future__ import annotations

import importlib.resources
import json
import re
from typing import Any

import jsonschema
import pytest

from tests.deploy.files import DEPLOY, RUNS, Tree, compose, services
from tests.deploy.test_images import PORTS
from visavis.serving.wiring import backend, megaservice
from visavis.settings import PREFIX, Settings

OURS = {
    "3001": "asr",
    "3002": "tts",
    "3003": "wav2lip",  # in the RFC's diagram
    "3006": "tgi",
    "3007": "llm",
    "3008": "animation",
    "3009": "avatarchatbot",
    "7055": "speecht5",
    "7066": "whisper",
    "7860": "wav2lip",
    "7861": "ui",
}
"""The RFC's ports of the host."""
_SERVERS = ("ASR_SERVICE", "LLM_SERVICE", "TTS_SERVICE", "ANIMATION_SERVICE")  # the RFC's
_BACKENDS = ("WHISPER_SERVER", "LLM_SERVER", "SPEECHT5_SERVER")  # since OPEA 1.2
WIRING = {
    *("ASR_ENDPOINT", "TTS_ENDPOINT", "TGI_LLM_ENDPOINT", "LLM_ENDPOINT", "WAV2LIP_ENDPOINT"),
    *("MEGA_SERVICE_PORT", "LLM_MODEL_ID"),
    *(f"{name}_{what}" for name in (*_SERVERS, *_BACKENDS) for what in ("HOST_IP", "PORT")),
}
OPEA = {"FACE", "FPS", "INFERENCE_MODE", "OUTFILE", "UPSCALE_FACTOR"}
ELSEWHERE = {
    "OMP_NUM_THREADS": "threads of torch and of CTranslate2",
    "HABANA_VISIBLE_DEVICES": "Gaudi's container runtime: the cards to bring in",
    "HABANA_LOGS": "Gaudi's libraries: where they write",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "Open MPI in Gaudi's libraries: without a call that containers forbid",
}
"""Read by others than us, and what for."""


def known(name: str) -> bool:
    """Whether somebody reads the variable."""
    if name.startswith(PREFIX):
        return name.removeprefix(PREFIX).lower() in Settings.model_fields
    return name in WIRING | OPEA | ELSEWHERE.keys()


@pytest.fixture(params=RUNS, ids="+".join)
def run(request: pytest.FixtureRequest) -> Tree:
    return compose(*request.param)


def _port(entry: str) -> tuple[str, str, int]:
    address, outside, inside = entry.rsplit(":", 2)
    return address, outside, int(inside)


def test_it_is_valid(run: Tree) -> None:
    schema = importlib.resources.files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json"
    jsonschema.validate(run, json.loads(schema.read_text("utf-8")))


def test_a_typo_would_not_be_valid() -> None:
    tree: dict[str, Any] = compose("xeon.yaml")
    tree["services"]["asr"]["depend_on"] = {}
    with pytest.raises(jsonschema.ValidationError, match="depend_on"):
        test_it_is_valid(tree)


def test_the_host_s_ports_are_the_rfc_s_and_those_within_are_the_product_s() -> None:
    found = {}
    for name, service in compose("xeon.yaml")["services"].items():
        for address, outside, inside in map(_port, service["ports"]):
            assert address == "127.0.0.1"  # others are let in on purpose only
            assert inside == PORTS[name]
            found[outside] = name
    assert found == OURS


def test_every_image_is_built_from_a_target_of_its_name(run: Tree) -> None:
    for name, service in run["services"].items():
        target = service["build"]["target"]
        assert target in services()
        assert target == ("avatarchatbot" if name == "visavis" else name)
        assert re.fullmatch(rf"visavis-{target}(-cuda|-gaudi)?:\d+\.\d+\.\d+", service["image"])
        kind = {"cpu": "", "cuda": "-cuda", "hpu": "-gaudi"}[service["build"]["args"]["DEVICE"]]
        assert service["image"].startswith(f"visavis-{target}{kind}:")


def test_nobody_is_root_nor_can_become_it_nor_write_where_nothing_is_to_be_written(run: Tree) -> None:
    for name, service in run["services"].items():
        assert service["user"] == "10001:10001"
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service.get("cap_add", []) == (["SYS_NICE"] if service.get("runtime") == "habana" else []), name
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["restart"] == "unless-stopped"
        assert service["tmpfs"]
        assert {"cpus", "memory", "pids"} <= set(service["deploy"]["resources"]["limits"])
        places = {volume.split(":")[0]: volume.split(":", 1)[1] for volume in service["volumes"]}
        assert places == {"avatars": "/data/avatars", "outputs": "/outputs", "models": "/models:ro"}
        assert set(places) == set(run["volumes"])


def test_everybody_waits_until_those_they_ask_are_well(run: Tree) -> None:
    for service in run["services"].values():
        for needed, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert run["services"][needed]["healthcheck"]["test"][:2] == ["CMD", "healthy"]


def test_health_is_asked_at_the_port_within(run: Tree) -> None:
    for service in run["services"].values():
        ports = {inside for _, _, inside in map(_port, service["ports"])}
        url = service["healthcheck"]["test"][2]
        assert re.fullmatch(rf"http://127\.0\.0\.1:({'|'.join(map(str, ports))})/(v1/)?health(_check)?", url)


def test_every_variable_is_read_by_somebody(run: Tree) -> None:
    for service in run["services"].values():
        assert not [name for name in service["environment"] if not known(name)]


def test_addresses_within_lead_to_services_and_their_ports(run: Tree) -> None:
    for service in run["services"].values():
        told: Tree = service["environment"]
        hosts = {name.removesuffix("_HOST_IP"): told[name] for name in told if name.endswith("_HOST_IP") and told[name]}
        links = [(host, int(told[f"{name}_PORT"])) for name, host in hosts.items()]
        for value in [*told.values(), *service.get("command", [])]:
            if found := re.fullmatch(r"http://([a-z0-9]+):(\d+)", value or ""):
                links.append((found[1], int(found[2])))
        for host, port in links:
            assert port == PORTS[host]
            assert host in run["services"]


def test_the_product_reads_the_wiring_as_it_is_meant() -> None:
    def told(service: str, *names: str) -> Tree:
        found: Tree = compose("xeon.yaml", *names)["services"][service]["environment"]
        return {name: value for name, value in found.items() if value is not None}

    assert backend("asr", told("asr")) == {"asr_url": "http://whisper:7066/v1/asr"}
    assert backend("llm", told("llm")) == {"llm_url": "http://tgi:3006/v1"}
    assert backend("tts", told("tts")) == {"tts_url": "http://speecht5:7055/v1/tts"}
    assert backend("animation", told("animation")) == {"animation_url": "http://wav2lip:7860/v1/wav2lip"}
    for service in ("whisper", "tgi", "speecht5", "wav2lip"):
        assert backend(service, told(service)) == {}
    both = {"port": "8888", "animation_url": "http://animation:9066/v1/animation"}
    assert megaservice(told("avatarchatbot")) == both | {
        "asr_url": "http://asr:9099/v1/audio/transcriptions",
        "llm_url": "http://llm:9000/v1",
        "tts_url": "http://tts:9088/v1/audio/speech",
    }
    assert megaservice(told("avatarchatbot", "era-b.yaml")) == both | {
        "asr_url": "http://whisper:7066/v1/asr",
        "llm_url": "http://tgi:3006/v1",
        "tts_url": "http://speecht5:7055/v1/tts",
    }


def test_cards_are_given_to_those_that_have_neural_engines() -> None:
    gaudi = compose("xeon.yaml", "gaudi.yaml")["services"]
    assert {name for name, each in gaudi.items() if each.get("runtime") == "habana"} == {"speecht5", "wav2lip"}
    for name in ("speecht5", "wav2lip"):
        assert gaudi[name]["environment"]["HABANA_VISIBLE_DEVICES"] == "all"
        assert gaudi[name]["environment"]["OMPI_MCA_btl_vader_single_copy_mechanism"] == "none"
        assert gaudi[name]["ipc"] == "host"
    gpu = compose("xeon.yaml", "gpu.yaml")["services"]
    cards = {name for name, each in gpu.items() if "reservations" in each["deploy"]["resources"]}
    assert cards == {"whisper", "speecht5", "wav2lip"}


def test_in_one_container_the_door_is_shut() -> None:
    (service,) = compose("all-in-one.yaml")["services"].values()
    assert "--opea-open" not in service["command"]
    assert service["environment"]["VISAVIS_TOKEN"] is None  # passed on where it is set, made otherwise


def test_the_example_explains_every_variable_and_has_the_files_defaults() -> None:
    texts = [path.read_text("utf-8") for path in (DEPLOY / "compose").glob("*.yaml")]
    asked: dict[str, set[str]] = {}
    for name, default in re.findall(r"\$\{(\w+):-([^}]*)\}", "\n".join(texts)):
        asked.setdefault(name, set()).add(default)
    names = rf"{PREFIX}\w+|LLM_MODEL_ID|INFERENCE_MODE|UPSCALE_FACTOR"
    passed = set(re.findall(rf"^ +({names}):$", "\n".join(texts), flags=re.MULTILINE))
    example = (DEPLOY / "compose/.env.example").read_text("utf-8")
    told = dict(re.findall(r"^#([A-Z0-9_]+)=(.*)$", example, flags=re.MULTILINE))
    assert set(told) == set(asked) | passed
    assert {name for name in asked if told[name] not in asked[name]} == set()
