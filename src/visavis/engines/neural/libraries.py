"""The libraries behind the runtimes, imported when they are needed: each takes seconds and hundreds of megabytes."""

from __future__ import annotations

import importlib.util
import sys
from importlib import import_module
from typing import Any

from visavis.errors import EngineUnavailable

INSTALL = "pip install 'visavis[wav2lip]'"
"""What brings them all."""


def here(*modules: str) -> bool:
    """Whether the modules are installed. Cheap: none is imported."""
    return all(importlib.util.find_spec(module) is not None for module in modules)


def load(module: str) -> Any:
    """The module. Raises `EngineUnavailable`, with the remedy, where it is not installed or cannot be imported.

    OpenVINO and NNCF report that they were imported to their makers unless a package of theirs is missing: here it is.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # the language's way to forbid it
    top = module.partition(".")[0]
    if not here(top):
        raise EngineUnavailable(f"{top} is not installed: {INSTALL}")
    try:
        return import_module(module)
    except (ImportError, OSError) as error:
        raise EngineUnavailable(f"{top} cannot be imported ({brief(error)}): {INSTALL}") from None


def brief(error: BaseException) -> str:
    """An error of a library in one line of at most 200 characters."""
    return " ".join(str(error).split())[:200] or type(error).__name__
