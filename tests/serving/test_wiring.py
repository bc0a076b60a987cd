"""OPEA's environment variables for where services are."""

from __future__ import annotations

import pytest

from visavis.errors import BadConfiguration
from visavis.serving.wiring import backend, megaservice


def test_without_variables_everything_is_done_here() -> None:
    assert megaservice({}) == {}
    assert all(backend(name, {}) == {} for name in ("asr", "llm", "tts", "animation", "whisper"))


def test_a_microservice_passes_its_work_to_the_backend_that_is_named() -> None:
    named = {
        "ASR_ENDPOINT": "http://10.0.0.1:7066",
        "TTS_ENDPOINT": "10.0.0.1:7055",
        "TGI_LLM_ENDPOINT": "http://10.0.0.1:3006/",
        "WAV2LIP_ENDPOINT": "http://10.0.0.1:7860",
        "LLM_MODEL_ID": "Intel/neural-chat-7b-v3-3",
    }
    assert backend("asr", named) == {"asr_url": "http://10.0.0.1:7066/v1/asr"}
    assert backend("tts", named) == {"tts_url": "http://10.0.0.1:7055/v1/tts"}
    assert backend("animation", named) == {"animation_url": "http://10.0.0.1:7860/v1/wav2lip"}
    assert backend("llm", named) == {"llm_url": "http://10.0.0.1:3006/v1", "llm_model": "Intel/neural-chat-7b-v3-3"}
    assert backend("llm", {"LLM_ENDPOINT": "https://x/v1"}) == {"llm_url": "https://x/v1"}
    assert backend("whisper", named) == {}  # a backend does its work itself


def test_the_megaservice_of_the_rfcs_time_asks_the_four_microservices() -> None:
    named = {f"{name}_SERVICE_HOST_IP": "10.0.0.2" for name in ("ASR", "LLM", "TTS", "ANIMATION")}
    named |= {"ASR_SERVICE_PORT": "3001", "MEGA_SERVICE_PORT": "8888", "MEGA_SERVICE_HOST_IP": "10.0.0.2"}
    assert megaservice(named) == {
        "port": "8888",
        "asr_url": "http://10.0.0.2:3001/v1/audio/transcriptions",
        "llm_url": "http://10.0.0.2:9000/v1",
        "tts_url": "http://10.0.0.2:9088/v1/audio/speech",
        "animation_url": "http://10.0.0.2:9066/v1/animation",
    }


def test_the_megaservice_of_later_versions_asks_the_backends_and_ports_alone_mean_this_machine() -> None:
    named = {
        "WHISPER_SERVER_PORT": "7066",
        "LLM_SERVER_HOST_IP": "0.0.0.0",
        "SPEECHT5_SERVER_HOST_IP": "fd00::2",
        "ANIMATION_SERVICE_PORT": "3008",
    }
    assert megaservice(named) == {
        "asr_url": "http://127.0.0.1:7066/v1/asr",
        "llm_url": "http://127.0.0.1:3006/v1",
        "tts_url": "http://[fd00::2]:7055/v1/tts",
        "animation_url": "http://127.0.0.1:3008/v1/animation",
    }


@pytest.mark.parametrize(
    ("mode", "animator"),
    [("wav2lip_only", "wav2lip"), ("wav2lip+gfpgan", "wav2lip+gfpgan"), (" wav2lip_only ", "wav2lip")],
)
def test_the_mode_of_wav2lip_names_the_animator_of_whoever_makes_the_videos(mode: str, animator: str) -> None:
    named = {"INFERENCE_MODE": mode}
    for service in ("animation", "wav2lip"):
        assert backend(service, named) == {"animation": animator}
    assert megaservice(named) == {"animation": animator}
    assert backend("tts", named) == {}
    elsewhere = backend("animation", named | {"WAV2LIP_ENDPOINT": "http://10.0.0.1:7860"})
    assert elsewhere == {"animation_url": "http://10.0.0.1:7860/v1/wav2lip"}
    assert "animation" not in megaservice(named | {"ANIMATION_SERVICE_HOST_IP": "10.0.0.2"})


def test_a_mode_that_is_none_is_refused_with_those_that_there_are_and_an_empty_one_is_not_set() -> None:
    with pytest.raises(
        BadConfiguration, match=r"INFERENCE_MODE cannot be 'fast': it takes wav2lip_only or wav2lip\+gfpgan"
    ):
        backend("wav2lip", {"INFERENCE_MODE": "fast"})
    larger = {"INFERENCE_MODE": "wav2lip+gfpgan", "UPSCALE_FACTOR": "2"}
    assert backend("wav2lip", larger) == {"animation": "wav2lip+gfpgan", "size": "1024"}
    assert backend("wav2lip", {"UPSCALE_FACTOR": "2"}) == {}
    with pytest.raises(BadConfiguration, match="UPSCALE_FACTOR cannot be 'huge': it takes 1, 2, 3, 4"):
        backend("wav2lip", {"UPSCALE_FACTOR": "huge"})
    assert backend("wav2lip", {"INFERENCE_MODE": ""}) == {} == megaservice({"INFERENCE_MODE": " "})


def test_a_port_that_is_none_is_said_with_its_variable() -> None:
    with pytest.raises(BadConfiguration, match="ASR_SERVICE_PORT cannot be 'abc': it takes a port, as in 9099"):
        megaservice({"ASR_SERVICE_PORT": "abc"})
