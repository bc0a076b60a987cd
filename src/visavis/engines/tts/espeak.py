"""espeak-ng: many languages on any machine, phone times from its own events, in a worker process of its own."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Self

import numpy as np

from visavis.engines.child import Child
from visavis.engines.protocols import Availability, EngineInfo, Voice
from visavis.engines.tts.pieces import LEVEL, PAUSE, Script, Token, clauses, keep, piece, script, tail, timed_words
from visavis.engines.voices import named
from visavis.errors import BadInput, EngineFailed
from visavis.media.audio import Audio
from visavis.media.phones import is_vowel
from visavis.media.speech import Line, Phone, Speech
from visavis.settings import Settings
from visavis.streams.flow import Stream

_PACE = 165
"""Words a minute at speed 1: a little under espeak's own 175."""
_PITCH = 45
"""Of 0…99; espeak's own is 50."""
_LEVEL = 0.106
"""espeak's own, as `LEVEL`; measured, its languages differ by 15 % at most."""
_LONGEST = 200
"""Characters in one request: about 15 ms of work."""
_LONGEST_WORD = 100
_QUOTES = frozenset('"“”„«»')
"""espeak would pause at them."""
_ANSWER, _LEAVE = 10.0, 2.0
"""Seconds the process may take to answer a request, and to end."""

_VOICES = {
    "en-us": ("en-US", "English, American"), "en-gb": ("en-GB", "English, British"),
    "en-gb-scotland": ("en-GB-scotland", "English, Scottish"), "en-gb-x-rp": ("en-GB-x-rp", "English, received"),
    "af": ("af", "Afrikaans"), "ar": ("ar", "Arabic"), "bg": ("bg", "Bulgarian"), "bn": ("bn", "Bengali"),
    "bs": ("bs", "Bosnian"), "ca": ("ca", "Catalan"), "cmn": ("zh", "Chinese, Mandarin"), "cs": ("cs", "Czech"),
    "cy": ("cy", "Welsh"), "da": ("da", "Danish"), "de": ("de", "German"), "el": ("el", "Greek"),
    "eo": ("eo", "Esperanto"), "es": ("es-ES", "Spanish, of Spain"), "es-419": ("es-419", "Spanish, Latin American"),
    "et": ("et", "Estonian"), "eu": ("eu", "Basque"), "fa": ("fa", "Persian"), "fi": ("fi", "Finnish"),
    "fr-fr": ("fr-FR", "French, of France"), "fr-be": ("fr-BE", "French, Belgian"), "fr-ch": ("fr-CH", "French, Swiss"),
    "ga": ("ga", "Irish"), "gu": ("gu", "Gujarati"), "hi": ("hi", "Hindi"), "hr": ("hr", "Croatian"),
    "hu": ("hu", "Hungarian"), "hy": ("hy", "Armenian"), "id": ("id", "Indonesian"), "is": ("is", "Icelandic"),
    "it": ("it", "Italian"), "ka": ("ka", "Georgian"), "kk": ("kk", "Kazakh"), "kn": ("kn", "Kannada"),
    "ko": ("ko", "Korean"), "la": ("la", "Latin"), "lt": ("lt", "Lithuanian"), "lv": ("lv", "Latvian"),
    "mk": ("mk", "Macedonian"), "ml": ("ml", "Malayalam"), "mr": ("mr", "Marathi"), "ms": ("ms", "Malay"),
    "nb": ("nb", "Norwegian"), "ne": ("ne", "Nepali"), "nl": ("nl", "Dutch"), "pa": ("pa", "Punjabi"),
    "pl": ("pl", "Polish"), "pt-br": ("pt-BR", "Portuguese, Brazilian"), "pt": ("pt-PT", "Portuguese, of Portugal"),
    "ro": ("ro", "Romanian"), "ru": ("ru", "Russian"), "sk": ("sk", "Slovak"), "sl": ("sl", "Slovenian"),
    "sq": ("sq", "Albanian"), "sr": ("sr", "Serbian"), "sv": ("sv", "Swedish"), "sw": ("sw", "Swahili"),
    "ta": ("ta", "Tamil"), "te": ("te", "Telugu"), "tr": ("tr", "Turkish"), "uk": ("uk", "Ukrainian"),
    "ur": ("ur", "Urdu"), "vi": ("vi", "Vietnamese"), "yue": ("yue", "Chinese, Cantonese"),
}  # fmt: skip
"""espeak's name of a voice: its language, and in words. The first of a language is that language's default."""
_SAME = {"cmn": "zh", "no": "nb", "in": "id"}


class Espeak:
    """Speaks many languages with espeak-ng's formant voices."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="espeak",
        slot="tts",
        summary=f"{len(_VOICES)} voices in many languages, everywhere (espeak-ng in a process of its own)",
        licence="GPL-3.0-or-later",
        languages=tuple(dict.fromkeys(language.split("-")[0] for language, _ in _VOICES.values())),
        rank=10,
    )

    def __init__(self, settings: Settings) -> None:
        self._process: Child | None = None

    @classmethod
    def availability(cls) -> Availability:
        """Ready where the espeakng-loader wheel is installed."""
        if importlib.util.find_spec("espeakng_loader") is not None:
            return Availability(True)
        return Availability(False, "espeakng-loader is not installed", "pip install espeakng-loader")

    async def __aenter__(self) -> Self:
        self._process = Child("visavis.engines.tts.espeak_process", "tts", "espeak")
        await self._process.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._process is not None:
            await self._process.stop(_LEAVE)
            self._process = None

    def voices(self) -> Sequence[Voice]:
        """A voice or more for each language; en-us is the default."""
        return [Voice(name, language, description) for name, (language, description) in _VOICES.items()]

    async def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        """The line at 22.05 kHz, a piece for each clause; without a `voice` the line's language chooses it."""
        name = choose_voice(line.language, voice)
        if self._process is None:
            raise EngineFailed("tts", "espeak", "used before it was entered")
        readings = [script(run) for run in clauses(tokenize(line.text), _LONGEST)]
        readings = [reading for reading in readings if reading.words]
        if not readings:
            nothing = round(PAUSE * 22050)
            yield Speech(Audio.silence(nothing, 22050), line, (), (Phone("", 0, nothing),))
        for reading in readings:
            last = reading is readings[-1]
            request = {"text": reading.text, "voice": name, "pace": round(_PACE * line.speed), "pitch": _PITCH}
            head, body = await self._process.ask(request, within=_ANSWER)
            answer = _Answer(
                Audio.from_int16(np.frombuffer(body, np.int16), head["rate"]), head["phones"], head["words"]
            )
            pause = tail(reading.text) or (PAUSE if last else 0.0)
            yield _speech(line, reading, answer, pause, last)


def choose_voice(language: str, voice: str | None) -> str:
    """The voice named, or the first that speaks `language` (BCP 47); `BadInput` if there is none."""
    wanted = language.lower()
    primary = _SAME.get(wanted.split("-")[0], wanted.split("-")[0])
    if voice is not None:
        if (name := named(voice, _VOICES)) is None:
            raise BadInput(f"espeak has no voice '{voice}'; choose one of: {', '.join(_VOICES)}")
        if _VOICES[name][0].split("-")[0] != primary:
            raise BadInput(f"espeak's voice '{name}' speaks {_VOICES[name][1]}, not '{language}'")
        return name
    exact = (name for name, (tag, _) in _VOICES.items() if wanted in (tag.lower(), name))
    near = (name for name, (tag, _) in _VOICES.items() if tag.split("-")[0] == primary)
    chosen = next(exact, None) or next(near, None)
    if chosen is None:
        raise BadInput(f"espeak does not speak '{language}'; it has: {', '.join(Espeak.info.languages)}")
    return chosen


def tokenize(text: str) -> list[Token]:
    """The written words of `text`; scripts without spaces are cut at their punctuation."""
    text = re.sub(rf"([。，、；：！？])|(\w{{{_LONGEST_WORD}}})(?=\w)", r"\1\2 ", text)
    tokens = []
    for written in text.split():
        spelled = "".join(c for c in written if c.isprintable() and c not in _QUOTES)
        tokens.append(Token(written, re.sub(r"^[-–—]+$", ",", spelled)))
    return tokens


def to_ipa(symbol: str) -> tuple[str, ...]:
    """espeak's phone as plain IPA, without stress, length and tone: usually one, two where it writes ɔːɹ as one."""
    letters = ""
    for c in unicodedata.normalize("NFD", symbol):
        if c == "\N{COMBINING CEDILLA}":
            letters = letters[:-1] + "ç"
        elif unicodedata.category(c) in ("Ll", "Lo"):
            letters += "ɡ" if c == "g" else c
    if len(letters) > 1 and is_vowel(letters) and letters[-1] in "ɹrlnmŋ":
        return letters[:-1], letters[-1]
    return (letters,)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the process said, as in its protocol."""

    audio: Audio
    phones: Sequence[tuple[str, int]]
    words: Sequence[tuple[int, int]]


def _speech(line: Line, reading: Script, answer: _Answer, pause: float, last: bool) -> Speech:
    rate = answer.audio.rate
    phones: list[Phone] = []
    owners: list[int] = []
    if answer.phones and answer.phones[0][1] > 0:
        phones.append(Phone("", 0, answer.phones[0][1]))
        owners.append(0)
    ends = [begin for _, begin in answer.phones[1:]] + [len(answer.audio)]
    firsts = [first for _, first in answer.words]
    for i, ((symbol, begin), end) in enumerate(zip(answer.phones, ends, strict=True)):
        if end <= begin or symbol.startswith("("):  # "(en)" tells a change of language
            continue
        parts = to_ipa(symbol)
        edges = [begin + (end - begin) * k // len(parts) for k in range(len(parts) + 1)]
        phones += [Phone(part, *edge) for part, edge in zip(parts, pairwise(edges), strict=True)]
        word = bisect_right(firsts, i) - 1
        owners += [reading.word_before(answer.words[word][0]) if word >= 0 else 0] * len(parts)
    words = timed_words(reading, phones, owners)
    span = keep(phones, rate, pause)
    return piece(line, answer.audio.samples, rate, phones, words, span, last, LEVEL / _LEVEL)
