"""What services in processes of their own cost: a hop's time to its first byte, the megaservice's own work, and how
soon a video begins.

    python -m benchmarks.hops [--times N]

Real processes on real ports, as their users start them. A hop is measured as a microservice in front of its backend
(`ASR_ENDPOINT` and so on) against that backend asked directly, in turns; the megaservice against its four services
asked one after the other, with the same bodies. The question is OPEA's own if `$VISAVIS_REFERENCE` has it, else the
one that comes with the program.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np

from benchmarks.machine import describe, stolen
from tests.serving.processes import started
from tests.serving.test_remote import megaservice, variables
from visavis.assets import question_path
from visavis.conversation.naming import system_prompt
from visavis.conversation.question import as_written
from visavis.conversation.reply import Manner
from visavis.conversation.rests import AFTER, BEFORE
from visavis.media.audio import Audio
from visavis.serving.sound import encoded
from visavis.settings import Settings

RESULT = Path(__file__).parent / "results" / "hops.json"
VOICE = "rms"
Body = dict[str, Any]


def sample() -> str:
    """A spoken question, base64."""
    reference = Path(os.environ.get("VISAVIS_REFERENCE", "")) / "opea" / "sample_whoareyou.json"
    if reference.is_file():
        return str(json.loads(reference.read_text())["audio"])
    return base64.b64encode(question_path().read_bytes()).decode()


async def first_byte(http: httpx.AsyncClient, url: str, body: Body) -> float:
    """Seconds until the first byte of the answer's body; the answer is read to its end."""
    begun = time.perf_counter()
    first = 0.0
    async with http.stream("POST", url, json=body) as response:
        async for _ in response.aiter_raw():
            first = first or time.perf_counter() - begun
        assert response.status_code == 200, await response.aread()
    return first


async def in_turns(times: int, *works: Callable[[], Awaitable[float]]) -> list[list[float]]:
    """Each of the works, so many times, one after the other."""
    found: list[list[float]] = [[] for _ in works]
    for _ in range(times + 1):
        for work, taken in zip(works, found, strict=True):
            taken.append(await work())
    return [taken[1:] for taken in found]  # the first of each warms up


async def hops(times: int, http: httpx.AsyncClient, audio: str, stack: AsyncExitStack) -> Body:
    """By microservice: what it adds to its backend's time to first byte."""
    speech = {"input": "I am here.", "response_format": "wav"}
    chat = {"messages": [{"role": "user", "content": "Who are you?"}], "max_tokens": 8, "stream": True}
    kinds: dict[str, tuple[str, str, str, Body, str, Body]] = {
        "asr": (
            "whisper",
            "ASR_ENDPOINT",
            "/v1/asr",
            {"audio": audio},
            "/v1/audio/transcriptions",
            {"byte_str": audio},
        ),
        "llm": ("tgi", "LLM_ENDPOINT", "/v1/chat/completions", chat, "/v1/chat/completions", chat),
        "tts": ("speecht5", "TTS_ENDPOINT", "/v1/tts", {"text": "I am here."}, "/v1/audio/speech", speech),
    }
    told: Body = {}
    for name, (backend, variable, there, asked_there, here, asked_here) in kinds.items():
        far = await stack.enter_async_context(started(backend))
        near = await stack.enter_async_context(started(name, **{variable: far}))
        direct, hop = await in_turns(
            times,
            lambda url=far + there, body=asked_there: first_byte(http, url, body),  # type: ignore[misc]
            lambda url=near + here, body=asked_here: first_byte(http, url, body),  # type: ignore[misc]
        )
        told[name] = _compared(direct, hop)
    far = await stack.enter_async_context(started("wav2lip"))
    near = await stack.enter_async_context(started("animation", WAV2LIP_ENDPOINT=far))
    sound = await _speech(http, stack)
    direct, hop = await in_turns(
        times,
        lambda: first_byte(http, f"{far}/v1/wav2lip", {"audio": sound, "stream": True}),
        lambda: first_byte(http, f"{near}/v1/animation", {"byte_str": sound, "stream": True}),
    )
    return told | {"animation": _compared(direct, hop)}


async def _speech(http: httpx.AsyncClient, stack: AsyncExitStack) -> str:
    tts = await stack.enter_async_context(started("tts"))
    return str((await http.post(f"{tts}/v1/audio/speech", json={"text": "Hello there, I am here."})).json()["byte_str"])


async def chain(times: int, http: httpx.AsyncClient, audio: str, stack: AsyncExitStack) -> Body:
    """The megaservice over four services, against those one after the other; and its video streamed."""
    names = ("asr", "llm", "tts", "animation")
    at = dict(zip(names, [await stack.enter_async_context(started(name)) for name in names], strict=True))
    environment: dict[str, str] = {}
    for name, address in at.items():
        environment |= variables(address, f"{name.upper()}_SERVICE")
    mega = await stack.enter_async_context(megaservice(**environment))
    # both ways the same answer in the same voice, and at last the same sound, which has its own pauses
    question = {"audio": audio, "max_tokens": 64, "temperature": 0.0, "voice": VOICE}
    told = (await mega.post("/v1/avatarchatbot", json={**question, "response_format": "object"})).json()
    sound = _sound((await mega.get(told["video_path"])).content)
    recognising: list[float] = []
    chat = {  # as the megaservice asks it
        "messages": [
            {"role": "system", "content": system_prompt(Settings(), None)},
            {"role": "user", "content": as_written(told["transcript"])},
        ],
        "max_tokens": 64,
        "temperature": 0.0,
        "top_p": Manner.of(Settings()).sampling.top_p,
    }

    async def serially() -> float:
        begun = time.perf_counter()
        await http.post(f"{at['asr']}/v1/audio/transcriptions", json={"byte_str": audio})
        recognising.append(time.perf_counter() - begun)
        await http.post(f"{at['llm']}/v1/chat/completions", json=chat)
        await http.post(f"{at['tts']}/v1/audio/speech", json={"input": told["text"], "voice": VOICE})
        await http.post(f"{at['animation']}/v1/animation", json={"byte_str": sound})
        return time.perf_counter() - begun

    async def together() -> float:
        begun = time.perf_counter()
        response = await mega.post("/v1/avatarchatbot", json=question)
        assert response.status_code == 200, response.text
        return time.perf_counter() - begun

    streamed = lambda: first_byte(mega, "/v1/avatarchatbot", {**question, "stream": True})  # noqa: E731
    one_by_one, megaservice_, fragment = await in_turns(times, serially, together, streamed)
    asr = statistics.median(recognising)
    return {
        "transcript": told["transcript"],
        "text": told["text"],
        "services one after the other, s": _spread(one_by_one),
        "megaservice, s": _spread(megaservice_),
        "ratio": round(statistics.median(a / b for a, b in zip(megaservice_, one_by_one, strict=True)), 3),
        "first fragment, s": _spread(fragment),
        "recogniser, s": round(asr, 3),
        "first fragment beyond the recogniser, s": round(statistics.median(fragment) - asr, 3),
    }


def _sound(video: bytes) -> str:
    """What is said in a video, without the rests around it, as base64 of a WAV."""
    with av.open(io.BytesIO(video), "r") as file:
        rate = file.streams.audio[0].rate
        samples = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
    spoken = samples[round(BEFORE * rate) : len(samples) - round(AFTER * rate)]
    return base64.b64encode(encoded(Audio(spoken, rate), "wav")).decode()


def _compared(direct: list[float], hop: list[float]) -> Body:
    added = statistics.median(b - a for a, b in zip(direct, hop, strict=True))
    return {"direct, s": _spread(direct), "through the hop, s": _spread(hop), "added, ms": round(1000 * added, 1)}


def _spread(taken: list[float]) -> Body:
    return {"min": round(min(taken), 4), "median": round(statistics.median(taken), 4), "max": round(max(taken), 4)}


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=15)
    times: int = parser.parse_args().times
    before, begun = stolen(), time.perf_counter()
    audio = sample()
    async with httpx.AsyncClient(timeout=120) as http:
        async with AsyncExitStack() as stack:
            told: Body = {"hops": await hops(times, http, audio, stack)}
        async with AsyncExitStack() as stack:
            told["chain"] = await chain(times, http, audio, stack)
    told["cores stolen"] = round((stolen() - before) / (time.perf_counter() - begun), 2)
    RESULT.write_text(json.dumps({"machine": describe(), "times": times, **told}, indent=1) + "\n")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
