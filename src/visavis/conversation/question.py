"""A question as it comes in: text, or a recording that is listened to."""

from __future__ import annotations

import re
from contextlib import aclosing
from pathlib import Path

import numpy as np

from visavis.conversation.listen import RATE, listen
from visavis.engines.loading import Engines
from visavis.engines.protocols import Recognition, Transcript
from visavis.errors import BadInput
from visavis.media.audio import Audio
from visavis.media.codecs import probe_audio, read_audio
from visavis.streams.flow import Stream
from visavis.streams.worker import Worker

SUFFIXES = {".wav", ".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".aac", ".webm", ".mp4", ".mkv", ".mov"}
_ASKS = re.compile(
    r"(?:(?:and|so|but|well|then)\s+)?(?:who|what|when|where|why|how|which|whose|is|are|am|was|were|do|does|did|can"
    r"|could|will|would|shall|should|may|might|must|have|has|had)\b"
)
_SILENT = 0.003
"""The loudest sample (-50 dB) of a recording in which nobody speaks."""
LONGEST = 120.0
"""Seconds. A longer recording is a speech, not a question."""


def as_file(question: str) -> Path | None:
    """The recording a question names, or None if it is text. A name that looks like one must exist: `BadInput`."""
    if not question or len(question) > 1024 or "\n" in question:
        return None
    path = Path(question)
    try:
        exists = path.exists()
    except OSError:  # too long a name, or characters no file can have
        return None
    if exists:
        if path.is_dir():
            raise BadInput(f"{path} is a folder: give a question, or an audio file")
        return path
    if path.suffix.lower() in SUFFIXES and " " not in question.strip():
        raise BadInput(f"there is no file {path}")
    return None


def check_text(question: str) -> str:
    """The question's text. Raises `BadInput` if there is nothing in it to answer."""
    if not any(c.isalnum() for c in question):
        state = "has no words in it" if question.strip() else "is empty"
        raise BadInput(f"the question {state}: ask something, as in visavis ask 'How are you?'")
    return question


def check_recording(path: Path) -> float:
    """The seconds that a recording's header tells, 0 where it does not.

    Raises `BadInput` if it says that this is not audio, or too long, before any work is done for it.
    """
    duration = probe_audio(path)
    check_length(duration or 0.0, path)
    return duration or 0.0


def check_length(duration: float, what: Path | str) -> None:
    """Raise `BadInput` for a recording of too many seconds."""
    if duration > LONGEST:
        raise BadInput(f"{what} is {duration:.0f} s long: a question may take {LONGEST:.0f} s")


async def transcribe(path: Path, engines: Engines, language: str) -> str:
    """What is asked in a recording. Raises `BadInput` if it is not audio, too long, or no speech is heard in it."""
    check_recording(path)
    text = await heard(limited(path), engines, language)
    if not text:
        raise BadInput(f"no speech was heard in {path}: speak up, or type the question")
    return as_written(text)


async def heard(audio: Stream[Audio], engines: Engines, language: str) -> str:
    """The words of every utterance in 16 kHz sound, in one string."""
    return " ".join([transcript.text.strip() for transcript in await utterances(audio, engines, language)])


async def utterances(audio: Stream[Audio], engines: Engines, language: str) -> list[Transcript]:
    """Every utterance in 16 kHz sound that has words in it."""
    if engines.asr.info.takes_recordings:
        transcript = await _in_one(audio, engines, language)
        return [transcript] if transcript.text.strip() else []
    transcripts = listen(audio, engines.vad, engines.asr, Recognition(language, guesses=False))
    return [each async for each in transcripts if each.final and each.text.strip()]


async def _in_one(audio: Stream[Audio], engines: Engines, language: str) -> Transcript:
    """What is said in all of it. Silence is not asked about: recognisers hear words in it."""
    async with aclosing(audio) as pieces:
        whole = Audio.join([Audio.silence(0, RATE), *[piece async for piece in pieces]])
    if not len(whole) or float(np.abs(whole.samples).max()) < _SILENT:
        return Transcript("", (), True)
    transcript, _ = await engines.asr.recognize(whole, None, Recognition(language, guesses=False), True)
    return transcript


def as_written(transcript: str) -> str:
    """What a recogniser heard, as a person would type it: small models answer that better.

    A transcript that has capitals or punctuation already is left as it is.
    """
    if transcript != transcript.lower() or transcript[-1:] in ".?!":
        return transcript
    mark = "?" if _ASKS.match(transcript) else "."
    return re.sub(r"\bi\b", "I", transcript[:1].upper() + transcript[1:]) + mark


async def limited(path: Path) -> Stream[Audio]:
    """The sound of a recording, 16 kHz. Raises `BadInput` where it becomes too long, which not every header says."""
    worker = Worker("read")
    try:
        async with aclosing(worker.iterate(lambda: read_audio(path, RATE))) as pieces:
            async for piece in pieces:
                if piece.start > LONGEST * RATE:
                    raise BadInput(f"{path} is too long: a question may take {LONGEST:.0f} s")
                yield piece
    finally:
        worker.close()
