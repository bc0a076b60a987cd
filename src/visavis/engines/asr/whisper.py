"""Whisper, the recogniser of OPEA's RFC, on faster-whisper: a hundred languages, with capitals, punctuation and times.

Whisper hears a passage as a whole, at most 30 s, and again with each second of new sound; so the carry of an utterance
is its sound since what is settled, and what was last understood of it. Nothing else is kept between calls.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from visavis.engines.asr.languages import CODES, NAMES, whisper_code
from visavis.engines.protocols import Availability, Carry, EngineInfo, Recognition, Transcript
from visavis.errors import BadInput, EngineFailed, EngineUnavailable
from visavis.media.audio import Audio
from visavis.media.speech import Word
from visavis.settings import Settings, cores, load_settings
from visavis.streams.priority import give_way
from visavis.streams.worker import Worker
from visavis.weights import hub
from visavis.weights.models import Model, installed, models_of

RATE = 16_000
"""Hertz."""
_PASSAGE, _LONGEST_PASSAGE = 20 * RATE, 28 * RATE
"""Samples between which a long utterance is cut where it is quietest; Whisper hears 30 s."""
_QUIET = RATE // 5
"""Samples over which quiet is measured."""
_SHORTEST = RATE // 10
"""Samples; in less there is no word."""
_AGAIN = RATE
"""Samples of new sound at least, before what is still being said is recognised again."""
_BEAMS, _BEAMS_MEANWHILE = 5, 1
"""Readings that are followed: of what is settled, and of what is still being said."""
_LOOP = 2.4
"""How far a text can be compressed before it must be a loop, which Whisper falls into: OpenAI's own measure."""
_THREADS = 8
"""At most: more do not help."""
_FILES = ("model.bin", "config.json", "tokenizer.json")  # without the last, faster-whisper would download one
_REPOSITORIES = {
    "large": "Systran/faster-whisper-large-v3",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
}
_INSTALL = "pip install 'visavis[whisper]' && visavis models pull whisper-small"


@dataclass(frozen=True, slots=True)
class _Passage:
    """What is understood of some sound."""

    text: str = ""
    """As Whisper writes it, with the space before it where its language has spaces."""
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class _Heard:
    """An utterance so far: what is settled of it, the sound after that, and what was last understood of that."""

    settled: _Passage = _Passage()
    offset: int = 0
    """Samples of the utterance before `sound`."""
    sound: tuple[NDArray[np.float32], ...] = ()
    guess: _Passage = _Passage()
    guessed: int = 0
    """Samples of `sound` that the guess is about."""

    @property
    def samples(self) -> int:
        """In `sound`."""
        return sum(map(len, self.sound))

    def settle(self, passage: _Passage, samples: int) -> _Heard:
        """The first `samples` of the sound are a passage that stays."""
        settled = _Passage(self.settled.text + passage.text, self.settled.words + _shifted(passage, self.offset))
        rest = np.concatenate(self.sound)[samples:]
        return _Heard(settled, self.offset + samples, (rest,) if len(rest) else ())


class Whisper:
    """Recognises a hundred languages with OpenAI's Whisper, in CTranslate2's form."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="whisper",
        slot="asr",
        summary="OpenAI's Whisper, OPEA's recogniser: a hundred languages, as they are written",
        licence="MIT",
        languages=CODES,
        rank=30,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._worker: Worker | None = None
        self._model: Any = None  # faster_whisper.WhisperModel, which has no types
        self._again = _AGAIN

    @property
    def model_name(self) -> str:
        """As OpenAI's list of models shows it."""
        return hub.shown(_chosen(self._settings))

    @classmethod
    def availability(cls) -> Availability:
        """Ready where faster-whisper is installed and the model of the settings is on this machine."""
        if importlib.util.find_spec("faster_whisper") is None:
            return Availability(False, "faster-whisper is not installed", _INSTALL)
        return _model_here(_chosen(load_settings()))

    async def __aenter__(self) -> Self:
        if not (here := _model_here(_chosen(self._settings))).ready:
            raise EngineUnavailable(f"asr engine 'whisper' cannot run here: {here.reason} ({here.remedy})")
        self._worker = Worker("whisper")
        try:
            self._model = await self._worker.run(_load, self._settings)
            # a slow machine would fall ever further behind the speaker: half of its time goes to guesses at most
            took = await self._worker.run(_warm, self._model)
            self._again = max(_AGAIN, round(2 * took * RATE))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._worker is not None:
            await asyncio.to_thread(self._worker.close)
        self._worker = self._model = None

    async def recognize(
        self, chunk: Audio, carry: Carry | None, options: Recognition, final: bool
    ) -> tuple[Transcript, Carry]:
        """What is understood so far, about once a second anew; a `final` one hears everything once more, and stays."""
        if chunk.rate != RATE:
            raise ValueError(f"{chunk.rate} Hz: recognize takes {RATE}")
        if self._worker is None:
            raise EngineFailed("asr", "whisper", "used before it was entered")
        language = self._code(options.language)
        heard: _Heard = carry.value if carry else _Heard()
        if len(chunk):
            heard = replace(heard, sound=(*heard.sound, chunk.samples))
        while heard.samples >= _LONGEST_PASSAGE:
            sound = np.concatenate(heard.sound)
            cut = quietest(sound, _PASSAGE, _LONGEST_PASSAGE)
            heard = heard.settle(await self._read(sound[:cut], language, _BEAMS), cut)
        if final and heard.samples:
            passage = await self._read(np.concatenate(heard.sound), language, _BEAMS)
            heard = heard.settle(passage, heard.samples)
        elif options.guesses and heard.samples - heard.guessed >= self._again:
            guess = await self._read(np.concatenate(heard.sound), language, _BEAMS_MEANWHILE)
            heard = replace(heard, guess=guess, guessed=heard.samples)
        words = heard.settled.words + _shifted(heard.guess, heard.offset)
        transcript = Transcript((heard.settled.text + heard.guess.text).strip(), words, final)
        return transcript, Carry(uuid.uuid4().hex, heard)

    def _code(self, language: str) -> str:
        """Whisper's code of a language. Raises `BadInput` for one that this model does not know."""
        code = whisper_code(language)
        if code is None:
            raise BadInput(f"Whisper does not know the language '{language}': type your question")
        if not self._model.model.is_multilingual:
            if code == "en":
                return code
            raise BadInput(f"the model '{self.model_name}' knows English only, not '{language}': use one without .en")
        if self._model.hf_tokenizer.token_to_id(f"<|{code}|>") is None:
            raise BadInput(f"the model '{self.model_name}' does not know {NAMES[code].capitalize()}: use large-v3")
        return code

    async def _read(self, sound: NDArray[np.float32], language: str, beams: int) -> _Passage:
        """What is said in the sound; where nobody speaks, nothing is."""
        if len(sound) < _SHORTEST:
            return _Passage()
        assert self._worker is not None
        try:
            passage, loops = await self._passage(sound, language, beams, 0)
            if loops:
                # OpenAI's way out, to throw dice, would give other words for the same sound
                passage, _ = await self._passage(sound, language, beams, 3)
        except (RuntimeError, ValueError) as error:
            raise EngineFailed("asr", "whisper", f"stopped: {' '.join(str(error).split())[:200]}") from error
        return passage

    async def _passage(
        self, sound: NDArray[np.float32], language: str, beams: int, unlike: int
    ) -> tuple[_Passage, bool]:
        """What is said, and whether it runs in circles; no run of `unlike` tokens comes twice."""
        assert self._worker is not None
        text, loops = "", False
        words: list[Word] = []
        steps = self._worker.iterate(lambda: _segments(self._model, sound, language, beams, unlike))
        async with aclosing(steps):
            async for segment in steps:
                text += segment.text
                loops = loops or segment.compression_ratio > _LOOP
                for word in segment.words or ():
                    before = words[-1].start if words else 0
                    start = min(max(round(word.start * RATE), before), len(sound))
                    end = min(max(round(word.end * RATE), start), len(sound))
                    words.append(Word(word.word.strip(), start, end))
        return _Passage(text, tuple(word for word in words if word.text)), loops


def quietest(sound: NDArray[np.float32], begin: int, end: int) -> int:
    """Where between two samples the sound is quietest: between two words, if there is a gap."""
    power = np.concatenate([[0.0], np.cumsum(np.square(sound[begin:end], dtype=np.float64))])
    levels = power[_QUIET:] - power[:-_QUIET]
    return begin + int(np.argmin(levels)) + _QUIET // 2


def _segments(model: Any, sound: NDArray[np.float32], language: str, beams: int, unlike: int) -> Iterator[Any]:
    """Whisper's segments of some sound, each a step; blocking."""
    segments, _ = model.transcribe(
        sound,
        language=language,
        beam_size=beams,
        temperature=0.0,
        no_repeat_ngram_size=unlike,
        condition_on_previous_text=False,  # an error would be believed, and repeated
        word_timestamps=True,
        vad_filter=True,  # in silence Whisper hears thanks for watching
    )
    yield from segments


def _shifted(passage: _Passage, offset: int) -> tuple[Word, ...]:
    return tuple(Word(word.text, word.start + offset, word.end + offset) for word in passage.words)


# ---- the model


def _repository(model: str) -> str:
    """Where a size comes from; a repository is its own name. OpenAI's names, as OPEA has them, mean their sizes."""
    name = model.removeprefix("openai/whisper-")
    if "/" in name:
        return name
    kind, size = ("distil-whisper", name.removeprefix("distil-")) if name.startswith("distil-") else ("whisper", name)
    return _REPOSITORIES.get(name, f"Systran/faster-{kind}-{size}")


def _pulled(model: str) -> Model | None:
    """The catalogue's entry of a size, or of a repository."""
    return next((each for each in models_of("asr", "whisper") if each.repository == _repository(model)), None)


def _folder(model: str) -> Path | None:
    """Where a size lies: the folder itself, what was pulled, or what `hf download` has fetched."""
    if (path := Path(model).expanduser()).is_dir():
        return path
    entry = _pulled(model)
    return (installed(entry.name) if entry else None) or hub.snapshot(_repository(model))


def _chosen(settings: Settings) -> str:
    """The model of the settings; where they name none, and their default is not here, the best that was pulled."""
    if "whisper_model" in settings.model_fields_set or _folder(settings.whisper_model) is not None:
        return settings.whisper_model
    here = (each.repository for each in models_of("asr", "whisper") if installed(each.name) is not None)
    return next(here, settings.whisper_model)


def _fetch(model: str) -> str:
    """What to type for it."""
    entry = _pulled(model)
    return f"visavis models pull {entry.name}" if entry else f"hf download {_repository(model)}"


def _model_here(model: str) -> Availability:
    folder, repository = _folder(model), _repository(model)
    fetch = _fetch(model)
    if folder is None:
        if Path(model).is_absolute() or model.startswith(("~", ".")):
            return Availability(False, f"there is no folder {model}", "set VISAVIS_WHISPER_MODEL to one, or to small")
        reason = f"the model '{model}' is not on this machine"
        also = f", or hf download {repository}" if repository not in fetch else ""
        return Availability(False, reason, f"{fetch}{also}, or set VISAVIS_WHISPER_MODEL to a folder that has one")
    if missing := hub.lacking(folder, _FILES):
        if folder == Path(model).expanduser():
            remedy = (
                f"ct2-transformers-converter --model openai/whisper-small --output_dir {folder} --force"
                " --copy_files tokenizer.json preprocessor_config.json"
            )
        else:
            remedy = fetch
        return Availability(False, f"the folder {folder} has no {missing}", remedy)
    return Availability(True)


def _load(settings: Settings) -> Any:
    """The model, on the device of the settings."""
    give_way()
    # OpenMP's threads would spin while they wait, on cores that the face needs
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import ctranslate2
    import faster_whisper

    folder = _folder(_chosen(settings))
    device, kind = settings.whisper_device, settings.whisper_compute
    if device == "auto":
        device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    if kind == "auto":
        kind = "float16" if device == "cuda" else "int8"
    try:
        return faster_whisper.WhisperModel(
            str(folder),
            device=device,
            compute_type=kind,
            cpu_threads=settings.threads or min(cores(), _THREADS),
            local_files_only=True,
        )
    except Exception as error:  # CTranslate2 and tokenizers throw what they like
        said = " ".join(str(error).split())[:200]
        remedy = "set whisper_device=cpu and whisper_compute=int8, or fetch the model again"
        raise EngineUnavailable(f"Whisper cannot load {folder} on {device} as {kind}: {said} ({remedy})") from None


def _warm(model: Any) -> float:
    """Seconds that it takes to hear something."""
    begun = time.perf_counter()
    segments, _ = model.transcribe(np.zeros(RATE, np.float32), language="en", beam_size=1, temperature=0.0)
    next(iter(segments), None)
    return time.perf_counter() - begun
