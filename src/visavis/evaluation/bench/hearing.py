"""A recogniser, or a turn detector, measured with recordings."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from visavis.engines.protocols import Carry, Recognition, SpeechRecognizer, TurnDetector
from visavis.evaluation.bench.trial import RATE, Recording, Told, Trial, entered
from visavis.evaluation.bench.words import word_errors, words_of
from visavis.media.audio import Audio
from visavis.media.codecs import read_audio

_CHUNK = 2048  # samples a recogniser is given at a time: 128 ms
_REST = 0.3  # seconds of silence about a sentence, as a microphone's has
_PAUSE = 0.2  # seconds of silence after which a turn detector is asked
_LIKELY = 0.5  # the least probability that counts as an end


async def try_asr(engine: SpeechRecognizer, recordings: Sequence[Recording], language: str, told: Told) -> Trial:
    """Understand the recordings, each in pieces as they come from a microphone.

    Nobody waits for the microphone: a piece is at hand at its time, or when the engine has done with those before, and
    the engine's own time is added to that.
    """
    after, shown, spent, played = [], [], 0.0, 0.0
    errors: dict[str, list[int]] = {}
    async with entered(engine) as (_, trial):
        for i, recording in enumerate(recordings):
            rest = Audio.silence(round(_REST * RATE), RATE)
            sound = Audio.join([rest, *noisy(recording, i), rest])
            options, carry = Recognition(language), None
            clock, first = 0.0, None
            for begin in range(0, len(sound), _CHUNK):
                chunk = sound.slice(begin, begin + _CHUNK)
                start = time.perf_counter()
                transcript, carry = await engine.recognize(chunk, carry, options, False)
                took = time.perf_counter() - start
                spent, clock = spent + took, max(clock, chunk.end / RATE) + took
                if first is None and transcript.text:
                    first = clock - _REST
            start = time.perf_counter()
            text = await _last(engine, carry, options)
            took = time.perf_counter() - start
            spent, clock = spent + took, clock + took
            after.append(clock - sound.duration)
            shown += [first] if first is not None else []
            played += sound.duration
            said = words_of(recording.text)
            counted = errors.setdefault(recording.source, [0, 0])
            counted[0] += word_errors(said, words_of(text))
            counted[1] += len(said)
            told(i + 1)
    trial.first_s, trial.real_time_factor = statistics.median(after), spent / max(played, 1e-9)
    trial.partial_s = statistics.median(shown) if shown else None
    trial.word_error_rate = {source: wrong / max(1, words) for source, (wrong, words) in errors.items()}
    return trial


async def try_turn(engine: TurnDetector, recordings: Sequence[Recording], told: Told) -> Trial:
    """Tell of each recording whether it has ended, after a short pause."""
    took, right = [], 0
    async with entered(engine) as (_, trial):
        for i, recording in enumerate(recordings):
            pause = Audio.silence(round(_PAUSE * RATE), RATE)
            sound = Audio.join([*noisy(recording, i), pause])
            start = time.perf_counter()
            probability = await engine.complete(sound)
            took.append(time.perf_counter() - start)
            right += (probability >= _LIKELY) == recording.ended
            told(i + 1)
    trial.first_s, trial.right, trial.asked = statistics.median(took), right, len(recordings)
    return trial


def noisy(recording: Recording, seed: int) -> list[Audio]:
    """A recording's sound at `RATE` in one piece, with white noise where it says so: always the same for a `seed`."""
    sound = Audio.join([Audio.silence(0, RATE), *read_audio(Path(recording.path), RATE)])
    if recording.snr_db is None:
        return [sound]
    level = float(np.sqrt(np.mean(np.square(sound.samples)))) / 10 ** (recording.snr_db / 20)
    noise = np.random.default_rng(seed).normal(0.0, level, len(sound)).astype(np.float32)
    return [replace(sound, samples=np.clip(sound.samples + noise, -1.0, 1.0))]


async def _last(engine: SpeechRecognizer, carry: Carry | None, options: Recognition) -> str:
    transcript, _ = await engine.recognize(Audio.silence(0, RATE), carry, options, True)
    return transcript.text
