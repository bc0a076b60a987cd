"""Settings come from a file and the environment, and a typo is refused instead of ignored."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from visavis.errors import BadConfiguration
from visavis.settings import assign, load_settings


def test_defaults_need_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert (settings.size, settings.fps, settings.language) == (512, 25, "en")


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "visavis.toml").write_text("fps = 30\nsize = 256\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISAVIS_FPS", "10")
    settings = load_settings()
    assert (settings.fps, settings.size) == (10, 256)


def test_a_typo_in_the_file_is_refused_with_a_guess(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "visavis.toml").write_text("lnguage = 'de'\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        BadConfiguration, match=r"no setting 'lnguage' \(in .*visavis\.toml\); did you mean 'language'\?$"
    ):
        load_settings()


def test_a_typo_in_the_environment_is_refused_with_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_LLM_ULR", "http://localhost")
    with pytest.raises(
        BadConfiguration, match=r"'VISAVIS_LLM_ULR' \(an environment variable\); did you mean 'VISAVIS_LLM_URL'\?$"
    ):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "takes"),
    [
        ("fps", "fast", "a whole number from 5 to 60"),
        ("size", "3", "an even number from 128 to 2048"),
        ("speed", "9", "a number from 0.5 to 2"),
        ("llm_timeout", "0", "a number above 0"),
        ("threads", "-1", "a whole number of at least 0"),
        ("llm_url", "localhost", "an address that begins with http:// or https://, as in http://localhost:8080/v1"),
        ("language", "?", "a language's code, as in en or de"),
        ("codec", "gif", "h264 or vp9"),
        ("port", "99999", "a whole number from 0 to 65535"),
        ("tls", "perhaps", "true or false"),
        ("idle_timeout", "-1", "a number of at least 0"),
    ],
)
def test_a_value_that_does_not_fit_is_quoted_with_its_place_and_with_what_fits(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, takes: str
) -> None:
    variable = f"VISAVIS_{name.upper()}"
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadConfiguration) as refusal:
        load_settings()
    said = f"setting '{name}' cannot be '{value}', set by the environment variable {variable}: it takes {takes}"
    assert str(refusal.value) == said


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("fps = 'fast'", "setting 'fps' cannot be 'fast', in {}: it takes a whole number from 5 to 60"),
        ("voice = 5", "setting 'voice' cannot be 5, in {}: it takes text"),
        ("llm_file = 5", "setting 'llm_file' cannot be 5, in {}: it takes a path"),
    ],
)
def test_a_value_in_the_file_that_does_not_fit_names_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, says: str
) -> None:
    (tmp_path / "visavis.toml").write_text(line)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadConfiguration) as refusal:
        load_settings()
    assert str(refusal.value) == says.format(tmp_path / "visavis.toml")


@pytest.mark.parametrize("name", ["llm_api_key", "token"])
def test_an_error_about_a_secret_does_not_tell_the_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    (tmp_path / "visavis.toml").write_text(f"{name} = 271828")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadConfiguration, match=f"setting '{name}'") as refusal:
        load_settings()
    assert "271828" not in str(refusal.value)


def test_what_the_command_line_set_is_told_as_it_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_FPS", "30")
    assign("fps", 900, "--fps")
    with pytest.raises(BadConfiguration, match="cannot be '900', given with --fps: it takes"):
        load_settings()
    monkeypatch.setenv("VISAVIS_FPS", "901")
    with pytest.raises(BadConfiguration, match="cannot be '901', set by the environment variable VISAVIS_FPS"):
        load_settings()


def test_a_name_that_is_like_nothing_brings_every_name() -> None:
    with pytest.raises(BadConfiguration, match=r"no setting 'zzz'; there are: data_dir, vad, .*, threads$"):
        assign("zzz", 1, "--set zzz")


def test_a_settings_file_that_is_not_there_is_said_in_plain_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISAVIS_CONFIG", str(tmp_path / "nope.toml"))
    with pytest.raises(BadConfiguration, match=r"there is no settings file .*nope\.toml, which VISAVIS_CONFIG names"):
        load_settings()


def test_a_broken_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "visavis.toml").write_text("this is not toml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadConfiguration, match="cannot read the settings file"):
        load_settings()


def test_lists_are_written_with_commas_or_as_lists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "visavis.toml").write_text("allowed_hosts = ['one', 'two']")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VISAVIS_ALLOWED_ORIGINS", "https://one.example/, https://two.example:8443")
    settings = load_settings()
    assert settings.allowed_hosts == ("one", "two")
    assert settings.allowed_origins == ("https://one.example", "https://two.example:8443")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allowed_hosts", "http://one"),
        ("allowed_hosts", "one/two"),
        ("allowed_origins", "one"),
        ("allowed_origins", "*"),
    ],
)
def test_an_entry_of_a_list_that_does_not_fit_is_quoted(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VISAVIS_{name.upper()}", f"https://fits.example,{value}" if "origins" in name else value)
    with pytest.raises(
        BadConfiguration, match=f"^setting '{name}' cannot be '{re.escape(value)}'.*with commas between"
    ):
        load_settings()
