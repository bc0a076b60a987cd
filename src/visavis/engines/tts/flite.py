"""Flite in this process: three English voices with exact phone times, the first sound after a few hundredths."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Generator, Iterator, Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from visavis.engines.protocols import Availability, EngineInfo, Voice
from visavis.engines.tts import flite_library
from visavis.engines.tts.flite_library import Segment, Sound
from visavis.engines.tts.pieces import LEVEL, PAUSE, Script, Token, clauses, keep, piece, script, tail, timed_words
from visavis.engines.voices import named
from visavis.errors import BadInput, EngineFailed
from visavis.media.audio import Audio
from visavis.media.phones import from_arpabet
from visavis.media.speech import Line, Phone, Speech
from visavis.settings import Settings
from visavis.streams.flow import Stream
from visavis.streams.worker import Worker

_LONGEST = 110
"""Characters in one go, about 7 s: finding its phones takes 60 ms, which nothing can interrupt."""
_FIRST_PIECE, _PIECE = 0.4, 1.0
"""Seconds of sound at least in a clause's first piece and in the others; they end where a word ends."""
_LONGEST_WORD = 40
"""Letters; a longer word is read in parts."""
_RATE = 16_000
"""Hertz, of every voice offered."""
_LEVELS = {"slt": 0.206, "rms": 0.102, "awb": 0.120}
"""The voices' own, as `LEVEL`; measured."""
_ASCII = str.maketrans(
    {
        "‘": "'", "’": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": ", ", "—": ", ", "…": "...",
        "ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d",
        "ð": "th", "þ": "th", "ı": "i",
    }
)  # fmt: skip


class Flite:
    """Speaks English with the voices of Debian's libflite1."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="flite",
        slot="tts",
        summary="English voices from the system's flite library, with exact phone times",
        licence="LicenseRef-CMU-flite AND BSD-3-Clause",
        languages=("en",),
        rank=20,
    )

    def __init__(self, settings: Settings) -> None:
        self._worker: Worker | None = None

    @classmethod
    def availability(cls) -> Availability:
        """Ready where flite's library and at least one of its voices are installed."""
        if flite_library.installed():
            return Availability(True)
        return Availability(
            False, "the flite library is not installed", "Debian, Ubuntu: sudo apt-get install libflite1"
        )

    async def __aenter__(self) -> Self:
        self._worker = Worker("flite")
        await self._worker.run(_warm, self.voices()[0].name)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._worker is not None:
            await asyncio.to_thread(self._worker.close)
            self._worker = None

    def voices(self) -> Sequence[Voice]:
        """The installed voices; slt is the default."""
        return [
            Voice(name, "en-GB" if name == "awb" else "en-US", flite_library.VOICES[name])
            for name in flite_library.installed()
        ]

    async def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        """The line at 16 kHz, in pieces of whole words that follow one another; the first is made in about 50 ms."""
        known = [v.name for v in self.voices()]
        name = named(voice, known) if voice else known[0]
        if name is None:
            raise BadInput(f"flite has no voice '{voice}'; choose one of: {', '.join(known)}")
        if line.language.split("-")[0].lower() != "en":
            raise BadInput(
                f"flite's voice '{name}' speaks English only, not '{line.language}': use the espeak engine for that"
            )
        tokens = tokenize(line.text)
        letters = any(c.isalpha() for c in line.text)
        if letters and not any(c.isalnum() for token in tokens for c in token.spelled):
            raise BadInput(
                f"flite's voice '{name}' cannot read the letters of this text: use the espeak engine for that"
            )
        if self._worker is None:
            raise EngineFailed("tts", "flite", "used before it was entered")
        pieces = self._worker.iterate(lambda: speak(line, tokens, name))
        try:
            async for speech in pieces:
                yield speech
        except (OSError, RuntimeError) as error:
            raise EngineFailed("tts", "flite", str(error)) from error
        finally:
            await pieces.aclose()


def tokenize(text: str) -> list[Token]:
    """The written words of `text`, each with an ASCII spelling that flite can read; endless ones in parts."""
    tokens = []
    for written in re.sub(rf"(\S{{{_LONGEST_WORD}}})(?=\S)", r"\1 ", text).split():
        plain = unicodedata.normalize("NFKD", written.translate(_ASCII)).encode("ascii", "ignore").decode()
        plain = "".join(c for c in plain if c.isprintable())
        tokens.append(Token(written, " ".join(re.sub(r"^-+$", ",", plain).split())))
    return tokens


def speak(line: Line, tokens: Sequence[Token], voice: str) -> Iterator[Speech]:
    """The line's speech, blocking: clause after clause, each in pieces as flite makes its sound."""
    readings = [script(run) for run in clauses(tokens, _LONGEST)]
    readings = [reading for reading in readings if any(c.isalnum() for c in reading.text)]
    if not readings:
        nothing = round(PAUSE * _RATE)
        yield Speech(Audio.silence(nothing, _RATE), line, (), (Phone("", 0, nothing),))
    for reading in readings:
        last = reading is readings[-1]
        made = flite_library.say(reading.text, voice, 1.0 / line.speed)
        try:
            pause = tail(reading.text) or (PAUSE if last else 0.0)
            yield from _pieces(line, made, reading, pause, last, LEVEL / _LEVELS.get(voice, LEVEL))
        finally:
            made.close()


def _pieces(
    line: Line,
    made: Generator[tuple[Segment, ...] | Sound, None, None],
    reading: Script,
    pause: float,
    last: bool,
    gain: float,
) -> Iterator[Speech]:
    segments = next(made)
    assert isinstance(segments, tuple)  # flite's phones come before its sound
    phones = _phones(segments)
    words = timed_words(reading, phones, [reading.word_before(segment.position) for segment in segments])
    begin, end = keep(phones, _RATE, pause)
    shortest = _FIRST_PIECE
    sound: NDArray[np.float32] = np.zeros(0, np.float32)
    for more in made:
        assert isinstance(more, Sound)
        sound = np.concatenate([sound, Audio.from_int16(more.samples, more.rate).samples])
        ready = max((word.end for word in words if word.end <= len(sound)), default=0)
        if ready - begin >= shortest * _RATE and ready < words[-1].end:
            yield piece(line, sound, _RATE, phones, words, (begin, ready), final=False, gain=gain)
            begin, shortest = ready, _PIECE
    yield piece(line, sound, _RATE, phones, words, (begin, end), final=last, gain=gain)


def _phones(segments: Sequence[Segment]) -> list[Phone]:
    phones: list[Phone] = []
    for segment in segments:
        start = phones[-1].end if phones else 0
        phones.append(Phone(from_arpabet(segment.name), start, max(round(segment.end * _RATE), start)))
    return phones


def _warm(voice: str) -> None:
    for _ in flite_library.say("Hello.", voice, 1.0):
        pass
