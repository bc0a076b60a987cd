"""Every setting, in one place: defaults, then `visavis.toml`, then environment variables, then the command line.

The file is looked for at `$VISAVIS_CONFIG`, in the working directory, and in the user's configuration folder; the
first one found counts. An environment variable is the setting's name in capitals after `VISAVIS_`. A name that does
not exist is refused, with the one that was probably meant.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from visavis.errors import BadConfiguration

PREFIX = "VISAVIS_"
SYSTEM_PROMPT = (
    "You are Vera, a friendly assistant who talks aloud. Answer in one to three short, plain sentences. "
    "No lists, no markdown, no code."
)
_NOT_SETTINGS = {"VISAVIS_CONFIG", "VISAVIS_REFERENCE"}


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

    language: str = Field("en", pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$", description="BCP 47, as in en or de")
    voice: str | None = Field(None, description="a voice of the synthesizer; the avatar's own, or its default")
    speed: float = Field(1.0, ge=0.5, le=2.0, description="speaking pace; 1 is the voice's own")
    system_prompt: str = Field(SYSTEM_PROMPT, description="who the assistant is, and that it is heard, not read")
    max_tokens: int = Field(160, ge=8, le=4096, description="the longest answer, in tokens")
    temperature: float = Field(0.1, ge=0.0, le=2.0, description="0 always gives the same answer")

    llm_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="an OpenAI-compatible server's base URL, as in http://localhost:8080/v1",
    )
    llm_model: str | None = Field(None, description="the model to ask that server for; its first one by default")
    llm_api_key: SecretStr | None = Field(None, description="sent as a bearer token to that server")
    llm_timeout: float = Field(20.0, gt=0, description="seconds to wait for that server's next word")
    llm_file: Path | None = Field(None, description="a GGUF file for the embedded model instead of its own")

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
    _refuse_unknown(_from_environment(os.environ), "environment variable", lambda name: PREFIX + name.upper())
    path = _settings_file()
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise BadConfiguration(f"cannot read the settings file {path}: {error}") from None
        _refuse_unknown(values, f"setting in {path}", str)
    # arguments win over the environment in pydantic-settings, but the file must not
    values = {name: value for name, value in values.items() if PREFIX + name.upper() not in os.environ}
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise BadConfiguration(f"setting '{name}': {first['msg']}, not {first.get('input')!r}") from None


def _settings_file() -> Path | None:
    if "VISAVIS_CONFIG" in os.environ:
        return Path(os.environ["VISAVIS_CONFIG"])
    places = (Path.cwd(), Path(platformdirs.user_config_dir("visavis", appauthor=False)))
    return next((p for place in places if (p := place / "visavis.toml").is_file()), None)


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS
    }


def _refuse_unknown(values: Mapping[str, Any], where: str, spell: Any) -> None:
    for name in values:
        if name not in Settings.model_fields:
            near = difflib.get_close_matches(name, Settings.model_fields, n=1)
            hint = f"; did you mean {spell(near[0])}?" if near else ""
            raise BadConfiguration(f"there is no {where} '{spell(name)}'{hint}")
