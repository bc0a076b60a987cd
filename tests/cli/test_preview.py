"""`visavis models preview`: a voice is heard in its own language."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Command
from visavis.conversation.sample import sentence
from visavis.engines.tts.espeak import Espeak
from visavis.media.wav import wav_audio
from visavis.settings import Settings


def test_a_voice_is_written_as_a_short_sound_file(visavis: Command, tmp_path: Path) -> None:
    outcome = visavis("models", "preview", "EN-gb")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("en-gb (en-GB, espeak): en-gb.wav (")
    sound = wav_audio((tmp_path / "en-gb.wav").read_bytes())
    assert sound is not None
    assert 1 < sound.duration < 10
    assert np.abs(sound.samples).max() > 0.1
    assert [path.name for path in tmp_path.glob("*wav*")] == ["en-gb.wav"]


def test_it_says_what_it_is_given_and_writes_where_it_is_told(visavis: Command, tmp_path: Path) -> None:
    assert visavis("models", "preview", "de", "--text", "Ja.", "-o", "short.wav").code == 0
    assert visavis("models", "preview", "de", "--text", "Ja. " * 8, "-o", "long.wav").code == 0
    short, long = (wav_audio((tmp_path / name).read_bytes()) for name in ("short.wav", "long.wav"))
    assert short is not None
    assert long is not None
    assert long.duration > 3 * short.duration


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "there is no voice 'nobody' here"),
        (["de", "--text", "Привет"], "in Cyrillic letters, which the voice for 'de' cannot read"),
        (["de", "--text", "…"], "there is nothing to say"),
        (["de", "-o", "voice.mp3"], "whose name ends in .wav"),
        (["de", "-o", "nowhere/voice.wav"], "there is no folder nowhere"),
    ],
)
def test_what_cannot_be_heard_is_refused_in_a_line(
    visavis: Command, tmp_path: Path, arguments: list[str], message: str
) -> None:
    outcome = visavis("models", "preview", *arguments)
    assert outcome.code == 2
    assert message in outcome.message
    assert list(tmp_path.glob("*.wav*")) == []


def test_every_voice_has_something_to_say() -> None:
    said = {sentence(voice.language) for voice in Espeak(Settings()).voices()}
    assert len(said) > 20
    assert all(any(c.isalpha() for c in text) for text in said)
    assert sentence("de-AT") == sentence("de")
