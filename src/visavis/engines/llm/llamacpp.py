"""llama.cpp in this process: any GGUF chat model, answers offline.

Each conversation has a slot of llama.cpp's prompt cache to itself, so that one whose history only grows costs its new
words each turn. A new conversation begins with a copy of another's slot, or takes over the least recently used one, and
keeps what both have in common: the system prompt.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from typing import Any, ClassVar, Self

from visavis.engines.llm.chosen import Chosen, chosen
from visavis.engines.llm.context import fit, payload
from visavis.engines.llm.gguf import Head, read_head
from visavis.engines.llm.load import load, remedy
from visavis.engines.llm.pushed import pushed
from visavis.engines.llm.slots import Door, Slots
from visavis.engines.llm.smollm import MODEL, faster, with_examples
from visavis.engines.llm.thoughts import Thoughts
from visavis.engines.protocols import Availability, Delta, EngineInfo, Message, Sampling
from visavis.errors import BadInput, EngineFailed, EngineUnavailable
from visavis.machine import memory, release
from visavis.settings import Settings, load_settings
from visavis.streams.flow import Stream
from visavis.streams.priority import give_way

SLOTS = 4
"""Conversations whose prompts are kept, and answers made at the same time; further ones wait."""
CONTEXT = 1536
"""Tokens of one conversation and its answer at least, as llama.cpp counts them; 23 kB of memory each for SmolLM2."""
WINDOW = 1100
"""Tokens of one conversation in that, as `context` estimates them; beyond it the oldest turns are left out."""

_LONGEST = 4096
"""Tokens that a better model may have: some twenty minutes of talk, which take seconds to read again."""
_SHARE = 16
"""Of the machine's memory, the part that conversations may take."""
_MANY = 100_000
"""Tokens of a vocabulary that is made for many languages."""
_log = logging.getLogger(__name__)


class LlamaCpp:
    """A GGUF model on the processor, or on the graphics card where the installed xllamacpp is built for it."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="llamacpp",
        slot="llm",
        summary="llama.cpp in this process, with SmolLM2 135M, a model that was pulled, or a GGUF file of yours",
        licence="MIT AND Apache-2.0",
        languages=("en",),
        rank=10,
        weights=(MODEL,),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._chosen: Chosen | None = None
        self._context, self._other = CONTEXT, 1
        self._server: Any = None  # xllamacpp.Server, which has no types
        self._pool = ThreadPoolExecutor(SLOTS, thread_name_prefix="llamacpp", initializer=give_way)
        self._slots = Slots(SLOTS)
        self._door: Door | None = None
        self._asked = 0

    @property
    def model_name(self) -> str:
        """As OpenAI's list of models shows it."""
        return (self._chosen or chosen(self._settings)).name

    @classmethod
    def availability(cls) -> Availability:
        """Whether xllamacpp and a model are there; which languages it knows follows from the model."""
        if importlib.util.find_spec("xllamacpp") is None:
            return Availability(False, "xllamacpp is not installed", "pip install xllamacpp")
        model = chosen(load_settings())
        info = cls.info if model.embedded else _info(cls.info, model)
        return Availability(not model.fault, model.fault, model.remedy if model.fault else "", info)

    async def __aenter__(self) -> Self:
        model = chosen(self._settings)
        if model.fault:
            raise EngineUnavailable(f"{model.fault}: {model.remedy}")
        file, loop = model.file, asyncio.get_running_loop()
        if model.embedded:
            file = await loop.run_in_executor(self._pool, faster, file)
        else:
            head = await loop.run_in_executor(self._pool, _head, model)
            self._context, self._other = _context(head), 2 if head.vocabulary > _MANY else 1
        self._chosen, self._door = model, Door()
        try:
            parameters = (file, self._settings.threads, self._context, SLOTS, self._door)
            self._server = await loop.run_in_executor(self._pool, load, model, *parameters)
        except BaseException:
            self._door.close()
            raise
        if prompt := self._settings.system_prompt:
            greeting = [Message("system", prompt), Message("user", "Hi")]
            async with aclosing(self.complete(greeting, Sampling(max_tokens=1))) as reading:
                async for _ in reading:
                    pass
            self._slots.forget()  # the first conversation finds its system prompt read
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server = None  # tells the answers under way to stop; the last one drops it
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        if self._door is not None:
            self._door.close()
        await asyncio.to_thread(release)

    async def complete(self, messages: Sequence[Message], options: Sampling) -> Stream[Delta]:
        """The answer as it is made; closing the stream ends the work within one token.

        Raises `BadInput` for a question that does not fit, `EngineFailed` if llama.cpp refuses it.
        """
        self._asked += 1
        sent = self._fit(messages)
        finished, said, thoughts = False, "", Thoughts()
        with self._slots.take(options.session) as slot:
            request = self._request(sent, options, slot.id)

            def answer(push: Callable[[dict[str, Any]], bool]) -> None:
                if (server := self._server) is None:
                    return  # the engine was left while this waited for a thread
                try:
                    if slot.like is not None and self._door is not None:
                        self._door.copy(server.listening_address, slot.like, slot.id)
                    server.handle_chat_completions(request, lambda chunk: push(chunk) or self._server is None)
                except Exception as error:  # what llama.cpp throws has no type of its own
                    raise EngineFailed("llm", self.info.name, str(error)) from None

            async with aclosing(pushed(self._pool, answer)) as chunks:
                async for chunk in chunks:
                    delta = _delta(chunk)
                    heard = thoughts.said(delta.text) + (thoughts.rest() if delta.finish else "")
                    delta = Delta(heard, delta.finish)
                    finished, said = delta.finish is not None, said + delta.text
                    if delta.text or delta.finish:
                        yield delta
        if not finished:
            raise EngineFailed("llm", self.info.name, "the answer broke off; ask again")
        following = self._fit([*messages, Message("assistant", said), Message("user", "")])
        if len(following) < len(sent) and self._server is not None:
            self._read_ahead(following, slot.id)

    async def prime(self, messages: Sequence[Message], session: str) -> None:
        """Read a conversation's beginning, or a question as far as it was spoken; then what follows costs its own words
        only."""
        beginning = [*messages] if messages[-1].role == "user" else [*messages, Message("user", "Hello.")]
        async with aclosing(self.complete(beginning, Sampling(max_tokens=1, session=session))) as words:
            async for _ in words:
                pass

    def _fit(self, messages: Sequence[Message]) -> list[Message]:
        """What of the messages is sent. The answer needs its room, and has half of it at most."""
        answer = min(self._settings.max_tokens, self._context // 2)
        window = WINDOW if self._context == CONTEXT else self._context - max(answer, CONTEXT - WINDOW)
        return fit(messages, window, self._other)

    def _read_ahead(self, messages: Sequence[Message], slot: int) -> None:
        """Read a prompt while the answer is being spoken: after a cut in the history it would take seconds."""
        asked, request = self._asked, self._request(messages, Sampling(max_tokens=1), slot)

        def unwanted(chunk: dict[str, Any]) -> bool:
            _log_timings(chunk)
            return self._asked != asked or self._server is None

        def read() -> None:
            if (server := self._server) is not None:
                server.handle_chat_completions(request, unwanted)

        self._pool.submit(read)

    def _request(self, messages: Sequence[Message], options: Sampling, slot: int) -> dict[str, Any]:
        if self._chosen is not None and self._chosen.embedded:
            messages = with_examples(messages)
        return {
            "messages": payload(messages),
            "id_slot": slot,
            "stream": True,
            "return_progress": True,  # a chunk after each step of the prompt, so that it can be given up
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "top_p": options.top_p,
            "stop": list(options.stop),
            # small models fall into loops; a plain repeat penalty would also forbid them the examples' words
            "dry_multiplier": 0.8,
            "dry_allowed_length": 5,
            "dry_penalty_last_n": 96,
            # llama.cpp searches its whole vocabulary for each of them, 15 ms before every answer
            "dry_sequence_breakers": ["\n"],
            "samplers": ["dry", "top_k", "top_p", "temperature"],
            "chat_template_kwargs": {"enable_thinking": False},  # a person is waiting
        }


def _info(info: EngineInfo, model: Chosen) -> EngineInfo:
    """What the engine is with another model than its own."""
    summary = f"llama.cpp in this process, with {model.title}"
    languages, commercial = (
        ((), True) if model.entry is None else (model.entry.languages, not model.entry.non_commercial)
    )
    licence = f"MIT AND {model.entry.licence if model.entry else 'LicenseRef-unknown'}"
    return replace(info, summary=summary, licence=licence, languages=languages, commercial=commercial, weights=())


def _head(model: Chosen) -> Head:
    """A model's measures. Raises `EngineUnavailable` for a file that is damaged, or something else."""
    try:
        return read_head(model.file)
    except OSError as error:
        raise EngineUnavailable(f"cannot read the language model {model.file}: {error.strerror}") from None
    except ValueError as error:
        raise EngineUnavailable(f"{model.file} is {error}; {remedy(model)}") from None


def _context(head: Head) -> int:
    """Tokens of one conversation and its answer, as this machine's memory and the model's training allow."""
    affordable = memory() // _SHARE // SLOTS // head.token_bytes if head.token_bytes else CONTEXT
    tokens = max(CONTEXT, min(affordable // 256 * 256, _LONGEST))
    return min(tokens, head.trained or tokens)


def _delta(chunk: dict[str, Any]) -> Delta:
    """A chunk of the OpenAI format, as llama.cpp fills it."""
    if "error" in chunk:
        error = chunk["error"]
        if error.get("type") == "exceed_context_size_error":
            fitting, given = error.get("n_ctx", CONTEXT), error.get("n_prompt_tokens", 0)
            raise BadInput(f"the question is too long: {given} tokens, and {fitting} fit; shorten it")
        raise EngineFailed("llm", LlamaCpp.info.name, str(error.get("message", error)))
    _log_timings(chunk)
    choice = chunk["choices"][0]
    finish = choice.get("finish_reason")
    return Delta(
        choice["delta"].get("content") or "", None if finish is None else "length" if finish == "length" else "stop"
    )


def _log_timings(chunk: dict[str, Any]) -> None:
    """What an answer cost, which its last chunk says."""
    if timings := chunk.get("timings"):
        _log.debug(
            "%d prompt tokens, %d of them known; %d answered, %.0f a second",
            timings["cache_n"] + timings["prompt_n"],
            timings["cache_n"],
            timings["predicted_n"],
            timings["predicted_per_second"],
        )
