"""Where a session's clips go in real time: what it needs of whoever shows them. `playback` and `gateway` have sinks."""

from __future__ import annotations

from typing import Protocol

from visavis.media.clip import Clip


class Sink(Protocol):
    """Shows clips to one person as time passes. It owns the wall clock; a session only counts samples.

    Media time is in samples at 48 kHz since the session began. Clips follow one another without a gap, sound always,
    pictures at the frame rate; after a `flush` they go on from its position, which lies before the last clip's end.
    """

    @property
    def strained(self) -> bool:
        """Whether pictures or sound came late in the last seconds: fewer pictures of a silent face would help."""
        ...

    async def play(self, clip: Clip, epoch: int) -> None:
        """Take a clip, and return when the next one is wanted: that is the back-pressure.

        A `flush` makes a waiting call return at once. Nothing that belongs to an earlier epoch is shown any more.
        """
        ...

    def position(self) -> int:
        """The media time that is being heard and seen now, as well as it is known; never beyond what was played."""
        ...

    def flush(self, position: int, epoch: int) -> None:
        """Drop all that was not shown yet: clips of `epoch` will follow, from `position` on."""
        ...
