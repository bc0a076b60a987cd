"""A conversation in a real browser: how soon it answers and falls silent, how smooth and in sync it is, what it costs.

    python -m benchmarks.live [--questions N] [--transport websocket|webrtc]

The whole product as a user starts it: `visavis serve` with the embedded engines, headless Chromium, and a microphone
file in which flite asks, waits for the answer, and asks again. Measured by the page itself, on its own clocks:

- the last voiced sample at the microphone to the first picture of the answer on the screen with its sound;
- a voice over the answer to silence, and to the first picture 80 ms behind the cut, in which the mouth is shut;
- pictures shown a second while the face speaks, pictures dropped, sound later than its picture;
- what the server's processes cost while it speaks, and its event loop's lateness.

The browser decodes and draws on the same cores; the machine's load and stolen time are in the result, and beside the
stages of all turns those of the ones in which next to nothing was stolen.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
import wave
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soxr
from numpy.typing import NDArray
from playwright.async_api import Page, async_playwright

from benchmarks.machine import describe, stolen
from visavis.engines.tts.flite import Flite
from visavis.media.speech import Line
from visavis.settings import load_settings

RESULT = Path(__file__).parent / "results" / "live.json"
RATE = 48_000
QUESTIONS = (
    "What is the moon?", "What can you tell me about friendship?", "How do I boil an egg?", "Why is the sky blue?",
    "What do bees eat?", "Tell me about the sea.", "Who are you?", "What is a good book?", "How far away is the sun?",
    "Why do people laugh?", "What is your name?", "Where do birds sleep?", "What makes the wind?", "How are you today?",
    "What is love?", "Tell me about the rain.", "Why do we dream?", "What is music?", "How old is the earth?",
    "What do cats like?",
)  # fmt: skip
OVER = "No wait a moment please, I have another question for you."
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
)  # fmt: skip
DISTURBED = 0.05
"""Cores stolen from which on a turn says more about the machine than about us."""
BEFORE, WAIT = 3.0, 9.0
"""Seconds of silence before the first question, and after each."""
_WATCH = """
() => {
  const log = (window.benchmark = { onsets: [], flushes: [], closed: [], skews: [], speaking: [] });
  let epoch = window.visavis.epoch, closing = null, last = null, before = null;
  const look = (now) => {
    const v = window.visavis;
    if (v.epoch !== epoch) {
      epoch = v.epoch;
      // silence is also taken back, when an answer can begin
      if (before === "speaking") {
        log.flushes.push(now);
        closing = { at: v.cut + 0.08 * 48000, shown: v.shown };
      }
    }
    before = v.state;
    // what was on the screen at the flush may be of a later time
    const isNew = closing !== null && v.shown > closing.shown;
    if (isNew && v.picture >= closing.at) { log.closed.push(now); closing = null; }
    if (v.state === "speaking") {
      log.skews.push(v.skew);
      if (last) log.speaking.push([now - last.now, v.shown - last.shown, v.dropped - last.dropped]);
      last = { now, shown: v.shown, dropped: v.dropped };
    } else last = null;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}
"""
_LISTEN = """
async () => {
  const context = new AudioContext();
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(512);
  let loud = false, since = 0;
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const level = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / 512);
    const now = performance.now();
    if (level > 0.01) { if (!loud && now - since > 400) window.benchmark.onsets.push(now); loud = true; since = now; }
    else if (now - since > 400) loud = false;
  }, 5);
}
"""


async def said(text: str, voice: str) -> NDArray[np.float32]:
    """The text at 48 kHz, -20 dBFS."""
    async with Flite(load_settings()) as tts:
        pieces = [piece.audio async for piece in tts.synthesize(Line(text), voice)]
    samples = np.concatenate([piece.samples for piece in pieces])
    samples = soxr.resample(samples, pieces[0].rate, RATE)
    return np.asarray(samples * 0.1 / np.sqrt(np.mean(samples**2)), np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * RATE), np.float32)


def write(path: Path, pieces: list[NDArray[np.float32]]) -> float:
    """A microphone's file; its seconds."""
    samples = np.concatenate(pieces)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return len(samples) / RATE


@asynccontextmanager
async def server(*arguments: str) -> AsyncGenerator[tuple[str, int], None]:
    """`visavis serve`: its address and its process."""
    command = [sys.executable, "-m", "visavis", "serve", "--no-open", "--port", "0", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        while line := (await process.stdout.readline()).decode():
            if line.startswith("talk:"):
                break
        yield line.split()[1], process.pid
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def browser(
    url: str, microphone: Path, ready: str = "window.visavis && window.visavis.shown > 10"
) -> AsyncGenerator[Page, None]:
    """The page, with sound allowed and a voice at its microphone once that is opened."""
    async with async_playwright() as playwright:
        flags = [*FLAGS, f"--use-file-for-fake-audio-capture={microphone}%noloop"]
        chromium = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=flags, ignore_default_args=["--headless"]
        )
        try:
            page = await chromium.new_page(viewport={"width": 1280, "height": 800})
            await page.goto(url)
            await until(page, ready)
            yield page
        finally:
            await chromium.close()


def cpu(pid: int) -> float:
    """Seconds of processor time of a process and its children, so far."""
    total = 0.0
    for each in [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]:
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


async def answers(url: str, pid: int, questions: int, transport: str, folder: Path) -> dict[str, Any]:
    """Ask and wait, and ask again."""
    pieces = [silence(BEFORE)]
    voices = ("rms", "slt", "awb")
    for number in range(questions):
        pieces += [await said(QUESTIONS[number % len(QUESTIONS)], voices[number % 3]), silence(WAIT)]
    seconds = write(folder / "questions.wav", pieces)
    async with browser(url, folder / "questions.wav") as page:
        await choose(page, transport)
        await page.evaluate(_WATCH)
        await page.click("#microphone")
        began, used = time.monotonic(), cpu(pid)
        lost = await watch_stolen(seconds + 2)
        spent = (cpu(pid) - used) / (time.monotonic() - began)
        turns = await page.evaluate("window.visavis.turns")
        origin = await page.evaluate("performance.timeOrigin") / 1000
        log = await page.evaluate("window.benchmark")
        transport = await page.evaluate("window.visavis.transport")
    undisturbed = [
        turn
        for turn in turns
        if turn.get("ended") and turn.get("waited") and lost(origin + turn["ended"] / 1000, turn["waited"]) < DISTURBED
    ]
    speaking = np.array(log["speaking"] or [[1, 0, 0]])
    return {
        "transport": transport,
        "asked": questions,
        "answered": len(turns),
        "seconds after the last voiced sample": stages(turns),
        f"the same, of turns with under {DISTURBED} cores stolen": stages(undisturbed),
        "pictures a second while speaking": round(speaking[:, 1].sum() / speaking[:, 0].sum() * 1000, 2),
        "pictures dropped while speaking": int(speaking[:, 2].sum()),
        "sound later than its picture, ms": percentiles([1000 * skew for skew in log["skews"] if skew is not None]),
        "server's cores, all along": round(spent, 3),
    }


async def watch_stolen(seconds: float) -> Callable[[float, float], float]:
    """Wait, and return what tells how many cores were stolen at some seconds since the epoch, for so long."""
    times, totals = [time.time()], [stolen()]
    while times[-1] < times[0] + seconds:
        await asyncio.sleep(0.2)
        times.append(time.time())
        totals.append(stolen())

    def lost(at: float, length: float) -> float:
        begin, end = np.interp([at - 1.0, at + length + 0.2], times, totals)
        return float(end - begin) / (length + 1.2)

    return lost


def stages(turns: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        stage: percentiles([turn[stage] for turn in turns if turn.get(stage) is not None])
        for stage in ("endpoint", "transcript", "word", "audio", "sent", "shown")
    }


async def interruptions(url: str, count: int, transport: str, folder: Path) -> dict[str, Any]:
    """Ask, and speak over the answer."""
    pieces = [silence(BEFORE)]
    for number in range(count):
        question = await said(QUESTIONS[(2 * number + 1) % len(QUESTIONS)], "rms")
        pieces += [question, silence(2.6), await said(OVER, "rms"), silence(WAIT)]
    seconds = write(folder / "over.wav", pieces)
    async with browser(url, folder / "over.wav") as page:
        await choose(page, transport)
        await page.evaluate(_WATCH)
        await page.click("#microphone")
        await page.evaluate(_LISTEN)
        await asyncio.sleep(seconds + 1)
        log = await page.evaluate("window.benchmark")
    silent, closed = [], []
    for flush in log["flushes"]:
        onset = max((at for at in log["onsets"] if at < flush), default=None)
        if onset is not None and flush - onset < 1500:
            silent.append(flush - onset)
            closed += [at - onset for at in log["closed"] if at > flush][:1]
    return {
        "voices over an answer": count,
        "holds": len(log["flushes"]),
        "ms to silence": percentiles(silent),
        "ms to a closed mouth": percentiles(closed),
    }


async def choose(page: Page, transport: str) -> None:
    """By hand, as a user does in the settings."""
    await page.evaluate("choice => localStorage.setItem('visavis.transport', JSON.stringify(choice))", transport)
    await page.reload()
    await until(page, f"window.visavis && window.visavis.shown > 10 && window.visavis.transport === '{transport}'")


async def until(page: Page, condition: str) -> None:
    """Wait for it; the page's content policy forbids what Playwright would do."""
    async with asyncio.timeout(60):
        while not await page.evaluate(condition):  # noqa: ASYNC110  # what is waited for is in another process
            await asyncio.sleep(0.1)


def percentiles(values: list[float]) -> dict[str, float] | None:
    if not values:
        return None
    ordered = sorted(values)
    return {
        "n": len(ordered),
        "p50": round(statistics.median(ordered), 3),
        "p95": round(ordered[min(int(0.95 * len(ordered)), len(ordered) - 1)], 3),
    }


async def measure(questions: int, over: int, transport: str, *arguments: str) -> dict[str, Any]:
    """All of it; `arguments` are the server's."""
    before, since = stolen(), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        async with server(*arguments) as (url, pid):
            found = await answers(url, pid, questions, transport, Path(name))
            found["interruptions"] = await interruptions(url, over, transport, Path(name)) if over else None
            async with httpx.AsyncClient() as http:
                lines = (await http.get(f"{url}metrics")).text.splitlines()
    lag = next((line for line in lines if line.startswith("visavis_event_loop_lag_seconds_recent{")), "0 0")
    found["event loop's lateness, p99 of the last minute, ms"] = round(1000 * float(lag.split()[-1]), 1)
    found["cores stolen meanwhile"] = round((stolen() - before) / (time.monotonic() - since), 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--over", type=int, default=8, help="voices over an answer")
    parser.add_argument("--transport", choices=("websocket", "webrtc"), default=None, help="both where none is named")
    options = parser.parse_args()
    known = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for transport in [options.transport] if options.transport else ["websocket", "webrtc"]:
        known[transport] = asyncio.run(measure(options.questions, options.over, transport))
        known[transport]["machine"] = describe()
        print(json.dumps(known[transport], indent=2))
        RESULT.write_text(json.dumps(known, indent=2) + "\n")


if __name__ == "__main__":
    main()
