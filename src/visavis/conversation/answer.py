"""An answer in the making: its script, how far it was played, and when each of its stages came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from visavis.conversation.events import Timed
from visavis.conversation.history import History
from visavis.conversation.script import Script
from visavis.engines.loading import Engines
from visavis.errors import VisavisError
from visavis.media.speech import Speech
from visavis.streams.flow import Stream

PATIENCE = 20.0
"""Seconds to wait for an answer's next piece of speech; then its engine is taken for hung."""
LEAD = 5_760
"""Samples (120 ms) that are made before an answer begins, or goes on after its voice was too slow."""


@dataclass(slots=True, eq=False)
class Answer:
    """To one question. It is played while it is `released`; a held one waits where it is."""

    turn: int
    question: str
    history: History
    """With the question."""
    engines: Engines
    """Those that make it."""
    asked: float
    """Seconds, loop time, at which the question ended."""
    script: Script = field(default_factory=Script)
    released: bool = False
    held: bool = False
    cursor: int = 0
    """Samples of the script that were given to the player."""
    running: bool = False
    """Whether its sound flows; an answer that waits for its voice starts again with a lead."""
    marks: dict[str, float] = field(default_factory=dict)
    """Loop time of each stage, by `Timed`'s names."""
    _placed: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        """Whether there is something to play now."""
        waiting = self.script.made - self.cursor
        enough = waiting > 0 if self.running or self.script.ended else waiting >= LEAD
        return self.released and not self.held and enough

    @property
    def begun(self) -> bool:
        """Whether any of it was given to the player."""
        return bool(self._placed)

    def placed(self, media: int, size: int) -> None:
        """`size` samples from the cursor on were given to be heard at `media`."""
        self._placed.append((media, self.cursor, size))
        self.cursor = min(self.cursor + size, self.script.made)

    def heard(self, media: int) -> int:
        """The sample of the script up to which the answer was heard at a media time."""
        before = [(at, begin, size) for at, begin, size in self._placed if at < media]
        if not before:
            return 0
        at, begin, size = before[-1]
        return min(begin + min(size, media - at), self.script.made)

    def ends(self) -> int:
        """The media time at which what was given to the player is over."""
        return self._placed[-1][0] + self._placed[-1][2] if self._placed else 0

    def back(self, media: int) -> None:
        """Nothing after `media` was heard: go back to there."""
        self.cursor = self.heard(media)
        self._placed = [(at, begin, size) for at, begin, size in self._placed if at < media]
        self.running = False

    def mark(self, stage: str, now: float) -> None:
        """A stage was reached; the first time counts."""
        self.marks.setdefault(stage, now)

    def timed(self) -> Timed:
        """The stages so far."""
        return Timed(self.turn, **{name: max(at - self.asked, 0.0) for name, at in self.marks.items()})

    async def write(self, speech: Stream[Speech], written: Callable[[], None]) -> None:
        """Write the script to its end, and say after each piece that it is `written`.

        Raises `VisavisError` for a piece that does not come in time.
        """
        async with aclosing(_watched(speech)) as pieces:
            async for piece in pieces:
                self.script.write(piece)
                written()
                await self.script.room()
        self.script.ended = True
        written()


async def _watched(speech: Stream[Speech]) -> Stream[Speech]:
    """The same pieces; one that does not come in time is a failure."""
    async with aclosing(speech) as pieces:
        while True:
            try:
                piece = await asyncio.wait_for(anext(pieces), PATIENCE)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise VisavisError(f"no answer came within {PATIENCE:.0f} s: ask again") from None
            yield piece
