"""Clips to a video that is watched while it is made: fragmented MP4 (ISO/IEC 14496-12, 8.8), piece by piece."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from fractions import Fraction

import av

from visavis.errors import BadInput
from visavis.media.clip import Clip
from visavis.media.video import Frame
from visavis.playback.encoder import Codec, Tracks
from visavis.playback.mp4 import add_clip, first_picture
from visavis.playback.provenance import marked, xmp_box
from visavis.streams.flow import Stream, flow
from visavis.streams.worker import Worker

_FRAGMENT = 200_000
"""Microseconds of video in a fragment, at least."""


class Bytes:
    """A file that is only written, and taken away as it grows."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """Append."""
        self._written += data
        return len(data)

    def take(self) -> bytes:
        """What was written since it was last asked."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def open_fragments(target: Bytes, metadata: Mapping[str, str]) -> av.container.OutputContainer:
    """A container that writes a fragment as soon as it is full."""
    container = av.open(
        target,
        "w",
        format="mp4",
        options={
            "movflags": "+frag_keyframe+empty_moov+default_base_moof",
            "frag_duration": str(_FRAGMENT),
            "flush_packets": "1",
        },
    )
    container.metadata.update(marked(metadata, webm=False))
    return container


@flow
async def fragments(
    clips: Stream[Clip], *, fps: Fraction, codec: Codec = "h264", metadata: Mapping[str, str] | None = None
) -> Stream[bytes]:
    """The bytes of a video of the clips, as soon as there are any; together they are a whole MP4 file.

    As `write_mp4` makes it, but for the order in the file. Raises `BadInput` for clips without any sound, and
    `EngineFailed` for a clip without a picture.
    """
    worker = Worker("encode")
    target = Bytes()
    tracks: Tracks | None = None
    held: Frame | None = None
    try:
        async with aclosing(clips):
            async for clip in clips:
                if not len(clip.audio):
                    continue
                if tracks is None:
                    height, width = first_picture(clip).pixels.shape[:2]
                    container = open_fragments(target, metadata or {})
                    tracks = Tracks(container, codec, (width, height), fps, clip.audio.rate, prompt=True)
                held = await add_clip(clip, held, tracks, fps, worker)
                if data := target.take():
                    yield data
        if tracks is None:
            raise BadInput("there is no sound to make a video of: ask for something that can be said aloud")
        await worker.run(tracks.drain)
        await worker.run(tracks.container.close)
        yield target.take() + xmp_box()
    finally:
        worker.close()
