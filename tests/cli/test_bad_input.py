"""Bad input gets one clear line and exit code 2, and leaves nothing half-written."""

from __future__ import annotations

import struct
import wave
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.cli.conftest import Command

FACE = ("--set", "articulation=fake", "--set", "animation=fake")
FAKE = (*FACE, "--set", "tts=fake", "--set", "llm=fake", "--set", "vad=fake", "--set", "asr=fake")


def _wav(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def _tone(seconds: float, rate: int = 16_000) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)


def _huge_png(path: Path) -> Path:
    """A picture of 20,000 by 20,000 in its header, with next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 60_001 * 64)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    return path


def _picture(kind: str, folder: Path) -> Path:
    path = folder / "picture.png"
    if kind == "missing":
        return folder / "nobody.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "corrupt":
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"rubbish" * 100)
    elif kind == "text":
        path.write_text("I am not a picture")
    elif kind == "sound":
        _wav(path, _tone(1.0))
    elif kind == "huge":
        _huge_png(path)
    elif kind == "blank":
        cv2.imwrite(str(path), np.full((512, 512, 3), 127, np.uint8))
    return path


def _clean(outcome_message: str, folder: Path, before: set[Path]) -> None:
    assert outcome_message.startswith("visavis: ")
    assert "Traceback" not in outcome_message
    assert {p for p in folder.rglob("*") if p not in before} == set()


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "corrupt", "text", "sound", "huge", "blank"])
def test_a_picture_that_cannot_be_used(visavis: Command, tmp_path: Path, kind: str) -> None:
    picture = _picture(kind, tmp_path)
    before = set(tmp_path.rglob("*"))
    outcome = visavis(*FAKE, "ask", "Hello there", "-a", picture)
    assert outcome.code == 2
    assert outcome.err.count("visavis: ") == 1
    _clean(outcome.message, tmp_path, before)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("", "empty"),
        ("  ... ", "no words"),
        ("missing.wav", "no file"),
        ("你叫什么名字？", "zh"),
    ],
)
def test_a_question_that_cannot_be_used(visavis: Command, tmp_path: Path, question: str, says: str) -> None:
    outcome = visavis(*FAKE, "ask", question)
    assert outcome.code == 2
    assert says in outcome.message
    _clean(outcome.message, tmp_path, set())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.wav", b""),
        ("rubbish.mp3", b"\xff\xfbrubbish" * 50),
        ("text.ogg", b"I am not a sound"),
    ],
)
@pytest.mark.parametrize("command", ["ask", "animate"])
def test_a_recording_that_is_none(visavis: Command, tmp_path: Path, command: str, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    outcome = visavis(*FAKE, command, path)
    assert outcome.code == 2
    _clean(outcome.message, tmp_path, {path})


def test_silence_is_no_question(visavis: Command, tmp_path: Path) -> None:
    path = _wav(tmp_path / "silence.wav", np.zeros(32_000))
    outcome = visavis(*FAKE, "ask", path)
    assert outcome.code == 2
    assert "no speech was heard" in outcome.message
    _clean(outcome.message, tmp_path, {path})


@pytest.mark.parametrize(("seconds", "says"), [(0.02, "shorter than"), (2.0, "silent")])
def test_nothing_to_say_is_said(visavis: Command, tmp_path: Path, seconds: float, says: str) -> None:
    path = _wav(tmp_path / "nothing.wav", np.zeros(round(seconds * 16_000)))
    outcome = visavis(*FAKE, "animate", path)
    assert outcome.code == 2
    assert says in outcome.message
    _clean(outcome.message, tmp_path, {path})


def test_a_question_of_two_hours_is_refused_from_its_header(visavis: Command, tmp_path: Path) -> None:
    path = _wav(tmp_path / "long.wav", np.zeros(2 * 3600 * 100), rate=100)
    outcome = visavis(*FAKE, "ask", path)
    assert outcome.code == 2
    assert "a question may take" in outcome.message


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ask", "Hello there", "-o", "nowhere/answer.mp4"), "nowhere"),
        (("ask", "Hello there", "-o", "answer.gif"), "gif"),
        (("ask", "Hello there", "-o", "a.mp4", "--motion", "a.mp4"), "in use"),
        (("ask", "Hello there", "-a", "me.mp4", "-o", "me.mp4"), "in use"),
        (("animate", "speech.mp4", "-o", "speech.mp4"), "in use"),
        (("--set", "llm=fake", "ask", "Hello there", "--motion", "."), "folder"),
        (("ask", "Hello", "--set", "voise=slt"), "voise"),
        (("ask", "Hello there", "--voice", "nobody"), "there is no voice 'nobody'"),
        (("ask", "Hello there", "--llm", "nobody"), "there is no llm engine 'nobody'"),
        (("ask", "Hello there", "--size", "3"), "cannot be '3', given with --size: it takes an even number"),
        (("ask", "Hello there", "--codec", "gif"), "codec"),
        (("ask", "Hello there", "-a", "nobody"), "nobody"),
        (("avatar", "show", "nobody"), "nobody"),
        (("avatar", "remove", "nobody"), "nobody"),
        (("avatar", "create", "nobody.jpg", "--name", "../evil"), "name"),
        (("evaluate", "nothing.mp4"), "nothing.mp4"),
        (("--set", "voise=slt", "ask", "Hello"), "there is no setting 'voise'; did you mean 'voice'?"),
        (("--set", "voice", "ask", "Hello"), "NAME=VALUE"),
        (("ask",), "question"),
        (("sing",), "sing"),
    ],
)
def test_an_argument_that_does_not_fit(visavis: Command, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    outcome = visavis(*arguments)
    assert outcome.code == 2
    assert says in outcome.message
    _clean(outcome.message, tmp_path, set())


def test_a_server_that_is_down_is_named(visavis: Command, tmp_path: Path) -> None:
    outcome = visavis(*FACE, "--set", "tts=fake", "ask", "Hello there", "--llm-url", "http://127.0.0.1:9/v1")
    assert outcome.code == 2
    assert "127.0.0.1:9" in outcome.message
    _clean(outcome.message, tmp_path, set())
