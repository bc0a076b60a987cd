"""SpeechT5, the voice of OPEA's RFC, on PyTorch: English, in the voice of any speaker whose 512 numbers are there.

It tells no times. Words are laid over a piece's sound by their letters; the lips follow the sound alone.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from visavis.engines.protocols import Availability, EngineInfo, Voice
from visavis.engines.tts import speakers
from visavis.engines.tts.flite import tokenize
from visavis.engines.tts.pace import paced
from visavis.engines.tts.pieces import LEAD, PAUSE, Script, ended, heard, louder, runs, script, tail
from visavis.engines.tts.spread import laid
from visavis.engines.voices import named, near
from visavis.errors import BadInput, EngineFailed, EngineUnavailable
from visavis.media.audio import Audio
from visavis.media.speech import Line, Speech
from visavis.settings import Settings, cores, load_settings
from visavis.streams.flow import Stream
from visavis.streams.priority import give_way
from visavis.streams.worker import Worker
from visavis.weights import hub

if TYPE_CHECKING:
    from visavis.engines.tts.speecht5_network import Network

_FIRST, _LONGEST = 60, 110
"""Characters of a line's first piece and of the others, at most: 4 s and 7 s, made as a whole before they are heard."""
_THREADS = 8
"""At most: more do not help."""
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_MODEL, _VOCODER = ("config.json", "spm_char.model", _WEIGHTS), ("config.json", _WEIGHTS)
"""Files of theirs."""
_INSTALL = (
    "pip install 'visavis[speecht5]' && hf download microsoft/speecht5_tts && hf download microsoft/speecht5_hifigan"
)


class SpeechT5:
    """Speaks English with Microsoft's SpeechT5 and its HiFi-GAN vocoder."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="speecht5",
        slot="tts",
        summary="Microsoft's SpeechT5, OPEA's voice: English, in the voices of your speaker embeddings",
        licence="MIT",
        languages=("en",),
        # below flite, which starts fifty times sooner and tells the lips each phone; asked for by name, or by a voice
        rank=15,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._worker: Worker | None = None
        self._network: Network | None = None
        self._known: dict[str, NDArray[np.float32]] = {}

    @property
    def model_name(self) -> str:
        """As OpenAI's list of models shows it."""
        return hub.shown(self._settings.speecht5_model)

    @classmethod
    def availability(cls) -> Availability:
        """Ready where PyTorch and Transformers are installed, and the settings' model and speakers are here."""
        if lacking := [m for m in ("torch", "transformers", "sentencepiece") if importlib.util.find_spec(m) is None]:
            return Availability(False, f"{' and '.join(lacking)} not installed", _INSTALL)
        return _all_here(load_settings())

    async def __aenter__(self) -> Self:
        if not (here := _all_here(self._settings)).ready:
            raise EngineUnavailable(f"tts engine 'speecht5' cannot run here: {here.reason} ({here.remedy})")
        self._worker = Worker("speecht5")
        try:
            self._network = await self._worker.run(_load, self._settings)
            try:
                speaker = await self._worker.run(self._speaker, self.voices()[0].name)
                await self._worker.run(lambda network: [*network.speak("Hi.", speaker)], self._network)
            except (ValueError, RuntimeError) as error:
                raise EngineUnavailable(f"SpeechT5 cannot speak: {_brief(error)}") from None
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._worker is not None:
            await asyncio.to_thread(self._worker.close)
        self._worker = self._network = None
        self._known.clear()

    def voices(self) -> Sequence[Voice]:
        """The speakers of the settings, in order; the first is the default."""
        path = self._settings.speecht5_speakers
        return [Voice(name, "en", "a speaker embedding") for name in ([] if path is None else speakers.names(path))]

    async def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        """The line at 16 kHz, clause by clause; the first is a short one, for all of it is made before it is heard."""
        known = [each.name for each in self.voices()]
        name = named(voice, known) if voice else known[0]
        if name is None:
            raise BadInput(f"speecht5 has no voice '{voice}'; choose one of: {', '.join(near(voice or '', known))}")
        if line.language.split("-")[0].lower() != "en":
            raise BadInput(f"speecht5 speaks English only, not '{line.language}': use the espeak engine for that")
        tokens = tokenize(line.text)
        if any(c.isalpha() for c in line.text) and not any(c.isalnum() for token in tokens for c in token.spelled):
            raise BadInput("speecht5 cannot read the letters of this text: use the espeak engine for that")
        if self._worker is None or (network := self._network) is None:
            raise EngineFailed("tts", "speecht5", "used before it was entered")
        readings = [script(run) for run in runs(tokens, _FIRST, _LONGEST)]
        readings = [reading for reading in readings if reading.words]
        if not readings:
            yield Speech(Audio.silence(round(PAUSE * network.rate), network.rate), line)
        try:
            speaker = await self._worker.run(self._speaker, name)
            for reading in readings:
                last = reading is readings[-1]
                pause = tail(reading.text) or (PAUSE if last else 0.0)
                sound: list[NDArray[np.float32]] = []
                text = ended(reading.text, "." if last else ",")
                steps = self._worker.iterate(lambda text=text: network.speak(text, speaker))  # type: ignore[misc]
                async with aclosing(steps):
                    async for piece in steps:
                        sound.append(piece)
                made = np.concatenate(sound)
                yield await self._worker.run(_speech, line, reading, made, network.rate, pause, last)
        except (RuntimeError, ValueError) as error:
            raise EngineFailed("tts", "speecht5", _brief(error)) from error

    def _speaker(self, name: str) -> NDArray[np.float32]:
        """(512,) blocking, the first time. Raises `ValueError`."""
        assert self._settings.speecht5_speakers is not None
        if name not in self._known:
            self._known[name] = speakers.load(self._settings.speecht5_speakers, name)
        return self._known[name]


def _speech(line: Line, reading: Script, sound: NDArray[np.float32], rate: int, pause: float, last: bool) -> Speech:
    """The reading's sound as speech: its silence cut, as fast as the line, as loud as every voice."""
    sound = paced(np.clip(np.nan_to_num(sound), -1.0, 1.0), rate, line.speed)
    begin, end, gain = heard(sound, rate)
    lead = min(begin, round(LEAD * rate))
    spoken = louder(sound[begin - lead : end], gain)
    samples = np.concatenate([spoken, np.zeros(round(pause * rate), np.float32)])
    return Speech(Audio(samples, rate), line, laid(reading.words, lead, len(spoken)), None, last)


# ---- what it needs


def _all_here(settings: Settings) -> Availability:
    wanted = (
        ("speecht5_model", settings.speecht5_model, _MODEL),
        ("speecht5_vocoder", settings.speecht5_vocoder, _VOCODER),
    )
    for setting, name, files in wanted:
        variable = f"VISAVIS_{setting.upper()}"
        fetch = f"hf download {name}" if name.count("/") == 1 and not name.startswith(("/", "~", ".")) else ""
        if (folder := hub.found(name)) is None:
            remedy = (
                f"{fetch}, or set {variable} to its folder" if fetch else f"set {variable} to a folder that is there"
            )
            return Availability(False, f"the model '{name}' is not on this machine", remedy)
        if missing := hub.lacking(folder, files):
            remedy = fetch or f"set {variable} to a folder that `hf download --local-dir` made"
            return Availability(False, f"the folder {folder} has no {missing}", remedy)
    if fault := speakers.fault(settings.speecht5_speakers):
        remedy = "set VISAVIS_SPEECHT5_SPEAKERS to a folder of .npy files of 512 numbers each, or to one .npz"
        return Availability(False, fault, remedy)
    return Availability(True)


def _load(settings: Settings) -> Network:
    give_way()
    # OpenMP's threads would spin while they wait, on cores that the face needs
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from visavis.engines.tts.speecht5_network import Network, best_device

    model, vocoder = hub.found(settings.speecht5_model), hub.found(settings.speecht5_vocoder)
    assert model is not None
    assert vocoder is not None
    device = best_device() if settings.speecht5_device == "auto" else settings.speecht5_device
    try:
        return Network(model, vocoder, device, settings.threads or min(cores(), _THREADS))
    except Exception as error:  # Transformers and PyTorch throw what they like
        remedy = "set speecht5_device=cpu, or fetch the model again"
        raise EngineUnavailable(f"SpeechT5 cannot be loaded on {device}: {_brief(error)} ({remedy})") from None


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
