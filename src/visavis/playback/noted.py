"""Clips on their way to a player or a file, with others looking on."""

from __future__ import annotations

from collections.abc import Callable

from visavis.media.clip import Clip
from visavis.streams.flow import Stream, flow


@flow
async def noted(clips: Stream[Clip], *takers: Callable[[Clip], None]) -> Stream[Clip]:
    """The same clips; each is shown to the takers before it goes on."""
    async for clip in clips:
        for take in takers:
            take(clip)
        yield clip
