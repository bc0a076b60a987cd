"""Who draws the face is chosen by name: on the command line, or by OPEA's variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command
from visavis.engines.animation.rig import Rig
from visavis.engines.fake import FakeAnimator
from visavis.engines.protocols import Availability
from visavis.serving import wiring
from visavis.settings import load_settings

IDLE = ("animate", "--idle", "0.4", "--size", "128", "-o", "idle.mp4")


def test_the_animator_is_chosen_on_the_command_line(visavis: Command, tmp_path: Path) -> None:
    outcome = visavis("--set", "articulation=fake", *IDLE, "--animator", "fake")
    assert outcome.code == 0, outcome.err
    assert "fake (animation)" in outcome.out
    assert (tmp_path / "idle.mp4").is_file()


@pytest.mark.parametrize(
    "command",
    [("animate", "--idle", "1"), ("ask", "Hi"), ("serve", "--no-open", "--port", "0"), ("service", "wav2lip")],
)
def test_an_animator_that_there_is_not_is_refused_with_those_that_there_are(
    visavis: Command, command: tuple[str, ...]
) -> None:
    fakes = [f"--set={slot}=fake" for slot in ("vad", "asr", "llm", "tts", "articulation")]
    outcome = visavis(*fakes, *command, "--animator", "painter")
    assert outcome.code == 2
    assert "there is no animation engine 'painter'; choose one of: auto" in outcome.message


@pytest.mark.parametrize("command", ["animate", "ask", "serve", "service"])
def test_help_names_the_animators(visavis: Command, command: str) -> None:
    words = " ".join(visavis(command, "--help").out.split())
    assert "rig, wav2lip or wav2lip+gfpgan" in words


def test_opeas_mode_that_cannot_be_had_here_is_said_with_the_remedy(
    visavis: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(wiring._MODES, "wav2lip_only", "fake")
    lack = Availability(False, "its weights are not here", "visavis models add wav2lip FILE.pth")
    monkeypatch.setattr(FakeAnimator, "availability", lambda: lack)
    monkeypatch.setenv("INFERENCE_MODE", "wav2lip_only")
    outcome = visavis("--set", "articulation=fake", "service", "wav2lip", "--port", "0")
    assert outcome.code == 2
    assert outcome.message == (
        "visavis: animation engine 'fake', which INFERENCE_MODE asks for, cannot run here: its weights are not here "
        "(visavis models add wav2lip FILE.pth)"
    )


def test_the_command_line_and_the_settings_win_over_opeas_mode(
    visavis: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERENCE_MODE", "wav2lip+gfpgan")
    monkeypatch.setattr(Rig, "availability", lambda: Availability(False, "tired", "let it sleep"))
    outcome = visavis("--set", "articulation=fake", "service", "wav2lip", "--port", "0", "--animator", "rig")
    assert "animation engine 'rig' cannot run here: tired (let it sleep)" in outcome.message
    assert load_settings().animation == "rig"


def test_opeas_mode_is_not_for_whoever_has_the_videos_made_elsewhere(
    visavis: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visavis.cli.serve import wire

    monkeypatch.setenv("VISAVIS_ANIMATION_URL", "http://127.0.0.1:9/v1/animation")
    wire({"animation": "wav2lip"})
    assert load_settings().animation == "auto"
