"""What is imported, and when: `visavis --help` next to nothing, and an engine's library not before it is chosen."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

ENGINES = {
    "ctranslate2", "faster_whisper", "habana_frameworks", "kokoro_onnx", "moonshine_voice", "nncf", "onnx",
    "onnxruntime", "openvino", "piper", "pocketsphinx", "tokenizers", "torch", "transformers", "xllamacpp",
}  # fmt: skip
"""Libraries that engines bring in."""
REPORT = (
    "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
)
COMMAND = "from visavis.cli.app import run; run({!r})"
CHOICE = """
from visavis.engines.protocols import OPTIONAL, SLOTS
from visavis.engines.registry import choose
from visavis.errors import EngineUnavailable
from visavis.settings import load_settings
for slot in (*SLOTS, *OPTIONAL):
    try:
        choose(slot, load_settings())
    except EngineUnavailable:
        pass
"""


def imported(code: str) -> set[str]:
    """The packages and modules that a process has imported when it has run the code."""
    offline = {**os.environ, "HF_HUB_OFFLINE": "1"}
    run = subprocess.run([sys.executable, "-c", code + REPORT], capture_output=True, text=True, check=True, env=offline)
    return set(json.loads(run.stderr.splitlines()[-1]))


def others(names: set[str]) -> set[str]:
    """Those that are neither Python's nor ours, nor what the interpreter's own start brings in."""
    return names - set(sys.stdlib_module_names) - imported("") - {"visavis"}


def test_the_package_alone_imports_nothing_of_others() -> None:
    assert others(imported("import visavis")) == set()


def test_help_imports_the_command_line_and_nothing_else() -> None:
    command_line = {"annotated_doc", "click", "shellingham", "typer", "typing_extensions"}
    assert others(imported(COMMAND.format(["--help"]))) <= command_line


def test_a_conversation_is_imported_without_the_libraries_of_pictures_and_engines() -> None:
    names = imported("import visavis.conversation.reply, visavis.engines.registry")
    assert names & (ENGINES | {"av", "cv2", "fastapi", "gradio", "httpx", "rich"}) == set()


@pytest.mark.parametrize(
    "code",
    [COMMAND.format(arguments) for arguments in (["models", "list"], ["models", "voices"], ["doctor"])] + [CHOICE],
    ids=["models list", "models voices", "doctor", "choose"],
)
def test_no_library_of_an_engine_is_imported_before_it_is_chosen(code: str) -> None:
    assert imported(code) & ENGINES == set()
