"""Which runtime, precision and device a network gets: the fastest here, or the one that the settings name."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from visavis.engines.neural.libraries import INSTALL, here, load
from visavis.errors import BadConfiguration, EngineUnavailable
from visavis.settings import Settings

Runtime = Literal["openvino", "onnxruntime", "torch"]
Precision = Literal["float32", "bfloat16", "int8"]
Device = Literal["cpu", "cuda", "hpu"]

_PRECISIONS: dict[Runtime, tuple[Precision, ...]] = {
    "openvino": ("int8", "bfloat16", "float32"),
    "onnxruntime": ("float32",),
    "torch": ("bfloat16", "float32"),
}
"""The runtimes on a processor, the fastest first, and what each computes with."""
_FILES: dict[Runtime, str] = {"openvino": ".xml", "onnxruntime": ".onnx", "torch": ".safetensors"}
_FLAGS: dict[Precision, frozenset[str]] = {
    "int8": frozenset({"avx512_vnni", "avx_vnni", "amx_int8"}),
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16"}),
}
"""What a processor that is fast with such numbers says of itself."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a network runs on."""

    runtime: Runtime
    precision: Precision
    device: Device = "cpu"

    def __str__(self) -> str:
        where = "" if self.device == "cpu" else f" on {self.device}"
        return f"{self.runtime} with {self.precision}{where}"


def choose(form: Path, stem: str, settings: Settings) -> Choice:
    """What the part `stem` of a form runs on. Raises `BadConfiguration` for settings that contradict each other, and
    `EngineUnavailable` for those that this machine or the form cannot fulfil, with the remedy."""
    _check(settings)
    device = _device(settings)
    if device != "cpu":
        wanted: Precision = "float32" if settings.neural_precision == "float32" else "bfloat16"
        return Choice("torch", wanted, device)
    for runtime in _PRECISIONS:
        if settings.neural_runtime not in ("auto", runtime) or not _there(runtime, form, stem):
            continue
        for precision in _PRECISIONS[runtime]:
            if _wanted(precision, form, stem, settings):
                return Choice(runtime, precision)
    raise EngineUnavailable(_fault(form, settings))


def _check(settings: Settings) -> None:
    runtime, precision, device = settings.neural_runtime, settings.neural_precision, settings.neural_device
    if device in ("cuda", "hpu") and runtime not in ("auto", "torch"):
        raise BadConfiguration(f"{runtime} does not run on {device}: set neural_runtime=torch, or neural_device=cpu")
    if device in ("cuda", "hpu") and precision == "int8":
        raise BadConfiguration(f"int8 does not run on {device}: set neural_precision=bfloat16, or neural_device=cpu")
    if runtime != "auto" and precision != "auto" and precision not in _PRECISIONS[runtime]:
        known = " or ".join(_PRECISIONS[runtime])
        raise BadConfiguration(f"{runtime} does not run in {precision}: set neural_precision={known}")


def _device(settings: Settings) -> Device:
    asked = settings.neural_device
    if asked == "cpu" or (asked == "auto" and settings.neural_runtime not in ("auto", "torch")):
        return "cpu"
    if asked == "auto" and settings.neural_precision == "int8":
        return "cpu"
    if asked in ("auto", "hpu") and here("habana_frameworks", "torch"):
        return "hpu"
    if asked in ("auto", "cuda") and here("torch") and _graphics_card():
        return "cuda"
    if asked == "auto":
        return "cpu"
    lacking = "habana_frameworks finds none" if asked == "hpu" else "PyTorch finds none"
    raise EngineUnavailable(f"there is no {asked} device here, {lacking}: set neural_device=auto")


@cache
def _graphics_card() -> bool:
    """Whether PyTorch can use one; it takes seconds to ask, so a driver must be there first."""
    if not (Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi")):
        return False
    return bool(load("torch").cuda.is_available())


def _there(runtime: Runtime, form: Path, stem: str) -> bool:
    libraries = ("torch", "safetensors") if runtime == "torch" else (runtime,)
    return (form / f"{stem}{_FILES[runtime]}").is_file() and here(*libraries)


def _wanted(precision: Precision, form: Path, stem: str, settings: Settings) -> bool:
    """Whether a precision is asked for, or is the best here where none is."""
    asked = settings.neural_precision
    if precision == "int8" and not _quantised(form, stem):
        return False
    if asked == "int8" and not _quantised(form, stem) and _quantised(form, "*"):
        asked = "auto"  # a part of which there is no int8, beside one of which there is
    # int8 runs everywhere, and is as exact; bfloat16 without its instructions is not what it says
    return fast(precision) if asked == "auto" else asked == precision and (fast(precision) or precision == "int8")


def fast(precision: Precision) -> bool:
    """Whether the processor has instructions for numbers of a kind."""
    return precision == "float32" or bool(_FLAGS[precision] & _flags())


def _quantised(form: Path, stem: str) -> bool:
    return next(form.glob(f"{stem}.int8.xml"), None) is not None


@cache
def _flags() -> frozenset[str]:
    """What the processor says it can do; nothing where it cannot be asked."""
    return frozenset(_cpuinfo())


def _cpuinfo() -> Iterator[str]:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("flags"):
                yield from line.partition(":")[2].split()
                return
    except OSError:
        return


def _fault(form: Path, settings: Settings) -> str:
    runtime, precision = settings.neural_runtime, settings.neural_precision
    again = f"{INSTALL}, and add the checkpoint of '{form.parent.name}' again"
    if runtime != "auto" and not here(runtime):
        return f"{runtime} is not installed: {again}, or set neural_runtime=auto"
    if precision == "bfloat16" and not fast(precision):
        return "this processor does not compute in bfloat16: set neural_precision=auto"
    kind = precision if precision != "auto" else runtime if runtime != "auto" else "any installed runtime"
    return f"the networks of '{form.parent.name}' were not converted for {kind}: {again}"
