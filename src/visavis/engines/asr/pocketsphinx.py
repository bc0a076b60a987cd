"""PocketSphinx: English speech to text while it is spoken, with word times, from a wheel that brings its own model.

A decoder is a big thing (90 MB, half a second to make), so few are live and they are used again, in a process of their
own. The carry of an utterance holds its sound: whoever finds no live decoder replays it and comes to the same words.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from visavis.engines.child import Child
from visavis.engines.live import LiveStates
from visavis.engines.protocols import Availability, Carry, EngineInfo, Recognition, Transcript
from visavis.errors import BadInput, EngineFailed
from visavis.media.audio import Audio
from visavis.media.speech import Word
from visavis.settings import Settings

RATE = 16_000
"""Hertz."""
_MODULE = "visavis.engines.asr.pocketsphinx_process"
_LIVE = 2
"""Utterances whose decoders are kept between calls; with the one at work there are at most three."""
_PASSAGE, _LONGEST_PASSAGE = 8 * RATE, 15 * RATE
"""Samples after which a long utterance is settled so far: at the next silence, and at the latest."""
_ANSWER, _LEAVE = 20.0, 2.0
"""Seconds the process may take to answer, and to end."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """An utterance so far: what is settled of it, and the sound after that, chunk by chunk (16-bit samples)."""

    settled: tuple[Word, ...] = ()
    offset: int = 0
    """Samples of the utterance before `chunks`."""
    mean: str = ""
    """The cepstral mean the decoder had adapted to before `chunks`; '' is where it begins."""
    chunks: tuple[bytes, ...] = ()

    @property
    def samples(self) -> int:
        """In `chunks`."""
        return sum(map(len, self.chunks)) // 2


class PocketSphinx:
    """Recognises English with PocketSphinx's own acoustic and language model."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="pocketsphinx",
        slot="asr",
        summary="small offline recogniser of English: good for clear, short questions",
        licence="BSD-2-Clause AND MIT",
        languages=("en",),
        rank=10,
    )

    def __init__(self, settings: Settings) -> None:
        self._child: Child | None = None
        self._made = 0
        self._free: list[_Decoder] = []
        self._live: LiveStates[_Decoder] = LiveStates(_LIVE, drop=self._free.append)
        self._turn = asyncio.Lock()

    @classmethod
    def availability(cls) -> Availability:
        """Ready where the wheel is installed."""
        if importlib.util.find_spec("pocketsphinx") is not None:
            return Availability(True)
        if sys.version_info[:2] == (3, 12):
            remedy = "type your questions, or use Python 3.11 or 3.13"
            return Availability(False, "PocketSphinx has no wheel for Python 3.12", remedy)
        return Availability(False, "pocketsphinx is not installed", "pip install pocketsphinx")

    async def __aenter__(self) -> Self:
        self._child = Child(_MODULE, "asr", "pocketsphinx", patient=True)
        await self._child.start()
        self._free.append(_Decoder(self._child, 0))
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._child is not None:
            await self._child.stop(_LEAVE)
            self._child = None
        self._live.clear()
        self._free.clear()

    async def recognize(
        self, chunk: Audio, carry: Carry | None, options: Recognition, final: bool
    ) -> tuple[Transcript, Carry]:
        """The words so far. A long utterance is settled passage by passage; its words stay in the transcript."""
        if options.language.split("-")[0].lower() != "en":
            raise BadInput(f"PocketSphinx understands English only, not '{options.language}': type your question")
        if chunk.rate != RATE:
            raise ValueError(f"{chunk.rate} Hz: recognize takes {RATE}")
        if self._child is None:
            raise EngineFailed("asr", "pocketsphinx", "used before it was entered")
        # one call at a time: they would wait for the same process anyway, and so the decoders can be counted
        async with self._turn:
            return await self._recognize(self._child, chunk, carry, final)

    async def _recognize(
        self, child: Child, chunk: Audio, carry: Carry | None, final: bool
    ) -> tuple[Transcript, Carry]:
        heard: _Heard = carry.value if carry else _Heard()
        decoder = self._live.take(carry.id) if carry else None
        new = decoder is None or not decoder.lives
        if decoder is None or not decoder.lives:
            decoder = self._decoder(child)
        try:
            if new:
                await decoder.begin(heard.mean)
                for piece in heard.chunks:
                    await decoder.feed(piece)
            raw = chunk.to_int16().tobytes()
            words, silent = await decoder.feed(raw)
            heard = replace(heard, chunks=(*heard.chunks, raw))
            full = heard.samples >= _LONGEST_PASSAGE or (silent and heard.samples >= _PASSAGE)
            if final or full:
                words = await decoder.end()
            everything = heard.settled + _shifted(words, heard.offset)
            if final or full:
                heard = _Heard(everything, heard.offset + heard.samples, decoder.mean)
            if full and not final:
                await decoder.begin(heard.mean)
        except BaseException:
            # a cancelled step may still run: who takes the decoder next waits behind it
            self._free.append(decoder)
            raise
        transcript = Transcript(" ".join(word.text for word in everything), everything, final)
        if final:
            self._free.append(decoder)
            return transcript, Carry("", heard)
        return transcript, Carry(self._live.put(decoder), heard)

    def _decoder(self, child: Child) -> _Decoder:
        """One that is free, or a new one; those of a process that has ended are forgotten."""
        while self._free:
            if (decoder := self._free.pop()).lives:
                return decoder
        self._made += 1
        return _Decoder(child, self._made)


def _shifted(words: tuple[Word, ...], offset: int) -> tuple[Word, ...]:
    return tuple(Word(word.text, word.start + offset, word.end + offset) for word in words)


class _Decoder:
    """A decoder in the process: which one, and whether it is still there."""

    def __init__(self, child: Child, number: int) -> None:
        self.mean = ""
        """The cepstral mean it has adapted to."""
        self._child, self._number, self._started = child, number, child.started

    @property
    def lives(self) -> bool:
        """False if the process ended since."""
        return self._child.alive and self._started == self._child.started

    async def begin(self, mean: str) -> None:
        """Start an utterance with this cepstral mean, or the first one; an open utterance is forgotten."""
        await self._ask({"do": "begin", "mean": mean})
        self._started = self._child.started

    async def feed(self, raw: bytes) -> tuple[tuple[Word, ...], bool]:
        """The words so far with these 16-bit samples, and whether the last thing heard is silence."""
        return _words(await self._ask({"do": "feed"}, raw))

    async def end(self) -> tuple[Word, ...]:
        """The words of the whole utterance, after a search for the best path through all that was considered."""
        return _words(await self._ask({"do": "end"}))[0]

    async def _ask(self, request: dict[str, Any], body: bytes = b"") -> dict[str, Any]:
        answer, _ = await self._child.ask({**request, "decoder": self._number}, body, within=_ANSWER)
        self.mean = answer.get("mean", "")
        return answer


def _words(answer: dict[str, Any]) -> tuple[tuple[Word, ...], bool]:
    return tuple(Word(*word) for word in answer["words"]), answer["silent"]
