"""Whether memory returns when engines are exchanged: A, then B, then A again, several times, in one process.

    python -m benchmarks.switching [-n ROUNDS] [--model FILE]

A is what is embedded: SmolLM2 in llama.cpp, flite, PocketSphinx. B is another model, in Qwen3's format with random
weights unless `--model` names a GGUF file, and espeak. Each is used before its memory is read: that of the process and
its children, a page that others share counted with its share, which their coming and going moves by some megabytes.
`idle` is what remains when nothing is loaded: libraries stay. The first round pays for those; `last_over_first` is what
the last takes over it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from contextlib import aclosing
from pathlib import Path

from benchmarks.machine import describe
from visavis.engines.loading import Engines, load_engines
from visavis.engines.protocols import Message, Recognition, Sampling, Slot
from visavis.machine import release, resident
from visavis.media.audio import Audio
from visavis.media.speech import Line
from visavis.settings import Settings, load_settings

RESULT = Path(__file__).parent / "results" / "switching.json"
SLOTS: tuple[Slot, ...] = ("asr", "llm", "tts")
WIDTH, HIDDEN, LAYERS = 1024, 3072, 6
"""Of the random model: some 170 MB in its file."""


async def used(settings: Settings) -> int:
    """Bytes that are resident while the engines of `settings` are loaded, after they have worked."""
    async with load_engines(settings, SLOTS) as engines:
        await work(engines)
        return now()


async def work(engines: Engines) -> None:
    """A question is heard, answered and spoken."""
    silence = Audio.silence(3200, 16_000)
    _, carry = await engines.asr.recognize(silence, None, Recognition(), False)
    await engines.asr.recognize(silence, carry, Recognition(), True)
    asked = [Message("system", "Be brief."), Message("user", "What can you tell me about friendship?")]
    async with aclosing(engines.llm.complete(asked, Sampling(max_tokens=24))) as deltas:
        async for _ in deltas:
            pass
    async with aclosing(engines.tts.synthesize(Line("The old clock has stopped again."), None)) as speech:
        async for _ in speech:
            pass


def now() -> int:
    """Bytes that are resident, without what the C library only keeps for later."""
    release()
    held = resident()
    if held is None:
        raise SystemExit("this system does not tell what memory a process holds")
    return held


async def measure(rounds: int, model: Path) -> list[dict[str, float]]:
    """Megabytes while A is loaded, while B is, and while nothing is, for each round."""
    first = load_settings(asr="pocketsphinx", llm="llamacpp", tts="flite")
    other = first.model_copy(update={"llm_file": model, "tts": "espeak"})
    told = []
    for _ in range(rounds):
        row = {"a": await used(first), "b": await used(other), "idle": now()}
        told.append({name: round(held / 1e6, 1) for name, held in row.items()})
        print(told[-1])
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--rounds", type=int, default=8)
    parser.add_argument("--model", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model: Path = arguments.model or random_model(Path(folder, "random.gguf"))
        before = now()
        rounds = asyncio.run(measure(arguments.rounds, model))
    returned = {name: round(rounds[-1][name] / rounds[0][name] - 1, 3) for name in rounds[0]}
    result = {
        "machine": describe(),
        "start_mb": round(before / 1e6, 1),
        "rounds_mb": rounds,
        "last_over_first": returned,
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(returned, indent=2))


def random_model(path: Path) -> Path:
    """A model in Qwen3's format of a size that shows in a process's memory."""
    from tests.engines.llm.tiny_qwen3 import write

    return write(path, width=WIDTH, hidden=HIDDEN, layers=LAYERS)


if __name__ == "__main__":
    main()
