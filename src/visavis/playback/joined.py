"""Videos that were made one after the other, joined to one while they come: nothing is coded anew."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import Iterator
from contextlib import aclosing
from fractions import Fraction

import av

from visavis.errors import EngineFailed
from visavis.playback.fragments import Bytes, open_fragments
from visavis.playback.provenance import xmp_box
from visavis.streams.flow import Stream, flow
from visavis.streams.worker import Worker

_AT_ONCE = {"analyzeduration": "0", "fpsprobesize": "0"}
"""What the file says of its tracks is believed, instead of watching it first."""


class _Pipe:
    """A file that is read, blocking, while it is filled from the event loop."""

    def __init__(self) -> None:
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._rest = b""
        self._ended = False

    def write(self, data: bytes) -> None:
        """Append; nothing is the end."""
        self._chunks.put(data)

    def read(self, size: int) -> bytes:
        """At most `size` bytes; nothing at the end."""
        if not self._rest and not self._ended:
            self._rest = self._chunks.get()
            self._ended = not self._rest
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


class _Joined:
    """The video in the making. Blocking."""

    def __init__(self) -> None:
        self.target = Bytes()
        self._container = open_fragments(self.target, {})
        self._end = Fraction(0)
        """Seconds at which the videos so far are over."""

    def add(self, pipe: _Pipe) -> Iterator[bytes]:
        """Append a video; the bytes that come of it."""
        begin = self._end
        with av.open(pipe, "r", format="mp4", options=_AT_ONCE) as source:
            if not self._container.streams:
                for stream in source.streams:
                    self._container.add_stream_from_template(stream)
            for packet in source.demux():
                if packet.dts is None or packet.pts is None:
                    continue  # the end of a track
                base = packet.time_base
                shift = round(begin / base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                self._end = max(self._end, (packet.pts + (packet.duration or 0)) * base)
                packet.stream = self._container.streams[packet.stream.index]
                self._container.mux(packet)
                if data := self.target.take():
                    yield data

    def finish(self) -> bytes:
        """The last bytes."""
        self._container.close()
        return self.target.take() + xmp_box()


@flow
async def joined(videos: Stream[Stream[bytes]]) -> Stream[bytes]:
    """One fragmented MP4 of videos alike, each in pieces, of which the next one is asked for when one is over.

    Raises `EngineFailed` for what is no video.
    """
    worker = Worker("join")
    made: _Joined | None = None
    try:
        async for video in videos:
            pipe = _Pipe()
            feeding = asyncio.ensure_future(_fed(pipe, video))
            made = made or _Joined()
            try:
                async with aclosing(worker.iterate(lambda made=made, pipe=pipe: made.add(pipe))) as pieces:  # type: ignore[misc]
                    async for data in pieces:
                        yield data
                await feeding
            except av.error.FFmpegError:
                await feeding  # what went wrong there is the cause
                raise EngineFailed("animation", "opea", "the service sent no video that can be read") from None
            finally:
                pipe.write(b"")
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
        if made is not None:
            yield await worker.run(made.finish)
    finally:
        worker.close()


async def _fed(pipe: _Pipe, video: Stream[bytes]) -> None:
    with contextlib.ExitStack() as stack:
        stack.callback(pipe.write, b"")
        async with aclosing(video):
            async for data in video:
                if data:
                    pipe.write(data)
