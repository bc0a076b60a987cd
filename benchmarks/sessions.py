"""What conversations cost the server: one and four at a time, by WebSocket and by WebRTC, and two hundred turns.

    python -m benchmarks.sessions [--turns N]

`visavis serve` as a user starts it, but for the language model, which is scripted so that the face's own cost is
measured; pages without a browser, in a process of their own, that decode nothing. Measured: cores per session, idle
and speaking; pictures a second; the event loop's lateness; the memory of the server and its children after 20 turns
and after all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import queue
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiortc.rtcrtpreceiver
import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack

from benchmarks.live import cpu, server
from benchmarks.machine import describe, stolen
from tests.gateway.page import Page, open_page

RESULT = Path(__file__).parent / "results" / "sessions.json"
LONG = " ".join(
    f"The {what} is old, and nobody knows how old it really is, because it was there before anybody could count."
    for what in ("moon", "sea", "wood", "wind", "stone", "river", "road", "house", "song", "game")
)
SHORT = "Yes, it is."
SECONDS = 8.0


async def through_webrtc(page: Page) -> tuple[RTCPeerConnection, list[int]]:
    """Take the page's media over to WebRTC; counts the packets of pictures that arrive."""
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver(AudioStreamTrack(), "sendrecv")
    video = connection.addTransceiver("video", "recvonly")
    times = set[int]()
    handle = video.receiver._handle_rtp_packet

    async def noting(packet: Any, arrival_time_ms: int) -> None:
        if packet.payload:
            times.add(packet.timestamp)
        await handle(packet, arrival_time_ms)

    video.receiver._handle_rtp_packet = noting  # type: ignore[method-assign]
    await connection.setLocalDescription(await connection.createOffer())
    await page.say("offer", sdp=connection.localDescription.sdp)
    answer = await page.event("answer")
    await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    while connection.connectionState != "connected":  # noqa: ASYNC110  # aiortc tells it by a callback only
        await asyncio.sleep(0.05)
    await page.say("configure", transport="webrtc")
    return connection, times  # type: ignore[return-value]  # its length is what is looked at


async def client(port: int, pid: int, count: int, transport: str) -> dict[str, Any]:
    """So many sessions at once: idle, then all speaking."""
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(open_page(port)) for _ in range(count)]
        counts: list[Any] = []
        for page in pages:
            await page.hello()
            if transport == "webrtc":
                connection, times = await through_webrtc(page)
                stack.push_async_callback(connection.close)
                counts.append(times)
            else:
                counts.append(page.pictures)
        await asyncio.sleep(2.0)
        idle = await spent(pid, counts)
        for page in pages:
            await page.say("text", text="Tell me something old.")
        for page in pages:
            await page.event("spoken")
        await asyncio.sleep(2.0)
        speaking = await spent(pid, counts)
        assert not any(event["type"] == "answered" for page in pages for event in page.events), "it spoke all the time"
    return {"idle": idle, "speaking": speaking}


async def spent(pid: int, counts: list[Any]) -> dict[str, Any]:
    """Over some seconds: cores a session, and pictures a second of each."""
    used, began, before, lost = cpu(pid), time.monotonic(), [len(each) for each in counts], stolen()
    await asyncio.sleep(SECONDS)
    seconds = time.monotonic() - began
    return {
        "cores a session": round((cpu(pid) - used) / seconds / len(counts), 3),
        "pictures a second": [round((len(each) - b) / seconds, 1) for each, b in zip(counts, before, strict=True)],
        "cores stolen": round((stolen() - lost) / seconds, 2),
    }


async def apart(*arguments: str) -> Any:
    """The result of a client in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.sessions", "--client", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return json.loads(out)


async def conversations() -> dict[str, Any]:
    found: dict[str, Any] = {}
    os.environ["FAKE_ANSWER"] = LONG
    for transport in ("websocket", "webrtc"):
        for count in (1, 4):
            # told to, it lets more in than it would by itself
            async with server("--llm", "fake", "--sessions", "4") as (url, pid):
                port = url.rstrip("/").rsplit(":", 1)[1]
                each = await apart(port, str(pid), str(count), transport)
                each["event loop's lateness, p99, ms"] = round(1000 * await lateness(url), 1)
            found[f"{count} by {transport}"] = each
            print(f"{count} by {transport}", json.dumps(each))
    return found


async def lateness(url: str) -> float:
    async with httpx.AsyncClient() as http:
        lines = (await http.get(f"{url}metrics")).text.splitlines()
    return float(next(line for line in lines if line.startswith("visavis_event_loop_lag_seconds_recent{")).split()[-1])


async def memory(turns: int) -> dict[str, Any]:
    """Many turns of one conversation."""
    os.environ["FAKE_ANSWER"] = SHORT
    found: dict[str, Any] = {}
    async with server("--llm", "fake") as (url, pid), page_of(url) as page:
        for turn in range(1, turns + 1):
            count = len(page.events)
            await page.say("text", text=f"Is it true, number {turn}?")
            await page.event("answered", count)
            page.pictures.clear()
            page.sound.clear()
            if turn in (20, turns):
                found[f"MB after {turn} turns"] = round(resident(pid) / 1e6, 1)
    return found


@asynccontextmanager
async def page_of(url: str) -> AsyncGenerator[Page, None]:
    async with open_page(int(url.rstrip("/").rsplit(":", 1)[1])) as page:
        await page.hello()
        yield page


def resident(pid: int) -> int:
    """Bytes of memory of a process and its children."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return sum(int(Path(f"/proc/{each}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") for each in pids)


def undecoded(loop: object, packets: queue.Queue[Any], *rest: object) -> None:
    """In place of aiortc's decoder."""
    while packets.get() is not None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--client", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        # packets are counted, not decoded: a browser has its own process, and often its own chip, for that
        aiortc.rtcrtpreceiver.decoder_worker = undecoded  # type: ignore[assignment]
        port, pid, count, transport = options.client
        print(json.dumps(asyncio.run(client(int(port), int(pid), int(count), transport))))
        return
    found: dict[str, Any] = {"machine": describe(), **asyncio.run(conversations())}
    if options.turns:
        found["memory"] = asyncio.run(memory(options.turns))
        print(json.dumps(found["memory"]))
    RESULT.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
