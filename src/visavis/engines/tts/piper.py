"""Piper: natural voices in many languages, fast on any machine, with the times of their phones.

Each voice is a model of its own, which is pulled. Piper itself is GPL-3, and speaks in a process of its own.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import ClassVar, Self

from visavis.engines.child import Child
from visavis.engines.protocols import Availability, EngineInfo, Voice
from visavis.engines.tts.voiced import Sound, to_sound, voiced
from visavis.engines.voices import chosen
from visavis.errors import EngineFailed, EngineUnavailable
from visavis.media.speech import Line, Speech
from visavis.settings import Settings, cores, load_settings
from visavis.streams.flow import Stream
from visavis.weights.models import Model, installed, models_of

_FIRST, _LONGEST = 60, 160
"""Characters of a line's first piece and of the others, at most: each is made as a whole before it is heard."""
_THREADS = 4
"""At most: more do not help."""
_RATE = 22_050
"""Hertz, of nearly all voices."""
_ANSWER, _LEAVE = 60.0, 2.0
"""Seconds the process may take to answer a request, a voice's loading included, and to end."""
_INSTALL = "pip install 'visavis[piper]'"


@dataclass(frozen=True, slots=True)
class _Here:
    """A voice that is on this machine: a model's, or a speaker's of a model."""

    voice: Voice
    """Called as its file, as in de_DE-thorsten-medium; of several speakers, the name of this one stands behind."""
    speaker: int | None
    model: Model
    file: Path


class Piper:
    """Speaks with those of Piper's voices that are on this machine."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="piper",
        slot="tts",
        summary="Piper: natural voices in many languages, fast, with exact phone times (in a process of its own)",
        licence="GPL-3.0-or-later",
        languages=tuple(dict.fromkeys(tag.split("-")[0] for m in models_of("tts", "piper") for tag in m.languages)),
        rank=30,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: Child | None = None

    @classmethod
    def availability(cls) -> Availability:
        """Ready where the library and one of its voices are; which languages it knows follows from the voices."""
        settings = load_settings()
        if importlib.util.find_spec("piper") is None:
            return Availability(False, "piper-tts is not installed", f"{_INSTALL} && {_pull(settings)}")
        here = _here(settings)
        if not here:
            return Availability(False, "no voice of it is on this machine", _pull(settings))
        licences = tuple(dict.fromkeys([cls.info.licence, *(each.model.licence for each in here)]))
        info = replace(
            cls.info,
            languages=tuple(dict.fromkeys(each.voice.language.split("-")[0] for each in here)),
            licence=" AND ".join(licences),
            commercial=not any(each.model.non_commercial for each in here),
        )
        return Availability(True, info=info)

    async def __aenter__(self) -> Self:
        voices = self.voices()
        if not voices:
            remedy = _pull(self._settings)
            raise EngineUnavailable(f"tts engine 'piper' cannot run here: no voice of it is here ({remedy})")
        threads = self._settings.threads or min(cores(), _THREADS)
        self._process = Child("visavis.engines.tts.piper_process", "tts", "piper", [str(threads)], patient=True)
        try:
            await self._process.start()
            usual = next((v for v in voices if v.name == self._settings.voice), None)
            usual = usual or next((v for v in voices if _base(v) == _base(self._settings)), voices[0])
            await self._say(usual, "A.", ["A"], 1.0)  # what is loaded, is heard at once
        except EngineFailed as error:
            await self.__aexit__()
            raise EngineUnavailable(f"Piper cannot speak: {error}") from None
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.stop(_LEAVE)

    def voices(self) -> Sequence[Voice]:
        """A voice for each model that is here, those of the settings' language first."""
        return [each.voice for each in _here(self._settings)]

    async def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        """The line at the voice's rate, clause by clause; without a `voice` the line's language chooses it."""
        said_by = chosen("piper", self.voices(), line.language, voice)
        if self._process is None:
            raise EngineFailed("tts", "piper", "used before it was entered")

        async def say(text: str, words: Sequence[str]) -> Sound:
            return await self._say(said_by, text, words, line.speed)

        async with aclosing(voiced(line, _RATE, _FIRST, _LONGEST, say)) as pieces:
            async for speech in pieces:
                yield speech

    async def _say(self, voice: Voice, text: str, words: Sequence[str], speed: float) -> Sound:
        assert self._process is not None
        here = next((each for each in _here(self._settings) if each.voice.name == voice.name), None)
        if here is None:
            raise EngineFailed("tts", "piper", f"the voice '{voice.name}' was taken away meanwhile")
        about = {"model": str(here.file), "speaker": here.speaker}
        request = {**about, "text": text, "words": words, "speed": speed}
        return to_sound(*await self._process.ask(request, within=_ANSWER))


def _base(of: Voice | Settings) -> str:
    return of.language.split("-")[0].lower()


def _allowed(settings: Settings) -> list[Model]:
    """The models that may be used, the best first; before them, those of the settings' language."""
    every = [m for m in models_of("tts", "piper") if not (m.non_commercial and settings.commercial_only)]
    return sorted(every, key=lambda m: _base(settings) not in (tag.split("-")[0] for tag in m.languages))


def _pull(settings: Settings) -> str:
    """What to type for a voice of the language, or of another."""
    return f"visavis models pull {_allowed(settings)[0].name}"


def _here(settings: Settings) -> list[_Here]:
    found: list[_Here] = []
    for model in _allowed(settings):
        root = installed(model.name)
        file = None if root is None else next(iter(sorted(root.rglob("*.onnx"))), None)
        if file is not None and Path(f"{file}.json").is_file():
            language = file.stem.split("-")[0].replace("_", "-")
            for name, speaker in _speakers(Path(f"{file}.json")).items() or [("", None)]:
                voice = Voice(f"{file.stem}-{name}" if name else file.stem, language, model.purpose)
                found.append(_Here(voice, speaker, model, file))
    return found


@cache
def _speakers(config: Path) -> dict[str, int]:
    """The speakers of a model with several, and their numbers."""
    try:
        about = json.loads(config.read_text("utf-8"))
        return (
            {name: int(number) for name, number in about["speaker_id_map"].items()} if about["num_speakers"] > 1 else {}
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
