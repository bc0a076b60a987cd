"""Kokoro: the most natural voices that a small machine can make, in six languages, with the times of their phones.

The model is pulled. Its phonemizer is GPL-3, so it speaks in a process of its own.
"""

from __future__ import annotations

import importlib.util
import zipfile
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import ClassVar, Self

from visavis.engines.child import Child
from visavis.engines.protocols import Availability, EngineInfo, Voice
from visavis.engines.tts.voiced import Sound, to_sound, voiced
from visavis.engines.voices import chosen
from visavis.errors import EngineFailed, EngineUnavailable
from visavis.media.speech import Line, Speech
from visavis.settings import Settings, cores
from visavis.streams.flow import Stream
from visavis.weights.models import installed, models_of

_FIRST, _LONGEST = 40, 110
"""Characters of a line's first piece and of the others, at most: each is made as a whole before it is heard."""
_THREADS = 8
"""At most: more do not help."""
_RATE = 24_000
"""Hertz."""
_ANSWER, _LEAVE = 60.0, 2.0
"""Seconds the process may take to answer a request, and to end."""
_LANGUAGES = {
    "a": ("en-US", "en-us", "English, American"), "b": ("en-GB", "en-gb", "English, British"),
    "e": ("es", "es", "Spanish"), "f": ("fr-FR", "fr-fr", "French"), "h": ("hi", "hi", "Hindi"),
    "i": ("it", "it", "Italian"), "p": ("pt-BR", "pt-br", "Portuguese, Brazilian"),
}  # fmt: skip
"""A voice's first letter: its language, espeak-ng's name of that, and in words. Japanese (j) and Chinese (z) need
phonemizers of their own."""
_KINDS = {"f": "a woman", "m": "a man"}
"""The second letter."""
_USUAL = "af_heart"
"""The best one, to its makers."""


class Kokoro:
    """Speaks with Kokoro's voices."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="kokoro",
        slot="tts",
        summary="Kokoro: the most natural voices, with exact phone times (in a process of its own)",
        licence="Apache-2.0 AND MIT AND GPL-3.0-or-later",
        languages=tuple(dict.fromkeys(tag.split("-")[0] for tag, _, _ in _LANGUAGES.values())),
        rank=40,
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process: Child | None = None

    @classmethod
    def availability(cls) -> Availability:
        """Ready where the library and the model are; which languages it knows follows from the voices."""
        pull = f"visavis models pull {models_of('tts', 'kokoro')[0].name}"
        if importlib.util.find_spec("kokoro_onnx") is None:
            return Availability(False, "kokoro-onnx is not installed", f"pip install 'visavis[kokoro]' && {pull}")
        if not (voices := _voices()):
            return Availability(False, "its model is not on this machine", pull)
        languages = tuple(dict.fromkeys(voice.language.split("-")[0] for voice in voices))
        return Availability(True, info=replace(cls.info, languages=languages))

    async def __aenter__(self) -> Self:
        if (files := _files()) is None or not (voices := self.voices()):
            there = self.availability()
            raise EngineUnavailable(f"tts engine 'kokoro' cannot run here: {there.reason} ({there.remedy})")
        threads = self._settings.threads or min(cores(), _THREADS)
        arguments = [*map(str, files), str(threads)]
        self._process = Child("visavis.engines.tts.kokoro_process", "tts", "kokoro", arguments, patient=True)
        try:
            await self._process.start()
            await self._say(voices[0], "Hi.", ["Hi"], 1.0)
        except EngineFailed as error:
            await self.__aexit__()
            raise EngineUnavailable(f"Kokoro cannot speak: {error}") from None
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        process, self._process = self._process, None
        if process is not None:
            await process.stop(_LEAVE)

    def voices(self) -> Sequence[Voice]:
        """Those of the file of voices, the best one first."""
        return _voices()

    async def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        """The line at 24 kHz, clause by clause; without a `voice` the line's language chooses it."""
        said_by = chosen("kokoro", self.voices(), line.language, voice)
        if self._process is None:
            raise EngineFailed("tts", "kokoro", "used before it was entered")

        async def say(text: str, words: Sequence[str]) -> Sound:
            return await self._say(said_by, text, words, line.speed)

        async with aclosing(voiced(line, _RATE, _FIRST, _LONGEST, say)) as pieces:
            async for speech in pieces:
                yield speech

    async def _say(self, voice: Voice, text: str, words: Sequence[str], speed: float) -> Sound:
        assert self._process is not None
        about = {"voice": voice.name, "language": _LANGUAGES[voice.name[0]][1]}
        return to_sound(
            *await self._process.ask({**about, "text": text, "words": words, "speed": speed}, within=_ANSWER)
        )


def _files() -> tuple[Path, Path] | None:
    """The model and its voices, if they are here."""
    for model in models_of("tts", "kokoro"):
        if (root := installed(model.name)) is not None:
            graph, voices = next(root.rglob("*.onnx"), None), next(root.rglob("voices*"), None)
            if graph is not None and voices is not None:
                return graph, voices
    return None


def _voices() -> list[Voice]:
    files = _files()
    return [] if files is None else _named(files[1], files[1].stat().st_mtime_ns)


@cache
def _named(file: Path, changed: int) -> list[Voice]:
    """The voices in a file, of languages that it can be had in."""
    del changed  # another file of the same name has other voices
    try:
        with zipfile.ZipFile(file) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile):
        return []
    known = sorted((name for name in names if name[:1] in _LANGUAGES), key=lambda name: (name != _USUAL, name))
    return [
        Voice(name, _LANGUAGES[name[0]][0], f"{_LANGUAGES[name[0]][2]}, {_KINDS.get(name[1:2], 'a voice')}")
        for name in known
    ]
