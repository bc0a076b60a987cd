"""OPEA's own framework (opea-comps, in an environment of its own) before our services, as its applications use it.

The environment is built once and kept in the user's cache. It has what the orchestrator imports, and not the rest of
what the package asks for (LangChain, databases); each in the version that the package pins.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import platformdirs
import pytest
import pytest_asyncio

from tests.browser.voices import RATE, silence, speech
from tests.serving.processes import file, started, text
from tests.serving.test_animation import film
from tests.serving.test_tts import seconds
from visavis.conversation.rests import AFTER, BEFORE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.live,
    pytest.mark.timeout(900),
    pytest.mark.asyncio(loop_scope="module"),
]
COMPS = "opea-comps==1.5"
NEEDED = [
    *("aiohttp", "docarray", "fastapi", "kubernetes", "mcp", "pillow", "pyyaml", "requests", "shortuuid", "uvicorn"),
    *("opentelemetry-exporter-otlp-proto-http", "opentelemetry-sdk"),
    *("prometheus-fastapi-instrumentator", "python-multipart"),
]
"""What `import comps` and its client of MCP need, which bring what they need."""
PINS = "import importlib.metadata; print('\\n'.join(importlib.metadata.requires('opea-comps')))"
SAID = "You said: what is your name. My name is Visavis."


@pytest.fixture(scope="module")
def opea() -> Path:
    """A Python that has opea-comps."""
    version = f"{COMPS.replace('==', '-')}-python{sys.version_info[0]}.{sys.version_info[1]}"
    folder = Path(platformdirs.user_cache_dir("visavis-tests", appauthor=False)) / version
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "ready"
    if ready.is_file() and ready.read_text() == " ".join(NEEDED):
        return python
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    _install(python, "--no-deps", COMPS)
    pins = folder / "pins.txt"
    pins.write_text(subprocess.run([python, "-c", PINS], check=True, capture_output=True, text=True).stdout)
    _install(python, "--constraint", pins, *NEEDED)
    ready.write_text(" ".join(NEEDED))
    return python


def _install(python: Path, *what: str | Path) -> None:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", *what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{COMPS} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services() -> AsyncGenerator[dict[str, str], None]:
    """The addresses of all of them. The mind is scripted: it says what it was asked."""
    names = ("asr", "tts", "animation", "whisper", "speecht5")
    async with AsyncExitStack() as stack:
        found = {name: await stack.enter_async_context(started(name)) for name in names}
        for name in ("llm", "tgi"):
            found[name] = await stack.enter_async_context(started(name, "--llm", "fake"))
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def question() -> str:
    return text(file(np.concatenate([silence(0.4), await speech("What is your name?"), silence(0.4)]), RATE))


async def asked(opea: Path, what: str, addresses: dict[str, str], sound: str, folder: Path) -> dict[str, Any]:
    """What an application of OPEA's got from the services at these addresses."""
    (folder / "sound").write_text(sound)
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    process = await asyncio.create_subprocess_exec(
        *(str(opea), str(Path(__file__).with_name("opea_client.py")), what, json.dumps(addresses)),
        *(str(folder / "sound"), str(folder / "result")),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    result: dict[str, Any] = json.loads((folder / "result").read_text())
    return result


async def check_video(address: str, path: str, sound: str) -> None:
    """It lasts as long as its sound, and the moments of rest before and after it."""
    async with httpx.AsyncClient(base_url=address) as http:
        response = await http.get(path)
    assert response.headers["content-type"] == "video/mp4"
    length, pictures = film(response.content)
    assert length == pytest.approx(seconds(base64.b64decode(sound)) + BEFORE + AFTER, abs=0.1)
    assert len(pictures) == pytest.approx(25 * length, abs=2)
    assert np.abs(pictures[0].astype(float) - pictures[len(pictures) // 2]).max() > 20


async def test_avatarchatbot_as_of_v1_1_goes_from_service_to_service(
    opea: Path, services: dict[str, str], question: str, tmp_path: Path
) -> None:
    told = await asked(opea, "v1.1", services, question, tmp_path)
    assert told["asr"]["query"] == "what is your name"
    assert told["llm"]["text"] == SAID
    assert told["llm"]["prompt"] == "what is your name"
    assert told["tts"]["byte_str"].startswith("Ukl")
    await check_video(services["animation"], told["animation"]["video_path"], told["tts"]["byte_str"])


async def test_avatarchatbot_as_of_v1_2_goes_from_backend_to_backend(
    opea: Path, services: dict[str, str], question: str, tmp_path: Path
) -> None:
    backends = {
        "asr": services["whisper"],
        "llm": services["tgi"],
        "tts": services["speecht5"],
        "animation": services["animation"],
    }
    told = await asked(opea, "v1.2", backends, question, tmp_path)
    assert told["asr"] == {"asr_result": "what is your name"}
    assert told["llm"]["choices"][0]["message"]["content"] == SAID
    await check_video(services["animation"], told["animation"]["video_path"], told["tts"]["tts_result"])


async def test_f2_a_chain_that_ends_with_the_model_streams_its_words_as_bytes(
    opea: Path, services: dict[str, str], question: str, tmp_path: Path
) -> None:
    told = await asked(opea, "stream", services, question, tmp_path)
    *events, done, rest = "".join(told["llm"]).split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    assert len(events) > 3
    assert all(event.startswith(("data: b'", 'data: b"')) for event in events)
    spelled = [event.removeprefix("data: b")[1:-1] for event in events]
    assert "".join(spelled) == SAID


async def test_c5_d3_opeas_client_of_mcp_gets_along_with_the_tools(opea: Path, question: str, tmp_path: Path) -> None:
    async with started("asr", ENABLE_MCP="true") as asr, started("tts", ENABLE_MCP="true") as tts:
        told = await asked(opea, "tools", {"asr": asr, "tts": tts}, question, tmp_path)
    assert told["asr"]["text"] == "what is your name"
    assert seconds(base64.b64decode(told["tts"]["audio_str"])) > 1.0
