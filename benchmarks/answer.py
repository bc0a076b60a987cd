"""How soon and how fast an answer comes: typed and spoken questions, warm, and the memory of all processes.

    python -m benchmarks.answer [-n RUNS]

Measured: a typed question to the first finished clip; a spoken one, fed at real-time pace, from its last sample to
the first finished clip; the whole answer's real-time factor (time to make it, video file included, over the time it
plays); peak memory of this process and its children. Each question is new, so no prompt cache knows it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from contextlib import aclosing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.machine import describe, stolen
from visavis.assets import question_path
from visavis.avatars.avatar import Avatar
from visavis.avatars.store import AvatarStore, resolve
from visavis.conversation.history import History
from visavis.conversation.listen import RATE
from visavis.conversation.question import heard
from visavis.conversation.reply import Manner, reply
from visavis.engines.loading import Engines, load_engines
from visavis.media.audio import Audio
from visavis.media.codecs import read_audio
from visavis.playback.mp4 import write_mp4
from visavis.settings import Settings, load_settings
from visavis.streams.flow import Stream

RESULT = Path(__file__).parent / "results" / "answer.json"
QUESTIONS = (
    "What is the capital of France?",
    "Why is the sky blue?",
    "How do I boil an egg?",
    "What can I do on a rainy day?",
    "Tell me something about the moon.",
    "Who wrote Romeo and Juliet?",
    "How far away is the sun?",
    "What do bees eat?",
    "Why do cats purr?",
    "How does a bicycle stay up?",
)


IDLE = 0.05
"""Cores that a hypervisor may take away in a run on idle cores."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement."""

    value: float
    taken: float
    """Cores taken away meanwhile."""


class Stopwatch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._begun, self._stolen = time.perf_counter(), stolen()

    def stop(self, since: float | None = None, per: float = 1.0) -> Run:
        """The seconds since then, or since another moment, in units of `per` seconds."""
        now = time.perf_counter()
        value = (now - (self._begun if since is None else since)) / per
        return Run(value, (stolen() - self._stolen) / (now - self._begun))


async def measure(settings: Settings, runs: int) -> dict[str, object]:
    """Every figure for the chosen voice."""
    avatar = resolve(None, AvatarStore(settings.data_dir / "avatars"), size=settings.size)
    typed, spoken, factors, plays = [], [], [], []
    async with load_engines(settings) as engines:
        manner = Manner(voice=settings.voice)
        await _first_clip("Are you ready to begin?", engines, avatar, manner)  # warm
        for question in QUESTIONS[:runs]:
            watch = Stopwatch()
            await _first_clip(question, engines, avatar, manner)
            typed.append(watch.stop())
        for _ in range(min(runs, 5)):
            last: list[float] = []
            watch = Stopwatch()
            text = await heard(_at_pace(question_path(), last), engines, "en")
            await _first_clip(text, engines, avatar, manner)
            spoken.append(watch.stop(last[0] if last else None))
        for question in QUESTIONS[: min(runs, 6)]:
            watch = Stopwatch()
            plays.append(await _whole(question, engines, avatar, manner, settings))
            factors.append(watch.stop(per=plays[-1]))
        memory = _memory()
    return {
        "typed question to first clip, s": _spread(typed),
        "spoken question's last sample to first clip, s": _spread(spoken),
        "real-time factor of the whole answer": _spread(factors),
        "length of the answers, s": round(statistics.median(plays), 3),
        "memory of all processes, MB": round(memory),
    }


async def _first_clip(question: str, engines: Engines, avatar: Avatar, manner: Manner) -> None:
    async with aclosing(reply(History.begin().asked(question), engines, avatar, manner)) as clips:
        await anext(clips)


async def _whole(question: str, engines: Engines, avatar: Avatar, manner: Manner, settings: Settings) -> float:
    """Write the whole answer; the seconds it plays."""
    clips = reply(History.begin().asked(question), engines, avatar, manner)
    with tempfile.TemporaryDirectory() as folder:
        written = await write_mp4(clips, Path(folder) / "answer.mp4", fps=Fraction(settings.fps), codec=settings.codec)
    return written.duration


async def _at_pace(path: Path, last: list[float]) -> Stream[Audio]:
    """The recording as a microphone gives it: 20 ms at a time, when they have been said. Notes when the last was."""
    sound = Audio.join(list(read_audio(path, RATE)))
    loud = np.flatnonzero(np.abs(sound.samples) > 0.01)
    sound = sound.slice(0, int(loud[-1]) + 1)  # the question ends with its last sound
    begun = time.perf_counter()
    step = RATE // 50
    for start in range(0, len(sound), step):
        piece = sound.slice(start, start + step)
        await asyncio.sleep(max(0.0, begun + piece.end / RATE - time.perf_counter()))
        if piece.end >= len(sound):
            last.append(begun + piece.end / RATE)
        yield piece


def _memory() -> float:
    """Peak resident megabytes of this process and its children, from /proc; 0 where there is none."""
    total = 0.0
    for process in _family(os.getpid()):
        try:
            for row in Path(f"/proc/{process}/status").read_text().splitlines():
                if row.startswith("VmHWM:"):
                    total += int(row.split()[1]) / 1024
        except OSError:
            continue
    return total


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [pid, *(descendant for child in children for descendant in _family(int(child)))]


def _spread(runs: list[Run]) -> dict[str, object]:
    values, idle = [run.value for run in runs], [run.value for run in runs if run.taken < IDLE]
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
        "runs": len(values),
        "cores taken away": round(statistics.mean(run.taken for run in runs), 3),
        "median on idle cores": round(statistics.median(idle), 3) if idle else None,
        "runs on idle cores": len(idle),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--runs", type=int, default=10)
    runs = parser.parse_args().runs
    results = {tts: asyncio.run(measure(load_settings(tts=tts), runs)) for tts in ("flite", "espeak")}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps({"machine": describe(), "results": results}, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
