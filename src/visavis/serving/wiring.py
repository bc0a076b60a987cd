"""What OPEA's environment variables say: where services are, of the RFC's own time (era A) and from v1.2 on (era B),
and which networks draw the face.
"""

from __future__ import annotations

from collections.abc import Mapping

from visavis.errors import BadConfiguration

_BACKENDS = {
    "asr": (("ASR_ENDPOINT",), "asr_url", "/v1/asr"),
    "llm": (("LLM_ENDPOINT", "TGI_LLM_ENDPOINT"), "llm_url", "/v1"),
    "tts": (("TTS_ENDPOINT",), "tts_url", "/v1/tts"),
    "animation": (("WAV2LIP_ENDPOINT",), "animation_url", "/v1/wav2lip"),
}
"""By microservice: the variables with its backend's address, the setting, and the route there."""
_SERVICES = (
    ("ASR_SERVICE", 9099, "asr_url", "/v1/audio/transcriptions"),
    ("WHISPER_SERVER", 7066, "asr_url", "/v1/asr"),
    ("LLM_SERVICE", 9000, "llm_url", "/v1"),
    ("LLM_SERVER", 3006, "llm_url", "/v1"),
    ("TTS_SERVICE", 9088, "tts_url", "/v1/audio/speech"),
    ("SPEECHT5_SERVER", 7055, "tts_url", "/v1/tts"),
    ("ANIMATION_SERVICE", 9066, "animation_url", "/v1/animation"),
)
"""Of the megaservice: what its variables begin with, their default port, the setting, and the route there."""
_MODES = {"wav2lip_only": "wav2lip", "wav2lip+gfpgan": "wav2lip+gfpgan"}
"""Of `INFERENCE_MODE`: the animator that is meant."""
_SIZES = {"1": "512", "2": "1024", "3": "1536", "4": "2048"}
"""Of `UPSCALE_FACTOR`: pixels of the picture that a restored face is laid into."""


def backend(service: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The settings by which a microservice passes its work on, or does it as it is told to; empty where neither is."""
    names, setting, route = _BACKENDS.get(service, ((), "", ""))
    address = next((environ[name] for name in names if environ.get(name)), None)
    if address is None:
        return _animator(environ) if service in ("animation", "wav2lip") else {}
    return {setting: _routed(address, route), **_model(setting, environ)}


def megaservice(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings by which the megaservice uses services elsewhere; a slot that none is named for is its own work."""
    port = environ.get("MEGA_SERVICE_PORT")
    found: dict[str, str] = {"port": port} if port else {}
    for prefix, usual, setting, route in _SERVICES:
        host, given = environ.get(f"{prefix}_HOST_IP"), environ.get(f"{prefix}_PORT")
        if (not host and not given) or setting in found:
            continue
        if given and not (given.isdecimal() and 0 < int(given) < 65536):
            raise BadConfiguration(f"{prefix}_PORT cannot be '{given[:20]}': it takes a port, as in {usual}")
        host = host if host and host != "0.0.0.0" else "127.0.0.1"  # OPEA's default, which is no address to go to
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        found |= {setting: f"http://{host}:{given or usual}{route}", **_model(setting, environ)}
    return found if "animation_url" in found else found | _animator(environ)


def _routed(address: str, route: str) -> str:
    """The address with the route, unless it has one."""
    address = (address if "://" in address else "http://" + address).rstrip("/")
    return address if "/" in address.partition("://")[2] else address + route


def _animator(environ: Mapping[str, str]) -> dict[str, str]:
    """The animator that `INFERENCE_MODE` names, and how large it draws. Whether it can run here is seen where engines
    are chosen."""
    mode = environ.get("INFERENCE_MODE", "").strip()
    if mode and mode not in _MODES:
        raise BadConfiguration(f"INFERENCE_MODE cannot be '{mode[:40]}': it takes {' or '.join(_MODES)}")
    found = {"animation": _MODES[mode]} if mode else {}
    factor = environ.get("UPSCALE_FACTOR", "").strip() or "1"
    if factor not in _SIZES:
        raise BadConfiguration(f"UPSCALE_FACTOR cannot be '{factor[:20]}': it takes {', '.join(_SIZES)}")
    return found | ({"size": _SIZES[factor]} if "gfpgan" in mode and factor != "1" else {})


def _model(setting: str, environ: Mapping[str, str]) -> dict[str, str]:
    name = environ.get("LLM_MODEL_ID")
    return {"llm_model": name} if setting == "llm_url" and name else {}
