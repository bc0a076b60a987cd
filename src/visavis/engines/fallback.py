"""An engine here that takes over while the server in its place fails: for a turn at a time, and it is said in the log.

It takes over only before anything came of the server's work: half an answer by another mind would be worse than none.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Any, Generic, Self, TypeVar

from visavis.engines.protocols import (
    Availability,
    Carry,
    Delta,
    Engine,
    LanguageModel,
    Message,
    Recognition,
    Sampling,
    Slot,
    SpeechRecognizer,
    SpeechSynthesizer,
    Transcript,
    Voice,
)
from visavis.errors import EngineFailed
from visavis.media.audio import Audio
from visavis.media.speech import Line, Speech
from visavis.streams.flow import Stream

EngineT = TypeVar("EngineT", bound=Engine)
ItemT = TypeVar("ItemT")
_log = logging.getLogger(__name__)
_STEP = 3200
"""Samples (200 ms) that a recogniser takes at once."""


class _Fallback(Generic[EngineT]):
    def __init__(self, far: EngineT, near: EngineT) -> None:
        self._far, self._near = far, near
        self.info = far.info
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._near)
            await stack.enter_async_context(self._far)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def availability(self) -> Availability:
        """The server's."""
        return self._far.availability()

    def _takes_over(self, error: EngineFailed) -> None:
        _log.warning("%s; '%s' takes over", error, self._near.info.name)

    async def _either(self, far: Stream[ItemT], near: Callable[[], Stream[ItemT]]) -> Stream[ItemT]:
        begun = False
        try:
            async with aclosing(far):
                async for item in far:
                    begun = True
                    yield item
            return
        except EngineFailed as error:
            if begun:
                raise
            self._takes_over(error)
        async with aclosing(near()) as instead:
            async for item in instead:
                yield item


@dataclass(frozen=True, slots=True)
class _Heard:
    """An utterance so far."""

    far: Carry | None = None
    """The server's, since `before`."""
    before: str = ""
    """What was settled without it."""
    settled: str = ""
    """All that was settled by the last final transcript."""
    sound: tuple[Audio, ...] = ()
    """Since that."""
    failed: bool = False
    """Whether the server did, since that: the rest is the other's."""


class FallbackRecognizer(_Fallback[SpeechRecognizer]):
    """Of a server and a recogniser here."""

    async def recognize(
        self, chunk: Audio, carry: Carry | None, options: Recognition, final: bool
    ) -> tuple[Transcript, Carry]:
        """The server's transcript; where it fails, the other's of the sound since the last final one."""
        heard: _Heard = carry.value if carry else _Heard()
        heard = replace(heard, sound=(*heard.sound, chunk))
        if not heard.failed:
            try:
                transcript, far = await self._far.recognize(chunk, heard.far, options, final)
            except EngineFailed as error:
                self._takes_over(error)
                heard = replace(heard, failed=True)
            else:
                text = _joined(heard.before, transcript.text)
                heard = replace(heard, far=far)
                heard = replace(heard, settled=text, sound=()) if final else heard
                return replace(transcript, text=text), Carry("", heard)
        if not final:
            return Transcript(heard.settled), Carry("", heard)
        text = _joined(heard.settled, await self._again(Audio.join(heard.sound), options))
        return Transcript(text, (), True), Carry("", _Heard(before=text, settled=text))

    async def _again(self, sound: Audio, options: Recognition) -> str:
        near: Carry | None = None
        for begin in range(0, max(len(sound), 1), _STEP):
            end = min(begin + _STEP, len(sound))
            transcript, near = await self._near.recognize(sound.slice(begin, end), near, options, end == len(sound))
        return transcript.text


class FallbackModel(_Fallback[LanguageModel]):
    """Of a server and a model here."""

    def complete(self, messages: Sequence[Message], options: Sampling) -> Stream[Delta]:
        """The server's answer, or the other's."""
        return self._either(self._far.complete(messages, options), lambda: self._near.complete(messages, options))


class FallbackSynthesizer(_Fallback[SpeechSynthesizer]):
    """Of a server and a voice here."""

    def voices(self) -> Sequence[Voice]:
        """The server's, and the other's."""
        return [*self._far.voices(), *self._near.voices()]

    def synthesize(self, line: Line, voice: str | None) -> Stream[Speech]:
        """The line by the server, or by the other, which speaks with its own voice where it has not the one asked."""
        here = voice if voice in {each.name for each in self._near.voices()} else None
        there = voice if voice in {each.name for each in self._far.voices()} else None
        return self._either(self._far.synthesize(line, there), lambda: self._near.synthesize(line, here))


def _joined(*texts: str) -> str:
    return " ".join(filter(None, texts))


def with_fallback(slot: Slot, far: Engine, near: Engine) -> Engine:
    """`far`, for which `near` takes over. Both are not entered yet."""
    kind: Any = {"asr": FallbackRecognizer, "llm": FallbackModel, "tts": FallbackSynthesizer}[slot]
    made: Engine = kind(far, near)
    return made
