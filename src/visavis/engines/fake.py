"""Scripted engines: for demonstrations, load tests, and tests that are about something else.

They keep every law of the real ones, take no time, and say what they are told: `FAKE_HEARD` and `FAKE_ANSWER` in the
environment, or the attributes of the class. Chosen only by name (`--llm fake`).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np

from visavis.avatars.avatar import Avatar
from visavis.engines.protocols import (
    Availability,
    Carry,
    Delta,
    EngineInfo,
    Message,
    Recognition,
    Rendering,
    Sampling,
    Slot,
    Transcript,
    Voice,
)
from visavis.media.audio import Audio
from visavis.media.clip import Window
from visavis.media.face import ARKIT, Controls, to_curves
from visavis.media.motion import Motion
from visavis.media.phones import is_vowel
from visavis.media.speech import Line, Phone, Speech, Word
from visavis.media.video import Frame, frame_times
from visavis.settings import Settings
from visavis.streams.flow import Stream


def _info(slot: Slot) -> EngineInfo:
    return EngineInfo("fake", slot, "scripted, for tests and demonstrations", "Apache-2.0", rank=-1)


class _Fake:
    def __init__(self, settings: Settings | None = None) -> None:
        self.entered = False

    @classmethod
    def availability(cls) -> Availability:
        return Availability(ready=True)

    async def __aenter__(self) -> Self:
        self.entered = True
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.entered = False


def _carry(value: object) -> Carry:
    return Carry(uuid.uuid4().hex, value)


class FakeVad(_Fake):
    """Loud is speech."""

    info: ClassVar[EngineInfo] = _info("vad")

    async def detect(self, audio: Audio, carry: Carry | None) -> tuple[float, Carry]:
        """1.0 where the sound is louder than -40 dBFS."""
        return float(np.sqrt(np.mean(audio.samples**2)) > 0.01), _carry(None)


class FakeTurn(_Fake):
    """Takes every pause for an end."""

    info: ClassVar[EngineInfo] = _info("turn")

    async def complete(self, audio: Audio) -> float:
        """1.0."""
        return 1.0


class FakeAsr(_Fake):
    """Hears the same words in every utterance, one more every 0.2 s, and all the rest at its end."""

    info: ClassVar[EngineInfo] = _info("asr")

    async def recognize(
        self, chunk: Audio, carry: Carry | None, options: Recognition, final: bool
    ) -> tuple[Transcript, Carry]:
        """The script's words up to the time heard so far; all of them at the end."""
        script = os.environ.get("FAKE_HEARD", "what is your name").split()
        heard, said = carry.value if carry else (0, 0)
        heard += len(chunk)
        count = len(script) if final else max(said, min(len(script), heard // 3200))
        words = tuple(Word(text, i * 3200, (i + 1) * 3200) for i, text in enumerate(script[:count]))
        return Transcript(" ".join(script[:count]), words, final), _carry((heard, count if final else said))


class FakeLlm(_Fake):
    """Gives the scripted answer, word by word."""

    info: ClassVar[EngineInfo] = _info("llm")

    async def complete(self, messages: Sequence[Message], options: Sampling) -> Stream[Delta]:
        """The script, or an answer that repeats the question."""
        answer = os.environ.get("FAKE_ANSWER", f"You said: {messages[-1].content}. My name is Visavis.")
        for i, word in enumerate(answer.split()):
            yield Delta(" " * (i > 0) + word)
        yield Delta(finish="stop")


class FakeTts(_Fake):
    """Hums: each letter is a phone of 60 ms at 16 kHz, vowels loud, other letters soft."""

    info: ClassVar[EngineInfo] = _info("tts")

    def voices(self) -> Sequence[Voice]:
        """One voice, for every language."""
        return (Voice("hum", "en", "a hum"),)

    async def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        """The line hummed, in one piece."""
        rate, step = 16_000, 960
        sounds: list[np.ndarray] = []
        phones: list[Phone] = []
        words: list[Word] = []
        for word in line.text.split():
            begin = len(phones) * step
            for letter in (c for c in word.lower() if c.isalpha()):
                level = 0.3 if is_vowel(letter) else 0.03
                time = (len(phones) * step + np.arange(step)) / rate
                sounds.append(level * np.sin(2 * np.pi * 140 * time))
                phones.append(Phone(letter, len(phones) * step, (len(phones) + 1) * step))
            words.append(Word(word, begin, len(phones) * step))
            sounds.append(np.zeros(step))
            phones.append(Phone("", len(phones) * step, (len(phones) + 1) * step))
        samples = np.concatenate(sounds).astype(np.float32) if sounds else np.zeros(0, np.float32)
        yield Speech(Audio(samples, rate), line, tuple(words), tuple(phones))


class FakeArticulator(_Fake):
    """Opens the mouth as far as the sound is loud."""

    info: ClassVar[EngineInfo] = _info("articulation")

    async def articulate(self, window: Window, carry: Carry | None) -> tuple[Motion, Carry]:
        """50 rows a second: aperture and jaw follow the loudness of the 20 ms after each row."""
        audio = window.audio
        step = audio.rate // 50
        times = frame_times(audio.start, audio.end, audio.rate, 50)
        loud = [float(np.sqrt(np.mean(audio.samples[t - audio.start :][:step] ** 2))) for t in times]
        gap = np.clip(np.array(loud, np.float32) * 4, 0, 1)
        nothing = np.zeros(len(times), np.float32)
        controls = Controls(gap, gap, nothing, nothing, nothing, nothing, nothing)
        curves = to_curves(controls) if len(times) else np.zeros((0, len(ARKIT)), np.float32)
        start = times[0] / audio.rate if times else audio.start / audio.rate
        return Motion(curves, np.zeros((len(times), 6), np.float32), 50, start), _carry(None)


class FakeAnimator(_Fake):
    """Shows the avatar's plate, still, with a bar as high as the mouth is open."""

    info: ClassVar[EngineInfo] = _info("animation")

    async def animate(
        self, avatar: Avatar, window: Window, options: Rendering, carry: Carry | None
    ) -> tuple[Sequence[Frame], Carry]:
        """One frame per frame time in the window."""
        audio = window.audio
        times = frame_times(audio.start, audio.end, audio.rate, options.fps)
        plate = avatar.plate[: options.size, : options.size]
        frames = []
        for time in times:
            pixels = plate.copy()
            if window.motion is not None and len(window.motion):
                row = window.motion.sample([time / audio.rate], 1 / float(options.fps)).curves[0]
                height = int(row[ARKIT.index("jawOpen")] * pixels.shape[0])
                pixels[pixels.shape[0] - height :, :8] = 255
            frames.append(Frame(pixels, time))
        return frames, _carry(None)
