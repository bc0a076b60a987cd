"""llama.cpp in this process: any GGUF chat model, answers offline.

llama.cpp's own scheduler keeps the prompts it has seen: it continues the most similar one, and puts idle ones aside
in memory until they are wanted again. So a conversation whose history only grows costs its new words each turn, many
conversations share the tokens of their system prompt, and no bookkeeping is needed here.
"""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any, ClassVar, Self

from visavis import weights
from visavis.engines.llm.context import fit, payload
from visavis.engines.llm.pushed import pushed
from visavis.engines.llm.requantize import requantize
from visavis.engines.protocols import Availability, Delta, EngineInfo, Message, Sampling
from visavis.errors import BadInput, EngineFailed, EngineUnavailable
from visavis.settings import Settings, load_settings
from visavis.streams.flow import Stream

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"
ANSWERS = 4
"""Answers made at the same time; further ones wait."""
CONTEXT = 4096
"""Tokens that the answers under way share; 23 kB of memory each for SmolLM2."""
WINDOW = 1500
"""Tokens of one conversation; beyond it the oldest turns are left out."""

_FASTER, _FASTER_BYTES = "SmolLM2-135M-Instruct.Q8_0.gguf", 144_811_072
_CACHE_MB = 64  # of prompts put aside: about 2,800 tokens for SmolLM2
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
        self._pool = ThreadPoolExecutor(ANSWERS, thread_name_prefix="llamacpp")
        self._asked = 0

    @classmethod
    def availability(cls) -> Availability:
        """Whether xllamacpp and a model are there."""
        if importlib.util.find_spec("xllamacpp") is None:
            return Availability(False, "xllamacpp is not installed", "pip install xllamacpp")
        file = load_settings().llm_file
        if file is not None and not file.is_file():
            return Availability(False, f"there is no file {file}", "set VISAVIS_LLM_FILE to a GGUF file")
        if file is None and not weights.present(MODEL):
            return Availability(False, f"{MODEL} is missing", "run `visavis models pull`")
        return Availability(True)

    async def __aenter__(self) -> Self:
        file = self._settings.llm_file
        model = weights.require(MODEL) if file is None else file
        loop = asyncio.get_running_loop()
        if file is None:
            model = await loop.run_in_executor(self._pool, _faster, model)
        self._server = await loop.run_in_executor(self._pool, _load, model, self._settings.threads)
        async with aclosing(self.complete([Message("user", "Hello")], Sampling(max_tokens=1))) as warming:
            async for _ in warming:
                pass
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server = None  # tells the answers under way to stop; the last one drops it
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def complete(self, messages: Sequence[Message], options: Sampling) -> Stream[Delta]:
        """The answer as it is made; closing the stream ends the work within one token.

        Raises `BadInput` for a question that does not fit, `EngineFailed` if llama.cpp refuses it.
        """
        self._asked += 1
        sent = fit(messages, WINDOW)
        request = _request(sent, options)

        def answer(push: Callable[[dict[str, Any]], bool]) -> None:
            # looked up on the thread: the engine may have been left while this waited
            if (server := self._server) is not None:
                try:
                    server.handle_chat_completions(request, lambda chunk: push(chunk) or self._server is None)
                except Exception as error:  # what llama.cpp throws has no type of its own
                    raise EngineFailed("llm", self.info.name, str(error)) from None

        finished, said = False, ""
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
            self._read_ahead(following)

    def _read_ahead(self, messages: Sequence[Message]) -> None:
        """Read a prompt while the answer is being spoken: after a cut in the history it would take seconds."""
        asked, request = self._asked, _request(messages, Sampling(max_tokens=1))

        def unwanted(chunk: dict[str, Any]) -> bool:
            _log_timings(chunk)
            return self._asked != asked or self._server is None

        def read() -> None:
            if (server := self._server) is not None:
                server.handle_chat_completions(request, unwanted)

        self._pool.submit(read)


def _faster(model: Path) -> Path:
    """The embedded model in the form that reads questions fastest, made once; the model itself if that cannot be."""
    faster = model.with_name(_FASTER)
    try:
        if not (faster.is_file() and faster.stat().st_size == _FASTER_BYTES):
            requantize(model, faster)
    except (OSError, ValueError) as error:
        _log.warning("the language model reads slower than it could: %s", error)
        return model
    return faster


def _load(path: Path, threads: int) -> Any:
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
    import xllamacpp

    try:
        return xllamacpp.Server(_parameters(xllamacpp.CommonParams(), path, threads))
    except Exception as error:
        raise EngineUnavailable(f"llama.cpp cannot load {path} ({error}); {_remedy(path)}") from None


def _remedy(path: Path) -> str:
    if path.name in (MODEL, _FASTER):
        return "it is damaged: delete it and run `visavis models pull`"
    return "set VISAVIS_LLM_FILE to a GGUF chat model that this llama.cpp knows"


def _parameters(p: Any, path: Path, threads: int) -> Any:
    """Fill in llama.cpp's parameters, an `xllamacpp.CommonParams`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    p.model.path = str(path)
    p.verbosity = -1  # nothing on the terminal
    p.n_ctx = CONTEXT
    p.n_batch = p.n_ubatch = _BATCH
    p.n_parallel, p.kv_unified = ANSWERS, True
    p.cache_ram_mib = _CACHE_MB
    p.fit_params = False  # measures free memory for a second, for a model of a hundred megabytes
    # a prompt is worked on while nobody speaks yet, an answer while the rest of the pipeline needs a core
    p.cpuparams.n_threads = threads or max(1, cores - 1)
    p.cpuparams_batch.n_threads = threads or cores
    p.cpuparams.poll = p.cpuparams_batch.poll = 0
    # llama.cpp always listens on a local port: without the key, it answers nobody
    p.api_keys = [secrets.token_urlsafe(32)]
    p.hostnames, p.port, p.n_threads_http = ["127.0.0.1"], 0, 1
    p.ui = p.endpoint_slots = False
    return p


def _request(messages: Sequence[Message], options: Sampling) -> dict[str, Any]:
    return {
        "messages": payload(messages),
        "stream": True,
        "return_progress": True,  # a chunk after each step of the prompt, so that it can be given up
        "max_tokens": options.max_tokens,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "stop": list(options.stop),
        # small models fall into loops
        "repeat_penalty": 1.1,
        "repeat_last_n": 64,
        "chat_template_kwargs": {"enable_thinking": False},  # a person is waiting
    }


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
