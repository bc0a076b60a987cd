"""Whose work an answer is, and what may be done with it: told with everything that is made."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import av
import pytest

from tests.cli.conftest import Command
from visavis.engines.fake import FakeAnimator
from visavis.engines.registry import choose, usable
from visavis.errors import EngineUnavailable
from visavis.settings import Settings

FAKES = [f"--set={slot}=fake" for slot in ("vad", "asr", "llm", "tts", "articulation")]


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """An animator that would be the automatic choice, but for its licence."""
    info = dataclasses.replace(FakeAnimator.info, rank=99, licence="research only", commercial=False)
    monkeypatch.setattr(FakeAnimator, "info", info)


def comment(video: Path) -> str:
    with av.open(str(video)) as container:
        return str(container.metadata["comment"])


def test_an_answer_tells_its_engines_and_their_licences(visavis: Command, tmp_path: Path) -> None:
    outcome = visavis(*FAKES, "ask", "Who are you?", "--size", "128", "--json", "-o", "a.mp4")
    engines = {each["slot"]: each for each in json.loads(outcome.out)["engines"]}
    assert list(engines) == ["llm", "tts", "articulation", "animation"]
    assert (engines["animation"]["name"], engines["animation"]["licence"]) == ("rig", "Apache-2.0")
    assert all(each["commercial"] for each in engines.values())
    assert "thought by fake (Apache-2.0), spoken by fake (Apache-2.0)" in comment(tmp_path / "a.mp4")
    assert "AI-generated: yes" in comment(tmp_path / "a.mp4")


@pytest.mark.usefixtures("forbidden")
def test_a_video_says_so_where_its_engine_is_not_for_commercial_use(visavis: Command, tmp_path: Path) -> None:
    outcome = visavis(*FAKES, "animate", "--idle", "0.4", "--size", "128", "--json", "-o", "a.mp4")
    drawn = json.loads(outcome.out)["engines"][-1]
    assert (drawn["slot"], drawn["name"], drawn["commercial"]) == ("animation", "fake", False)
    assert "drawn by fake (research only)" in comment(tmp_path / "a.mp4")


@pytest.mark.usefixtures("forbidden")
@pytest.mark.parametrize("last", [True, False])
def test_a_company_gets_the_next_best_engine_wherever_it_says_so(visavis: Command, last: bool) -> None:
    said = ["animate", "--idle", "0.4", "--size", "128", "-o", "a.mp4"]
    outcome = visavis(*FAKES, *([*said, "--commercial-only"] if last else ["--commercial-only", *said]))
    assert outcome.code == 0, outcome.err
    assert "rig (animation)" in outcome.out


@pytest.mark.usefixtures("forbidden")
def test_a_company_is_refused_by_name_with_the_reason(visavis: Command) -> None:
    outcome = visavis(*FAKES, "--commercial-only", "animate", "--idle", "1", "--animator", "fake")
    assert outcome.code == 2
    assert outcome.message == (
        "visavis: animation engine 'fake' cannot run here: its weights are not for commercial use, and "
        "--commercial-only (VISAVIS_COMMERCIAL_ONLY) is set (leave that out to use it)"
    )


@pytest.mark.usefixtures("forbidden")
def test_settings_of_a_program_count_as_much() -> None:
    assert choose("animation", Settings()).info.name == "fake"
    assert choose("animation", Settings(commercial_only=True)).info.name == "rig"
    assert "fake" not in [each.info.name for each in usable("animation", Settings(commercial_only=True))]
    with pytest.raises(EngineUnavailable, match="not for commercial use"):
        choose("animation", Settings(animation="fake", commercial_only=True))


@pytest.mark.usefixtures("forbidden")
def test_the_list_says_which_engines_are_not_for_commercial_use(visavis: Command) -> None:
    rows = {(row["slot"], row["name"]): row for row in json.loads(visavis("models", "list", "--json").out)}
    assert not rows["animation", "fake"]["commercial"]
    assert rows["animation", "rig"]["commercial"]
    outcome = visavis("models", "list").out
    assert "[research only, not for commercial use]" in outcome


def test_a_network_that_forbids_commerce_is_not_added_to_a_companys(visavis: Command, tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(b"whatever")
    outcome = visavis("--commercial-only", "models", "add", "wav2lip", "w.pth", "--accept-licence")
    assert outcome.code == 2
    assert outcome.message.startswith("visavis: Wav2Lip was not added: Wav2Lip's weights are for research")
    assert outcome.message.endswith("Leave out --commercial-only to add it")
