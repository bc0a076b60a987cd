"""What a session shows: the face, silent or saying an answer, picture by picture to a sink; and taking it back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from visavis.conversation import events
from visavis.conversation.answer import Answer
from visavis.conversation.echo import Echo
from visavis.conversation.presence import PICTURES, Presence
from visavis.conversation.sink import Sink
from visavis.media.audio import SESSION_RATE
from visavis.media.clip import Clip, Window
from visavis.media.mood import Mood
from visavis.media.speech import rescaled

_AWAY = round(0.04 * SESSION_RATE)
"""Samples until what is made now can be seen: so much is not taken back."""


class Performance:
    """`run` it in a task. It shows whatever `answer` is, as soon as that is ready, and the face at rest otherwise."""

    def __init__(
        self,
        presence: Presence,
        tell: Callable[[events.Event], None],
        mood: Callable[[], Mood],
        began: Callable[[Answer], None],
        ended: Callable[[Answer], None],
        busy: Callable[[], bool],
    ) -> None:
        self.presence = presence
        self.epoch = 0
        """Counts what was taken back: what belongs to an earlier one is not to be shown any more."""
        self.answer: Answer | None = None
        """What is said, or will be as soon as it can."""
        self.echo = Echo()
        self._tell, self._mood, self._began, self._ended, self._busy = tell, mood, began, ended, busy
        self._sink: Sink | None = None
        self._attached = asyncio.Event()

    @property
    def seen(self) -> bool:
        """Whether it is shown to anybody."""
        return self._sink is not None

    def position(self) -> int:
        """The media time that is heard and seen now."""
        return self.presence.media if self._sink is None else self._sink.position()

    def attach(self, sink: Sink) -> None:
        """Show it here from now on."""
        self._sink = sink
        self._attached.set()

    def detach(self) -> None:
        """Nobody looks: the face stops where it is, and an answer with it."""
        if self._sink is None:
            return
        self._take_back(self._sink)
        if self.answer is not None:
            self.answer.held = True
        self._sink = None
        self._attached.clear()

    def hold(self) -> None:
        """Stop sounding: nothing of the answer that was not heard yet will be, for now."""
        if self.answer is not None and not self.answer.held:
            self.answer.held = True
            if self.answer.begun and self._sink is not None:
                self._take_back(self._sink)

    def resume(self) -> None:
        """Go on from the word that was cut."""
        if self.answer is not None:
            self.answer.cursor = self.answer.script.boundary(self.answer.cursor)
            self.answer.held = False

    def cut_in(self) -> None:
        """If the answer can begin, take back the silence that was to be heard before it: nobody waits for that."""
        if self.answer is not None and self.answer.ready and not self.answer.begun and self._sink is not None:
            self._take_back(self._sink)

    async def run(self) -> None:
        """Show it, until cancelled. Raises what engines raise; it can be run again."""
        while True:
            await self._attached.wait()
            await self._stretch(self.epoch, self.answer)

    async def _stretch(self, epoch: int, current: Answer | None) -> None:
        """Show the face for a moment, speaking if there is something to say; until it is taken back."""
        window = self._next(current)
        silent = window is None
        await self.presence.begin(window or self.presence.silence(self._mood()))
        turn = current.turn if current is not None else 0
        while (
            epoch == self.epoch and (clip := await self.presence.picture(turn, drawn=self._drawn(silent))) is not None
        ):
            if epoch != self.epoch or self._sink is None:
                return  # taken back meanwhile: it will be made anew
            self.presence.kept(clip)
            if current is not None and not silent:
                self._put(current, clip)
            self.echo.played(clip.audio)
            await self._sink.play(clip, epoch)
            self._check_end()
            if silent and self.answer is not None and self.answer.ready:
                return  # nobody waits for the end of a silence

    def _drawn(self, silent: bool) -> bool:
        """Whether the next picture is: where the machine or the page is short of time, every second one of a silent
        face is not, which leaves that time to who listens and thinks."""
        spared = silent and self._sink is not None and (self._sink.strained or self._busy())
        return not spared or self.presence.media // self.presence.step % 2 == 0

    def _next(self, current: Answer | None) -> Window | None:
        """The answer's next stretch, if it has one."""
        if current is None or not current.ready:
            if current is not None:
                current.running = False
            return None
        step = self.presence.step
        pictures = (current.script.made - current.cursor) / step
        whole = math.ceil(pictures) if current.script.ended else max(math.floor(pictures), 1)
        size = min(whole, PICTURES) * step
        return current.script.read(current.cursor, size, self.presence.media, self._mood().doing("speaking"))

    def _put(self, current: Answer, clip: Clip) -> None:
        """A picture of the answer and its sound go to the sink: note what is heard when."""
        first, begin, start = not current.begun, current.cursor, clip.audio.start
        current.placed(start, len(clip.audio))
        if first or not current.running:
            self._began(current)
        current.running = True
        number, text = current.script.sentence(begin, begin + len(clip.audio))
        if clip.words or text:
            index = sum(word.start < begin for word in current.script.words)
            words = rescaled(clip.words, 1, start)
            self._tell(events.Saying(current.turn, number, text, start, words, index, self.epoch))

    def _check_end(self) -> None:
        current = self.answer
        if current is None or not current.released or not current.script.ended or current.cursor < current.script.made:
            return
        if self.position() >= current.ends():
            self._ended(current)

    def _take_back(self, sink: Sink) -> None:
        """What was not heard and seen yet will not be."""
        heard = sink.position()
        cut = self.presence.rewind(heard + _AWAY)
        if self.answer is not None and self.answer.begun:
            self.answer.back(heard)
        self.epoch = (self.epoch + 1) % 65_536
        sink.flush(cut, self.epoch)
        self.echo.flushed(cut / SESSION_RATE)
        self._tell(events.Flushed(cut, self.epoch))
