"""Which GGUF model answers: the one in the settings, the best one that was pulled and fits this machine, or SmolLM2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from visavis import weights
from visavis.engines.llm.smollm import MODEL
from visavis.settings import Settings
from visavis.weights.models import Model, fits, installed, models_of


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model's file, which need not be there."""

    file: Path
    name: str
    """As a client would ask for it."""
    title: str
    """As a person would call it."""
    fault: str = ""
    """Why it cannot be used, as far as that is known without reading it."""
    remedy: str = ""
    """What to do then."""
    entry: Model | None = None
    """Of the catalogue, if it was pulled."""
    embedded: bool = False
    """Whether it is SmolLM2."""


def chosen(settings: Settings) -> Chosen:
    """The model that answers here."""
    if settings.llm_file is not None and str(settings.llm_file) != MODEL:
        return _named(settings.llm_file)
    pulled = [] if settings.llm_file else models_of("llm", "llamacpp")
    for model in pulled:
        if not (model.non_commercial and settings.commercial_only) and fits(model) and (here := _here(model)).is_file():
            return Chosen(here, model.name, model.title, entry=model)
    fault = weights.fault(MODEL)
    return Chosen(
        weights.folder() / MODEL,
        MODEL.partition(".")[0],
        "SmolLM2 135M",
        fault and f"{MODEL}: {fault}",
        f"run `{weights.store.PULL}`",
        embedded=True,
    )


def _named(file: Path) -> Chosen:
    """The file, or the model of the catalogue that is called so."""
    if not file.exists() and (model := {m.name: m for m in models_of("llm", "llamacpp")}.get(str(file))):
        here = _here(model)
        fault = "" if here.is_file() else f"the model '{model.name}' is not on this machine"
        return Chosen(here, model.name, model.title, fault, f"visavis models pull {model.name}", entry=model)
    fault = "" if file.is_file() else f"there is no file {file}"
    remedy = "set VISAVIS_LLM_FILE to a GGUF file, or to a model that was pulled"
    return Chosen(file, file.stem, file.name, fault, remedy)


def _here(model: Model) -> Path:
    """Where a pulled model's file lies; one that is not whole has none."""
    folder = installed(model.name)
    name = next(file.path for file in model.files if file.path.endswith(".gguf"))
    return Path(name) if folder is None else folder / name
