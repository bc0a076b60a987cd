"""A GGUF file to a model that answers: llama.cpp's parameters, and what is said where it cannot load."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from visavis import weights
from visavis.engines.llm.chosen import Chosen
from visavis.engines.llm.slots import Door
from visavis.errors import EngineUnavailable
from visavis.settings import cores

_BATCH = 64  # prompt tokens a step; between two of them an answer can be given up


def load(model: Chosen, path: Path, threads: int, context: int, slots: int, door: Door) -> Any:
    """llama.cpp with a model in its file, or in another form of it at `path`: an `xllamacpp.Server`. Blocks.

    The file is mapped, not read: its pages are memory of the system's, which takes them back. Raises
    `EngineUnavailable` for a file that llama.cpp does not take, and where its library does not load.
    """
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
        return xllamacpp.Server(_parameters(path, threads, context, slots, door))
    except Exception as error:
        raise EngineUnavailable(f"llama.cpp cannot load {path} ({error}); {remedy(model)}") from None


def remedy(model: Chosen) -> str:
    """What to do about a model's file that cannot be used."""
    if model.file.parent == weights.folder():
        return "it is damaged: delete it and run `visavis models pull`"
    if model.entry is not None:
        return f"it is damaged: run `visavis models remove {model.name}` and `visavis models pull {model.name}`"
    return "set VISAVIS_LLM_FILE to a GGUF chat model that this llama.cpp knows"


def _parameters(path: Path, threads: int, context: int, slots: int, door: Door) -> Any:
    """llama.cpp's parameters, an `xllamacpp.CommonParams`."""
    import xllamacpp

    p, devices = xllamacpp.CommonParams(), xllamacpp.get_device_info()
    available = cores()
    p.model.path = str(path)
    p.verbosity = -1  # nothing on the terminal
    p.n_ctx = context * slots
    p.n_batch = p.n_ubatch = _BATCH
    p.n_parallel, p.kv_unified = slots, False  # a shared cache makes each answer look through all conversations
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
