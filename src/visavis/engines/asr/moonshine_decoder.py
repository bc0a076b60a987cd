"""One of Moonshine's models in its library, and the utterance that it reads."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.errors import EngineFailed, EngineUnavailable
from visavis.media.speech import Word
from visavis.streams.priority import give_way
from visavis.streams.worker import Worker

RATE = 16_000
"""Hertz."""
_TAIL = 1792
"""Samples of silence after the last: the library leaves out what does not fill its steps of 1280, of whole 512."""
_NEVER = 1e9
"""Seconds between two readings that the library would begin by itself."""
_NOW = 1
"""The library's flag to read, however little is new."""
_DECODER, _TIMING_DECODER = "decoder_kv.ort", "decoder_kv_with_attention.ort"
"""The same network; the second also tells where it looked, from which the library has the words' times."""
_DENSE = {"ar", "ja", "ko", "uk", "vi", "zh"}
"""Languages of more tokens a second than the library takes for a loop, by its documentation."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was understood of an utterance."""

    text: str
    words: tuple[Word, ...] = ()
    """Times in samples since its first."""


class Decoder:
    """A model, loaded on a thread of its own, and the utterance that it reads. Methods are called one by one."""

    def __init__(self, model: str, folder: Path, language: str) -> None:
        self.model = model
        self._folder, self._language = folder, language
        self._worker = Worker("moonshine")
        self._transcriber: Any = None  # moonshine_voice.transcriber.Transcriber, which has no types
        self._stream: Any = None
        self._heard = 0

    async def load(self) -> None:
        """Load the model. Raises `EngineUnavailable` for one that is damaged."""
        try:
            self._transcriber = await self._worker.run(_load, self._folder, self._language)
        except Exception as error:  # the library throws what it likes
            said = " ".join(str(error).split())[:200]
            raise EngineUnavailable(
                f"Moonshine cannot load {self._folder}: {said} (visavis models pull {self.model})"
            ) from None

    async def begin(self) -> None:
        """Start an utterance; an open one is forgotten."""
        await self._step(self._begin)

    async def feed(self, sound: NDArray[np.float32]) -> None:
        """More of the utterance's sound."""
        await self._step(self._feed, sound)

    async def read(self) -> Reading:
        """What is understood so far. The library cannot be stopped in the middle."""
        reading: Reading = await self._step(self._read)
        return reading

    async def end(self) -> Reading:
        """What is understood of the whole utterance, which is closed with that; the next one has begun."""
        reading: Reading = await self._step(self._end)
        return reading

    def close(self) -> None:
        """Free the model, after the running step. Blocking."""
        self._worker.close()
        if self._stream is not None:
            self._stream.close()
        if self._transcriber is not None:
            self._transcriber.close()
        self._transcriber = self._stream = None

    async def _step(self, step: Any, *args: Any) -> Any:
        from moonshine_voice.errors import MoonshineError

        try:
            return await self._worker.run(step, *args)
        except MoonshineError as error:
            raise EngineFailed("asr", "moonshine", f"stopped: {' '.join(str(error).split())[:200]}") from error

    def _begin(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream = self._transcriber.create_stream(update_interval=_NEVER, transcribe_flags=_NOW)
        self._stream.start()
        self._heard = 0

    def _feed(self, sound: NDArray[np.float32]) -> None:
        self._stream.add_audio(sound, RATE)
        self._heard += len(sound)

    def _read(self) -> Reading:
        return self._understood(self._stream.update_transcription(_NOW))

    def _end(self) -> Reading:
        from moonshine_voice.errors import MoonshineError

        self._stream.add_audio(np.zeros(_TAIL, np.float32), RATE)
        if (transcript := self._stream.stop()) is None:  # what it throws there is told to listeners only
            raise MoonshineError("it could not read the utterance to its end")
        reading = self._understood(transcript)
        self._begin()
        return reading

    def _understood(self, transcript: Any) -> Reading:
        text = " ".join(filter(None, (line.text.strip() for line in transcript.lines)))
        timed = [word for line in transcript.lines for word in line.words or () if word.word.strip()]
        starts = list(accumulate((min(max(round(word.start * RATE), 0), self._heard) for word in timed), max))
        ends = (min(max(round(word.end * RATE), start), self._heard) for word, start in zip(timed, starts, strict=True))
        return Reading(
            text, tuple(Word(w.word.strip(), start, end) for w, start, end in zip(timed, starts, ends, strict=True))
        )


def _load(folder: Path, language: str) -> Any:
    """The library's transcriber of a model."""
    give_way()
    # read where a session is made; its threads would spin while they wait, on cores that the face needs
    os.environ.setdefault("MOONSHINE_ORT_SINGLE_THREAD", "1")
    from moonshine_voice.moonshine_api import ModelArch
    from moonshine_voice.transcriber import Transcriber

    timed = (folder / _TIMING_DECODER).is_file()
    options = {
        "vad_threshold": "0",  # what comes is speech
        "vad_max_segment_duration": "60",
        "return_audio_data": "false",
        "word_timestamps": str(timed).lower(),
    }
    if language in _DENSE:
        # reading on from its last guess, the library has a limit of its own
        options |= {"max_tokens_per_second": "13.0", "use_speculative_decoding": "false"}
    if not (folder / "streaming_config.json").is_file():
        small = (folder / "decoder_model_merged.ort").stat().st_size < 60_000_000
        return Transcriber(str(folder), ModelArch.TINY if small else ModelArch.BASE, options=options)
    if (folder / _DECODER).is_file():
        return Transcriber(str(folder), ModelArch.SMALL_STREAMING, options=options)
    with tempfile.TemporaryDirectory() as place:
        # the library wants both decoders; the one that times words does for both
        for file in folder.iterdir():
            _link(file, Path(place, file.name))
        _link(folder / _TIMING_DECODER, Path(place, _DECODER))
        return Transcriber(place, ModelArch.SMALL_STREAMING, options=options)


def _link(file: Path, name: Path) -> None:
    try:
        name.symlink_to(file)
    except OSError:  # Windows lets not everybody
        shutil.copyfile(file, name)
