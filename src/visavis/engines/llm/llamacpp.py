"""llama.cpp in this process: any GGUF chat model, answers offline.

Each conversation has a slot of llama.cpp's prompt cache to itself, so that one whose history only grows costs its new
words each turn. A new conversation begins with a copy of another's slot, or takes over the least recently used one, and
keeps what both have in common: the system prompt.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any, ClassVar, Self

from visavis import weights
from visavis.engines.llm.context import fit, payload
from visavis.engines.llm.pushed import pushed
from visavis.engines.llm.slots import Door, Slots
from visavis.engines.llm.smollm import MODEL, faster, with_examples
from visavis.engines.protocols import Availability, Delta, EngineInfo, Message, Sampling
from visavis.errors import BadInput, EngineFailed, EngineUnavailable
from visavis.settings import Settings, cores, load_settings
from visavis.streams.flow import Stream
from visavis.streams.priority import give_way

SLOTS = 4
"""Conversations whose prompts are kept, and answers made at the same time; further ones wait."""
CONTEXT = 1536
"""Tokens of one conversation and its answer, as llama.cpp counts them; 23 kB of memory each for SmolLM2."""
WINDOW = 1100
"""Tokens of one conversation, as `context` estimates them; beyond it the oldest turns are left out."""

_BATCH = 64  # prompt tokens a step; between two of them an answer can be given up

_log = logging.getLogger(__name__)


class LlamaCpp:
    """A GGUF model on the processor, or on the graphics card where the installed xllamacpp is built for it."""

    info: ClassVar[EngineInfo] = EngineInfo(
        name="llamacpp",
        slot="llm",
        summary="llama.cpp in this process, with SmolLM2 135M or a GGUF file of yours",
        licence="MIT AND Apache-2.0",
        languages=("en",),
        rank=10,
        weights=(MODEL,),
    )

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server: Any = None  # xllamacpp.Server, which has no types
        self._pool = ThreadPoolExecutor(SLOTS, thread_name_prefix="llamacpp", initializer=give_way)
        self._slots = Slots(SLOTS)
        self._door: Door | None = None
        self._asked = 0

    @classmethod
    def availability(cls) -> Availability:
        """Whether xllamacpp and a model are there."""
        if importlib.util.find_spec("xllamacpp") is None:
            return Availability(False, "xllamacpp is not installed", "pip install xllamacpp")
        file = load_settings().llm_file
        if file is not None and not file.is_file():
            return Availability(False, f"there is no file {file}", "set VISAVIS_LLM_FILE to a GGUF file")
        if file is None and (fault := weights.fault(MODEL)):
            return Availability(False, f"{MODEL}: {fault}", "run `visavis models pull`")
        return Availability(True)

    async def __aenter__(self) -> Self:
        file = self._settings.llm_file
        model = weights.require(MODEL) if file is None else file
        loop = asyncio.get_running_loop()
        if file is None:
            model = await loop.run_in_executor(self._pool, faster, model)
        self._door = Door()
        try:
            self._server = await loop.run_in_executor(self._pool, _load, model, self._settings.threads, self._door)
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

    async def complete(self, messages: Sequence[Message], options: Sampling) -> Stream[Delta]:
        """The answer as it is made; closing the stream ends the work within one token.

        Raises `BadInput` for a question that does not fit, `EngineFailed` if llama.cpp refuses it.
        """
        self._asked += 1
        sent = fit(messages, WINDOW)
        finished, said = False, ""
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
                    finished, said = delta.finish is not None, said + delta.text
                    if delta.text or delta.finish:
                        yield delta
        if not finished:
            raise EngineFailed("llm", self.info.name, "the answer broke off; ask again")
        following = fit([*messages, Message("assistant", said), Message("user", "")], WINDOW)
        if len(following) < len(sent) and self._server is not None:
            self._read_ahead(following, slot.id)

    async def prime(self, messages: Sequence[Message], session: str) -> None:
        """Read a conversation's beginning, or a question as far as it was spoken; then what follows costs its own words
        only."""
        beginning = [*messages] if messages[-1].role == "user" else [*messages, Message("user", "Hello.")]
        async with aclosing(self.complete(beginning, Sampling(max_tokens=1, session=session))) as words:
            async for _ in words:
                pass

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
        if self._settings.llm_file is None:
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


def _load(path: Path, threads: int, door: Door) -> Any:
    """The model of a GGUF file, ready to answer."""
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise EngineUnavailable(f"cannot read the language model {path}: {error.strerror}") from None
    if magic != b"GGUF":
        raise EngineUnavailable(f"{path} is not a GGUF file; {_remedy(path)}")
    # OpenMP's threads spin while they wait, which stalls for seconds when another process has the core
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # but one that sleeps at once pays for its waking at every layer: some 50 microseconds of patience save a fifth
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    try:
        import xllamacpp
    except ImportError as error:  # its wheel is here, or it would not have been chosen
        lack = "install Debian's libgomp1, or what your system calls it" if "libgomp" in str(error) else "reinstall it"
        raise EngineUnavailable(f"llama.cpp cannot be loaded ({error}): {lack}") from None
    try:
        return xllamacpp.Server(_parameters(path, threads, door))
    except Exception as error:
        raise EngineUnavailable(f"llama.cpp cannot load {path} ({error}); {_remedy(path)}") from None


def _remedy(path: Path) -> str:
    if path.parent == weights.folder():
        return "it is damaged: delete it and run `visavis models pull`"
    return "set VISAVIS_LLM_FILE to a GGUF chat model that this llama.cpp knows"


def _parameters(path: Path, threads: int, door: Door) -> Any:
    """llama.cpp's parameters, an `xllamacpp.CommonParams`."""
    import xllamacpp

    p, devices = xllamacpp.CommonParams(), xllamacpp.get_device_info()
    available = cores()
    p.model.path = str(path)
    p.verbosity = -1  # nothing on the terminal
    p.n_ctx = CONTEXT * SLOTS
    p.n_batch = p.n_ubatch = _BATCH
    p.n_parallel, p.kv_unified = SLOTS, False  # a shared cache makes each answer look through all conversations
    p.cache_idle_slots, p.cache_ram_mib = False, 0  # the slots are the cache
    p.fit_params = False  # measures free memory for a second, for a model of a hundred megabytes
    # the first words are waited for while the rest of the pipeline has nothing to do yet, so two cores are worth having
    # even if there are no more; later, threads that wait asleep leave them to the face
    p.cpuparams.n_threads = threads or min(available, max(2, available - 1))
    p.cpuparams_batch.n_threads = threads or available
    p.cpuparams.poll = p.cpuparams_batch.poll = 0
    if all(device["type"] == xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU for device in devices):
        # on a processor, with questions of a few words, plain attention takes half the time
        p.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    # llama.cpp always listens on a local port; without the key, it answers nobody
    p.api_keys, p.slot_save_path = [door.key], door.folder
    p.hostnames, p.port, p.n_threads_http = ["127.0.0.1"], 0, 1
    p.ui = False
    return p


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
