"""Settings come from a file and the environment, and a typo is refused instead of ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from visavis.errors import BadConfiguration
from visavis.settings import load_settings


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
    with pytest.raises(BadConfiguration, match="'lnguage'; did you mean language"):
        load_settings()


def test_a_typo_in_the_environment_is_refused_with_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_LLM_ULR", "http://localhost")
    with pytest.raises(BadConfiguration, match="did you mean VISAVIS_LLM_URL"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value"), [("fps", "fast"), ("size", "3"), ("llm_url", "localhost"), ("codec", "gif")]
)
def test_a_value_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VISAVIS_{name.upper()}", value)
    with pytest.raises(BadConfiguration, match=f"setting '{name}'"):
        load_settings()


def test_a_broken_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "visavis.toml").write_text("this is not toml")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadConfiguration, match="cannot read the settings file"):
        load_settings()
