"""Moonshine, a recogniser made for live speech: it reads on as somebody speaks, and writes capitals and punctuation.

Its library (moonshine-voice) keeps one utterance a model, so models are loaded more than once where several people
speak at the same time; they are few, and used again. The carry of an utterance holds its sound, and where in it was
read: whoever finds no live decoder goes the same steps and comes to the same words.

Words have times where a passage was read in one go, as of a recording; the library loses them when it reads on.
"""

from __future__ import annotations

import asyncio
import importlib.util
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from visavis.engines.asr.moonshine_decoder import RATE, Decoder, Reading
from visavis.engines.live import LiveStates
from visavis.engines.protocols import Availability, Carry, EngineInfo, Recognition, Transcript
from visavis.errors import BadInput, EngineFailed, EngineUnavailable
from visavis.media.audio import Audio
from visavis.media.speech import Word
from visavis.settings import Settings, cores, load_settings
from visavis.weights.models import Model, installed, models_of

_AGAIN = RATE // 2
"""Samples of new sound at least, before what is still being said is read again: the library's own measure."""
_PASSAGE, _LONGEST_PASSAGE = 14 * RATE, 20 * RATE
"""Samples after which a long utterance is settled so far: at the next quiet chunk, and at the latest. The model was
made for 30 s."""
_QUIET = 0.1
"""Of a passage's mean power: a chunk below is between two words."""
_SPACELESS = {"ja", "zh"}
"""Languages that put no space between two passages."""
_INSTALL = "pip install 'visavis[moonshine]'"


@dataclass(frozen=True, slots=True)
class _Heard:
    """An utterance so far: what is settled of it, the sound after that, and what was last understood of that."""

    settled: str = ""
    words: tuple[Word, ...] = ()
    offset: int = 0
    """Samples of the utterance before `chunks`."""
    chunks: tuple[NDArray[np.float32], ...] = ()
    reads: tuple[int, ...] = ()
    """After how many of the chunks they were read."""
    guess: str = ""

    @property
    def samples(self) -> int:
        """In `chunks`."""
        return sum(map(len, self.chunks))

    @property
    def unread(self) -> int:
        """Samples since they were last read."""
        return sum(map(len, self.chunks[self.reads[-1] if self.reads else 0 :]))

    @property
    def pauses(self) -> bool:
        """Whether the last chunk is between two words."""
        power = [float(np.mean(np.square(chunk))) for chunk in self.chunks if len(chunk)]
        return power[-1] <= _QUIET * float(np.mean(power))

    def settle(self, reading: Reading, space: str) -> _Heard:
        """What was read of the chunks stays."""
        words = tuple(Word(w.text, w.start + self.offset, w.end + self.offset) for w in reading.words)
        text = space.join(filter(None, (self.settled, reading.text)))
        return _Heard(text, self.words + words, self.offset + self.samples)


class Moonshine:
    """Recognises with those of Moonshine's models that are on this machine: each knows one language."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="moonshine",
        slot="asr",
        summary="Moonshine: reads on as you speak, far faster than Whisper and as good",
        licence="MIT",
        languages=tuple(dict.fromkeys(tag for m in models_of("asr", "moonshine") for tag in m.languages)),
        rank=40,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: dict[str, Model] = {}
        self._again = _AGAIN
        self._busy = asyncio.Semaphore(max(1, cores() // 2))
        self._most = max(2, cores() // 2)
        self._free: list[Decoder] = []
        self._live: LiveStates[Decoder] = LiveStates(self._most, drop=self._free.append)
        self._every: set[Decoder] = set()

    @classmethod
    def availability(cls) -> Availability:
        """Ready where the library and one of its models are; which languages it knows follows from the models."""
        settings = load_settings()
        if importlib.util.find_spec("moonshine_voice") is None:
            return Availability(False, "moonshine-voice is not installed", f"{_INSTALL} && {_pull(settings)}")
        here = _best(settings)
        if not here:
            return Availability(False, "no model of it is on this machine", _pull(settings))
        licences = tuple(dict.fromkeys(model.licence for model in here.values()))
        commercial = not any(model.non_commercial for model in here.values())
        info = replace(cls.info, languages=tuple(here), licence=" AND ".join(licences), commercial=commercial)
        return Availability(True, info=info)

    async def __aenter__(self) -> Self:
        self._models = _best(self._settings)
        if not self._models:
            remedy = _pull(self._settings)
            raise EngineUnavailable(f"asr engine 'moonshine' cannot run here: no model of it is here ({remedy})")
        model = self._models.get(_base(self._settings.language)) or next(iter(self._models.values()))
        try:
            decoder = await self._decoder(model)
            # a slow machine would fall ever further behind the speaker: half of its time goes to guesses at most
            self._again = max(_AGAIN, round(2 * await _warmed(decoder) * RATE))
            self._free.append(decoder)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._live.clear()
        self._free.clear()
        every, self._every, self._models = self._every, set(), {}
        for decoder in every:
            await asyncio.to_thread(decoder.close)

    async def recognize(
        self, chunk: Audio, carry: Carry | None, options: Recognition, final: bool
    ) -> tuple[Transcript, Carry]:
        """What is understood so far, about twice a second anew; a `final` one takes in everything, and stays.

        Raises `BadInput` for a language of which no model is here.
        """
        if chunk.rate != RATE:
            raise ValueError(f"{chunk.rate} Hz: recognize takes {RATE}")
        if not self._models:
            raise EngineFailed("asr", "moonshine", "used before it was entered")
        language = _base(options.language)
        if (model := self._models.get(language)) is None:
            known = ", ".join(self._models)
            raise BadInput(f"Moonshine has no model here for the language '{options.language}': it knows {known}")
        heard: _Heard = carry.value if carry else _Heard()
        space = "" if language in _SPACELESS else " "
        # at most so many at work: each takes a core
        async with self._busy:
            decoder = self._live.take(carry.id) if carry else None
            if not (len(chunk) or heard.chunks):
                return Transcript(heard.settled, heard.words, final), Carry("", heard)
            if decoder is None:
                decoder = await self._rebuilt(model, heard)
            try:
                heard, alive = await self._advanced(decoder, heard, chunk.samples, options.guesses, final, space)
            except BaseException:
                self._give_back(decoder)  # a cancelled step may still run: who takes the decoder next waits behind it
                raise
            text = space.join(filter(None, (heard.settled, heard.guess)))
            transcript = Transcript(text, heard.words, final)
            if alive:
                return transcript, Carry(self._live.put(decoder), heard)
            self._give_back(decoder)
            return transcript, Carry("", heard)

    async def _advanced(
        self, decoder: Decoder, heard: _Heard, sound: NDArray[np.float32], guesses: bool, final: bool, space: str
    ) -> tuple[_Heard, bool]:
        """The utterance with some sound more, and whether the decoder is in the middle of it."""
        if len(sound):
            await decoder.feed(sound)
            heard = replace(heard, chunks=(*heard.chunks, sound))
        full = heard.samples >= _LONGEST_PASSAGE or (heard.samples >= _PASSAGE and heard.pauses)
        if final or full:
            reading = await decoder.end()
            # the library times words wrongly where it read before
            reading = replace(reading, words=()) if heard.reads else reading
            return heard.settle(reading, space), False
        if guesses and heard.unread >= self._again:
            reading = await decoder.read()
            heard = replace(heard, guess=reading.text, reads=(*heard.reads, len(heard.chunks)))
        return heard, True

    async def _rebuilt(self, model: Model, heard: _Heard) -> Decoder:
        """A decoder that has gone the same steps."""
        decoder = await self._decoder(model)
        try:
            await decoder.begin()
            for number, piece in enumerate(heard.chunks, 1):
                await decoder.feed(piece)
                if number in heard.reads:
                    await decoder.read()
        except BaseException:
            self._give_back(decoder)
            raise
        return decoder

    async def _decoder(self, model: Model) -> Decoder:
        """One that is free, or a new one."""
        for decoder in self._free:
            if decoder.model == model.name:
                self._free.remove(decoder)
                return decoder
        decoder = Decoder(model.name, _folder(model), model.languages[0])
        self._every.add(decoder)
        await decoder.load()
        return decoder

    def _give_back(self, decoder: Decoder) -> None:
        """It is free; of too many, those of which nothing was heard for longest are closed."""
        if decoder in self._every:
            self._free.append(decoder)
        while len(self._free) > self._most:
            oldest = self._free.pop(0)
            self._every.discard(oldest)
            asyncio.get_running_loop().run_in_executor(None, oldest.close)


async def _warmed(decoder: Decoder) -> float:
    """Seconds that it takes to read on."""
    await decoder.begin()
    noise = np.random.default_rng(0).normal(0, 0.05, RATE).astype(np.float32)
    await decoder.feed(noise)
    await decoder.read()
    await decoder.feed(noise)
    begun = time.perf_counter()
    await decoder.read()
    return time.perf_counter() - begun


def _base(language: str) -> str:
    return language.split("-")[0].lower()


def _allowed(settings: Settings) -> list[Model]:
    """The models that may be used, the best first."""
    return [m for m in models_of("asr", "moonshine") if not (m.non_commercial and settings.commercial_only)]


def _pull(settings: Settings) -> str:
    """What to type for a model of the language, or of another that it knows."""
    known = sorted(_allowed(settings), key=lambda m: (_base(settings.language) not in m.languages, not m.recommended))
    return f"visavis models pull {known[0].name}"


def _best(settings: Settings) -> dict[str, Model]:
    """By language, the best model that is here and may be used."""
    here = [model for model in _allowed(settings) if installed(model.name) is not None]
    return {tag: model for model in reversed(here) for tag in model.languages}


def _folder(model: Model) -> Path:
    """Where its files lie: all in one folder, which may be inside the model's. Raises `EngineUnavailable`."""
    root = installed(model.name)
    tokenizer = None if root is None else next(root.rglob("tokenizer.bin"), None)
    if tokenizer is None:
        raise EngineUnavailable(f"the model '{model.name}' is not whole: visavis models pull {model.name}")
    return tokenizer.parent
