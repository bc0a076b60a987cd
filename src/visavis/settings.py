"""Every setting, in one place: defaults, then `visavis.toml`, then environment variables, then the command line.

The file is looked for at `$VISAVIS_CONFIG`, in the working directory, and in the user's configuration folder; the
first one found counts. An environment variable is the setting's name in capitals after `VISAVIS_`. A name that does
not exist is refused, with the one that was probably meant; a value that does not fit, with what does and where it was
set.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

import platformdirs
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from visavis.errors import BadConfiguration

PREFIX = "VISAVIS_"
_PROMPT = (
    "You are {}, a friendly assistant who talks aloud. Answer in one to three short, plain sentences. "
    "No lists, no markdown, no code."
)
SYSTEM_PROMPT = _PROMPT.format("Vera")
EMOTIONS = ("neutral", "friendly", "happy", "sad", "surprised", "concerned")
_NOT_SETTINGS = {"VISAVIS_CONFIG", "VISAVIS_REFERENCE"}
_SHAPES = {
    "language": "a language's code, as in en or de",
    "emotion": f"{', '.join(EMOTIONS[:-1])} or {EMOTIONS[-1]}, with a strength of 0 to 1 or without, as in happy:0.7",
    "asr_url": "an address that begins with http:// or https://, as in http://localhost:7066/v1/asr",
    "llm_url": "an address that begins with http:// or https://, as in http://localhost:8080/v1",
    "tts_url": "an address that begins with http:// or https://, as in http://localhost:7055/v1/tts",
    "animation_url": "an address that begins with http:// or https://, as in http://localhost:9066",
    "token": "text of at least 16 characters",
    "allowed_hosts": "names or addresses, with commas between them, as in talk.example.org,10.0.0.7",
    "allowed_origins": "addresses of pages, with commas between them, as in https://talk.example.org",
}
"""What a pattern means, in words."""
_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    SecretStr: "text",
    Path: "a path",
}
_SECRET = {"asr_api_key", "llm_api_key", "tts_api_key", "token"}  # what they are is never quoted
_EXCERPT = 60  # characters of a value that does not fit
OPEA = "OPEA's variables"
"""Where a setting comes from that nobody typed here."""
_typed: dict[str, tuple[str, str]] = {}
"""By setting: what the command line made it, and how it was typed."""


def _apart(value: object) -> object:
    """The parts of a text with commas between them; a list, as a settings file has it, is in parts already."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip(" /"))


_Hosts = Annotated[tuple[Annotated[str, Field(pattern=r"^[^/?#@,\s]+$")], ...], NoDecode, BeforeValidator(_apart)]
_Origins = Annotated[
    tuple[Annotated[str, Field(pattern=r"^https?://[^/?#@,\s]+$")], ...], NoDecode, BeforeValidator(_apart)
]


_URL = r"^https?://"


class Settings(BaseSettings):
    """The settings of a process. Frozen: pass it on, never change it."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("visavis", appauthor=False)),
        description="where avatars and model weights are kept",
    )
    vad: str = Field("auto", description="voice activity detector: an engine's name, or auto")
    asr: str = Field("auto", description="speech recogniser: an engine's name, or auto")
    llm: str = Field("auto", description="language model: an engine's name, or auto")
    tts: str = Field("auto", description="speech synthesizer: an engine's name, or auto")
    articulation: str = Field("auto", description="speech to face motion: an engine's name, or auto")
    animation: str = Field("auto", description="face motion to pictures: an engine's name, or auto")

    turn: str = Field("auto", description="what hears whether you have finished: an engine's name, auto, or none")

    commercial_only: bool = Field(False, description="use and fetch nothing whose licence forbids commercial use")

    whisper_model: str = Field(
        "small", min_length=1, description="for whisper: a size that was fetched, or a folder with a CTranslate2 model"
    )
    whisper_device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where whisper runs")
    whisper_compute: Literal[
        "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"
    ] = Field("auto", description="whisper's numbers; auto: int8 on a processor, float16 on a graphics card")
    speecht5_model: str = Field(
        "microsoft/speecht5_tts", min_length=1, description="for speecht5: its folder, or its name where it was fetched"
    )
    speecht5_vocoder: str = Field(
        "microsoft/speecht5_hifigan", min_length=1, description="the same for the network that makes its sound"
    )
    speecht5_speakers: Path | None = Field(
        None, description="speecht5's voices: a folder of .npy files of 512 numbers, or one .npz with names"
    )
    speecht5_device: Literal["auto", "cpu", "cuda", "hpu"] = Field("auto", description="where speecht5 runs")
    neural_runtime: Literal["auto", "openvino", "onnxruntime", "torch"] = Field(
        "auto", description="what runs the networks of wav2lip and gfpgan; auto: the fastest that is installed"
    )
    neural_precision: Literal["auto", "float32", "bfloat16", "int8"] = Field(
        "auto", description="their numbers; auto: the fastest that this processor computes with"
    )
    neural_device: Literal["auto", "cpu", "cuda", "hpu"] = Field(
        "auto", description="where they run; auto: on a graphics card or a Gaudi, where PyTorch finds one"
    )

    gfpgan_weight: float = Field(0.5, ge=0.0, le=1.0, description="how far faces go towards what GFPGAN makes of them")

    language: str = Field("en", pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$", description="BCP 47, as in en or de")
    voice: str | None = Field(None, description="a voice of the synthesizer; the avatar's own, or its default")
    speed: float = Field(1.0, ge=0.5, le=2.0, description="speaking pace; 1 is the voice's own")
    emotion: str = Field(
        "friendly:0.5",
        pattern=rf"^({'|'.join(EMOTIONS)})(:(1(\.0*)?|0|0?\.[0-9]+))?$",
        description="what the face shows, with a strength or without, as in happy:0.7",
    )
    system_prompt: str = Field(SYSTEM_PROMPT, description="who the assistant is, and that it is heard, not read")
    max_tokens: int = Field(160, ge=8, le=4096, description="the longest answer, in tokens")
    temperature: float = Field(0.1, ge=0.0, le=2.0, description="0 always gives the same answer")

    asr_url: str | None = Field(
        None, pattern=_URL, description="an OpenAI-compatible or OPEA recogniser, as in http://localhost:7066/v1/asr"
    )
    asr_model: str | None = Field(None, description="the model to ask that server for, if it has several")
    asr_api_key: SecretStr | None = Field(None, description="sent as a bearer token to that server")
    asr_timeout: float = Field(30.0, gt=0, description="seconds to wait for that server's text")
    llm_url: str | None = Field(
        None,
        pattern=_URL,
        description="an OpenAI-compatible server's base URL, as in http://localhost:8080/v1, or OPEA's /v1/chatqna",
    )
    llm_model: str | None = Field(None, description="the model to ask that server for; its first one by default")
    llm_api_key: SecretStr | None = Field(None, description="sent as a bearer token to that server")
    llm_timeout: float = Field(20.0, gt=0, description="seconds to wait for that server's next word")
    llm_file: Path | None = Field(
        None, description="for llamacpp: a GGUF file, or a model that was pulled, as in qwen3-0.6b"
    )
    tts_url: str | None = Field(
        None, pattern=_URL, description="an OpenAI-compatible or OPEA voice, as in http://localhost:7055/v1/tts"
    )
    tts_model: str | None = Field(None, description="the model to ask that server for, if it has several")
    tts_api_key: SecretStr | None = Field(None, description="sent as a bearer token to that server")
    tts_timeout: float = Field(30.0, gt=0, description="seconds to wait for that server's next sound")
    animation_url: str | None = Field(
        None, pattern=_URL, description="OPEA's animation service, which makes the videos: http://localhost:9066"
    )
    animation_timeout: float = Field(600.0, gt=0, description="seconds to wait for that server's next picture")
    fallback: bool = Field(False, description="an engine here takes over while the server in its place fails")

    avatar: str | None = Field(None, description="who is there when the page opens: an avatar's name, or a picture")
    host: str = Field(
        "127.0.0.1", min_length=1, description="the server's address; beyond this machine it asks a token"
    )
    port: int = Field(8888, ge=0, le=65535, description="the server's port; 0: any that is free")
    token: SecretStr | None = Field(
        None, min_length=16, description="who has it may come in; made where the server is open beyond this machine"
    )
    allowed_hosts: _Hosts = Field((), description="more names that the server is reached under")
    allowed_origins: _Origins = Field((), description="other pages that may talk to the server")
    tls: bool = Field(False, description="https, with a self-signed certificate")
    page_pulls: bool | None = Field(
        None, description="its page may fetch recommended models; unset: where only this machine reaches it"
    )
    sessions: int = Field(0, ge=0, le=1000, description="conversations at the same time; 0: two for each core")
    idle_timeout: float = Field(0.0, ge=0, description="seconds until a silent conversation ends; 0: never")
    resume_window: float = Field(30.0, ge=0, description="seconds in which a lost connection can go on")
    outputs_keep: float = Field(3600.0, ge=0, description="seconds for which a service keeps the videos it made")
    max_upload: int = Field(50_000_000, ge=100_000, description="bytes of a picture or video for an avatar")

    size: int = Field(512, ge=128, le=2048, multiple_of=2, description="pixels of the video's longer side")
    fps: int = Field(25, ge=5, le=60, description="pictures a second")
    codec: Literal["h264", "vp9"] = Field("h264", description="video codec of the file")
    threads: int = Field(
        0,
        ge=0,
        description="threads for the language model; 0: the machine's cores, less one where there are more than two",
    )


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process; `overrides` (those that are not None) win over file and environment.

    Raises `BadConfiguration`, in one line, for an unknown name or a value that does not fit.
    """
    for variable in _from_environment(os.environ):
        name = variable.removeprefix(PREFIX).lower()
        if name not in Settings.model_fields:
            raise unknown(variable, name, " (an environment variable)", lambda known: PREFIX + known.upper())
    path = _settings_file()
    values = {} if path is None else _read(path)
    # arguments win over the environment in pydantic-settings, but the file must not
    values = {name: value for name, value in values.items() if PREFIX + name.upper() not in os.environ}
    in_file = set(values)
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0])
        given = "what it is" if name in _SECRET else _shortened(first.get("input"))
        where = f", in {path}" if name in in_file and name not in overrides else _place(name, first.get("input"))
        raise BadConfiguration(f"setting '{name}' cannot be {given}{where}: it takes {_fitting(name)}") from None


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def introduction(name: str) -> str:
    """The default system prompt for an assistant of that name."""
    return _PROMPT.format(name)


def introduced(system_prompt: str) -> str | None:
    """The name that an `introduction` gives; None for any other system prompt."""
    before, after = _PROMPT.split("{}")
    if not (system_prompt.startswith(before) and system_prompt.endswith(after)):
        return None
    return system_prompt.removeprefix(before).removesuffix(after)


def assign(name: str, value: object, typed: str) -> None:
    """Let the command line set a setting of this process and of its children; `typed` is how a person spelled it.

    Raises `BadConfiguration` for a name that does not exist.
    """
    if name not in Settings.model_fields:
        raise unknown(name, name)
    os.environ[PREFIX + name.upper()] = str(value)
    _typed[name] = (str(value), typed)


def origin(name: str) -> str | None:
    """How a setting of the environment came to be what it is: as it was typed, if it was."""
    value, typed = _typed.get(name, ("", ""))
    return typed if typed and os.environ.get(PREFIX + name.upper()) == value else None


def unknown(spelled: str, name: str, where: str = "", spell: Callable[[str], str] = str) -> BadConfiguration:
    """The error about a `name` that is no setting, with the one probably meant as a person would `spell` it."""
    meant = difflib.get_close_matches(name.lower().replace("-", "_"), Settings.model_fields, n=1)
    known = ", ".join(map(spell, Settings.model_fields))
    hint = f"did you mean '{spell(meant[0])}'?" if meant else f"there are: {known}"
    return BadConfiguration(f"there is no setting '{spelled}'{where}; {hint}")


def _settings_file() -> Path | None:
    if "VISAVIS_CONFIG" in os.environ:
        return Path(os.environ["VISAVIS_CONFIG"])
    places = (Path.cwd(), Path(platformdirs.user_config_dir("visavis", appauthor=False)))
    return next((p for place in places if (p := place / "visavis.toml").is_file()), None)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise BadConfiguration(f"there is no settings file {path}, which VISAVIS_CONFIG names: correct it") from None
    except OSError as error:
        raise BadConfiguration(f"cannot read the settings file {path}: {error.strerror or error}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadConfiguration(
            f"cannot read the settings file {path}: {error}; its lines are NAME = VALUE, as in fps = 30"
        ) from None
    for name in values:
        if name not in Settings.model_fields:
            raise unknown(name, name, f" (in {path})")
    return values


def _from_environment(environ: Mapping[str, str]) -> list[str]:
    return [name for name in environ if name.startswith(PREFIX) and name not in _NOT_SETTINGS]


def _place(name: str, value: object) -> str:
    """Where the environment's value was set, as words to follow it."""
    variable = PREFIX + name.upper()
    if variable not in os.environ or os.environ[variable] != value:
        return ""
    given, typed = _typed.get(name, ("", ""))
    return f", given with {typed}" if given == value else f", set by the environment variable {variable}"


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _EXCERPT else text[: _EXCERPT - 1] + "…"


def _fitting(name: str) -> str:
    """What a setting takes, in words."""
    if name in _SHAPES:
        return _SHAPES[name]
    field = Settings.model_fields[name]
    kind = field.annotation
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    kind = next((each for each in get_args(kind) if each is not NoneType), kind)
    words = _KINDS[kind] if isinstance(kind, type) else "something else"
    limits = ("ge", "le", "gt", "multiple_of")
    bounds = {limit: getattr(rule, limit) for rule in field.metadata for limit in limits if hasattr(rule, limit)}
    if "multiple_of" in bounds:
        words = words.replace("a whole", "an even")  # the one multiple that is asked for is that of 2
    if "le" in bounds:
        return f"{words} from {bounds['ge']:g} to {bounds['le']:g}"
    if "ge" in bounds:
        return f"{words} of at least {bounds['ge']:g}"
    return f"{words} above {bounds['gt']:g}" if "gt" in bounds else words
