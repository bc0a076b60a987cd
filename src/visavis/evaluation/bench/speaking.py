"""A synthesizer, measured; what it says is kept, for recognisers to hear."""

from __future__ import annotations

import statistics
import time
import wave
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from visavis.engines.protocols import SpeechSynthesizer
from visavis.engines.registry import speaks
from visavis.evaluation.bench.trial import Recording, Told, Trial, entered
from visavis.media.audio import Audio
from visavis.media.speech import Line, Speech

_VOICES = 3  # of one synthesizer at most
_SPEEDS = (1.0, 0.85, 1.2)


async def try_tts(engine: SpeechSynthesizer, texts: Sequence[str], language: str, folder: Path, told: Told) -> Trial:
    """Speak the texts into `folder`: 000.wav and so on, and where the times of words are told, 000-begun.wav: as much
    as half of the words. Voices and speeds change from one to the next, always in the same order."""
    first, spent, played = [], 0.0, 0.0
    voices = _voices(engine, language)
    async with entered(engine) as (_, trial):
        timed = {"phones", "words"}
        for i, text in enumerate(texts):
            pieces: list[Speech] = []
            line = Line(text, language, _SPEEDS[i // len(voices) % len(_SPEEDS)])
            start = time.perf_counter()
            async with aclosing(engine.synthesize(line, voices[i % len(voices)])) as speech:
                async for piece in speech:
                    if not pieces:
                        first.append(time.perf_counter() - start)
                    pieces.append(piece)
            spent += time.perf_counter() - start
            sound = Audio.join([piece.audio for piece in pieces])
            played += sound.duration
            _write(folder / f"{i:03d}.wav", sound)
            timed -= set() if any(piece.words for piece in pieces) else {"words"}
            timed -= set() if all(piece.phones is not None for piece in pieces) else {"phones"}
            if middle := _middle(pieces):
                _write(folder / f"{i:03d}-begun.wav", sound.slice(0, middle))
            told(i + 1)
    trial.first_s, trial.real_time_factor = statistics.median(first), spent / max(played, 1e-9)
    trial.times = " and ".join(sorted(timed, reverse=True)) or "none"
    return trial


def spoken(name: str, folder: Path, texts: Sequence[str]) -> list[Recording]:
    """What the synthesizer `name` said into `folder`, whole sentences and begun ones."""
    said = [Recording(name, str(folder / f"{i:03d}.wav"), text) for i, text in enumerate(texts)]
    begun = [Recording(name, str(path), "", ended=False) for path in sorted(folder.glob("*-begun.wav"))]
    return said + begun


def _voices(engine: SpeechSynthesizer, language: str) -> list[str | None]:
    """Its default voice for the language, and a few others."""
    base = language.split("-")[0].lower()
    fitting = [voice.name for voice in engine.voices() if voice.language.split("-")[0].lower() == base]
    if not fitting and not speaks(engine.info, language):
        return [None]
    return [None, *fitting[1:_VOICES]]


def _middle(pieces: Sequence[Speech]) -> int:
    """The sample at which half of the words are said; 0 where that is not told, or there are too few."""
    ends, before = [], 0
    for piece in pieces:
        ends += [before + word.end for word in piece.words]
        before += len(piece.audio)
    return ends[len(ends) // 2 - 1] if len(ends) > 3 else 0


def _write(path: Path, sound: Audio) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.rate)
        file.writeframes(sound.to_int16().tobytes())
