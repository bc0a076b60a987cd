"""A line said by a network in another process: run by run, with the times of its phones where it tells them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visavis.engines.tts.espeak import tokenize
from visavis.engines.tts.pieces import (
    LEAD,
    PAUSE,
    Script,
    Token,
    ended,
    heard,
    keep,
    louder,
    piece,
    runs,
    script,
    tail,
    timed_words,
)
from visavis.engines.tts.spread import laid
from visavis.engines.tts.token_times import Spoken, phones_of
from visavis.media.audio import Audio
from visavis.media.speech import Line, Phone, Speech, Word
from visavis.streams.flow import Stream


@dataclass(frozen=True, slots=True)
class Sound:
    """What a network said."""

    samples: NDArray[np.float32]
    """(n,)"""
    rate: int
    symbols: Sequence[Spoken]
    """What it spoke, one after the other; none where it does not tell."""
    ipa: bool
    """Whether those are sounds; else letters, which tell the words' times alone."""


def to_sound(head: Mapping[str, Any], body: bytes) -> Sound:
    """A process's answer: `rate`, `symbols` as (symbol, start, end, word), whether these are `ipa`, float32 samples."""
    samples = np.nan_to_num(np.frombuffer(body, np.float32)).clip(-1.0, 1.0)
    return Sound(samples, head["rate"], [Spoken(*each) for each in head["symbols"]], head["ipa"])


async def voiced(
    line: Line, rate: int, first: int, longest: int, say: Callable[[str, Sequence[str]], Awaitable[Sound]]
) -> Stream[Speech]:
    """The line in runs of at most `first` and then `longest` characters; `say` takes a run's text, and its words.

    `rate` is that of a line without any word, which is silent.
    """
    readings = [script(run) for run in runs(_tokens(line.text), first, longest)]
    readings = [reading for reading in readings if reading.words]
    if not readings:
        nothing = round(PAUSE * rate)
        yield Speech(Audio.silence(nothing, rate), line, (), (Phone("", 0, nothing),))
    for reading in readings:
        last = reading is readings[-1]
        words = [reading.text[begin:end].strip(" ,;:.!?…") for begin, end in pairwise((*reading.starts, None))]
        sound = await say(ended(reading.text, "." if last else ","), words)
        yield _speech(line, reading, sound, last)


def _tokens(text: str) -> list[Token]:
    """Written words; brackets are not read, for Piper takes what stands in two of them for phones."""
    tokens = tokenize(text)
    return [Token(token.text, token.spelled.translate({ord("["): None, ord("]"): None})) for token in tokens]


def _speech(line: Line, reading: Script, sound: Sound, last: bool) -> Speech:
    samples, rate = sound.samples, sound.rate
    pause = tail(reading.text) or (PAUSE if last else 0.0)
    begin, end, gain = heard(samples, rate)
    phones, owners = phones_of(sound.symbols, samples, rate)
    if any(phone.symbol for phone in phones):
        words = _words(reading, phones, owners)
        speech = piece(line, samples, rate, phones, words, keep(phones, rate, pause), last, gain)
        return speech if sound.ipa else replace(speech, phones=None)
    lead = min(begin, round(LEAD * rate))
    spoken = louder(samples[begin - lead : end], gain)
    whole = np.concatenate([spoken, np.zeros(round(pause * rate), np.float32)])
    return Speech(Audio(whole, rate), line, laid(reading.words, lead, len(spoken)), None, last)


def _words(reading: Script, phones: Sequence[Phone], owners: Sequence[int]) -> list[Word]:
    """All words that are written: one without any sound of its own is said with the one before it."""
    sounding = sorted({owner for phone, owner in zip(phones, owners, strict=True) if phone.symbol})
    timed = dict(zip(sounding, timed_words(reading, phones, owners), strict=True))
    word = timed[sounding[0]]
    words: list[Word] = []
    for index, text in enumerate(reading.words):
        word = timed.get(index, word)
        words.append(Word(text, word.start, word.end))
    return words
