"""Pages in real browsers: how soon one can be used, two that speak at once, and ten minutes of speech without a pause.

    python -m benchmarks.pages [--seconds N]

`visavis serve` as a user starts it, but for the language model, which is scripted so that it speaks for long; headless
Chromium, each in a process of its own, with an empty cache. Measured by the page itself:

- from the navigation to a page that can be used, and to the first living picture; bytes until then without the face;
- pictures shown a second while two pages at once speak;
- over a long speech: sound later than its picture in each half minute, its drift, and how often the sound ran out.

The browsers decode and draw on the same cores; what they take of them is in the result.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
from playwright.async_api import Page

from benchmarks.live import browser, cpu, percentiles, server, silence, until, write
from benchmarks.machine import describe, stolen
from benchmarks.sessions import LONG

RESULT = Path(__file__).parent / "results" / "pages.json"
LOADS, TWO_SECONDS, PART = 5, 30.0, 30.0
_FIRST = """
() => {
  const [page] = performance.getEntriesByType("navigation");
  const files = performance.getEntriesByType("resource").filter(({ name }) => !/avatars\\/.*jpg/.test(name));
  return { usable: window.usable, picture: window.first, bytes:
    files.reduce((sum, file) => sum + file.transferSize, page.transferSize) };
}
"""
_NOTE = """
window.usable = window.first = null;
const look = () => {
  const button = document.querySelector("#microphone");
  if (window.usable === null && window.visavis && button && !button.disabled) window.usable = performance.now();
  if (window.visavis && window.visavis.shown > 0) window.first = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


async def loads(url: str, microphone: Path) -> dict[str, Any]:
    """A page opened by a browser that never saw it."""
    usable, picture, size = [], [], 0
    for _ in range(LOADS):
        async with browser("about:blank", microphone, "true") as page:
            await page.add_init_script(_NOTE)
            await page.goto(url)
            await until(page, "window.first !== null")
            found = await page.evaluate(_FIRST)
        usable.append(found["usable"])
        picture.append(found["picture"])
        size = max(size, found["bytes"])
    return {
        "ms to a page that can be used": percentiles(usable),
        "ms to a living picture": percentiles(picture),
        "kB": round(size / 1000, 1),
    }


async def speak(page: Page) -> None:
    await page.click("body")  # sound is granted in a gesture
    await page.fill("#text", "Tell me something old.")
    await page.keyboard.press("Enter")
    await until(page, "window.visavis.state === 'speaking'")


async def watch(page: Page, seconds: float) -> dict[str, Any]:
    """What a speaking page shows, from its second second on."""
    await asyncio.sleep(1.0)
    look = "[window.visavis.shown, window.visavis.dropped, window.visavis.stalled, performance.now()]"
    before = await page.evaluate(look)
    skews: list[list[float]] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        part: list[float] = []
        until_next = min(time.monotonic() + PART, end)
        while time.monotonic() < until_next:
            state, skew = await page.evaluate("[window.visavis.state, window.visavis.skew]")
            assert state == "speaking", f"it is {state}"
            part += [] if skew is None else [1000 * skew]
            await asyncio.sleep(0.25)
        skews.append(part)
    after = await page.evaluate(look)
    shown, dropped, stalled, ms = (b - a for a, b in zip(before, after, strict=True))
    middles = [round(float(np.median(part)), 2) for part in skews if part]
    return {
        "pictures a second": round(1000 * shown / ms, 2),
        "dropped": dropped,
        "sound ran out": stalled,
        "sound later than its picture, ms, in each half minute": middles,
    }


async def together(url: str, pid: int, microphone: Path, count: int, seconds: float) -> dict[str, Any]:
    """So many browsers at once, all speaking."""
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(browser(url, microphone)) for _ in range(count)]
        for page in pages:
            await speak(page)
        used, busy, began, lost = cpu(pid), worked(), time.monotonic(), stolen()
        found = await asyncio.gather(*(watch(page, seconds) for page in pages))
        took = time.monotonic() - began
        served = (cpu(pid) - used) / took
        return {
            "pages": found,
            "cores of the server": round(served, 3),
            "cores of everything else": round((worked() - busy) / took - served, 3),
            "cores stolen": round((stolen() - lost) / took, 3),
        }


def worked() -> float:
    """Seconds of processor time that the whole machine worked since it started."""
    fields = list(map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9]))
    user, nice, system, _idle, _wait, irq, softirq, _steal = fields
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


async def measure(seconds: float) -> dict[str, Any]:
    os.environ["FAKE_ANSWER"] = LONG * 20
    with tempfile.TemporaryDirectory() as name:
        write(microphone := Path(name) / "silence.wav", [silence(1.0)])
        # a page that was closed keeps its place for a while, in case it comes back
        async with server("--llm", "fake", "--sessions", str(LOADS + 2)) as (url, pid):
            found: dict[str, Any] = {"opened": await loads(url, microphone)}
            print(json.dumps(found["opened"]))
            found["two at once"] = await together(url, pid, microphone, 2, TWO_SECONDS)
            print(json.dumps(found["two at once"]))
            if seconds:
                found[f"one for {seconds:.0f} s"] = await together(url, pid, microphone, 1, seconds)
                print(json.dumps(found[f"one for {seconds:.0f} s"]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="of the long speech; 0: none")
    options = parser.parse_args()
    found = {"machine": describe(), **asyncio.run(measure(options.seconds))}
    RESULT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
