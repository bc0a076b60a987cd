"""What Visavis brings along: a spoken question to try it with."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def question_path() -> Path:
    """A spoken question (16 kHz mono WAV): "What can you tell me about friendship?"."""
    return Path(str(files("visavis.assets") / "question.wav"))
