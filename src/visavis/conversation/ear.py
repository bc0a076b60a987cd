"""What is understood while somebody speaks: utterances go in frame by frame, transcripts come out as they change.

In a pause what was said is settled, so that at the utterance's end nobody waits for the recogniser; the utterance goes
on with the sound since, if the voice does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from visavis.conversation.listen import CHUNK, RATE
from visavis.engines.guests import Guest, Guests
from visavis.engines.protocols import Carry, Recognition, SpeechRecognizer, Transcript
from visavis.media.audio import Audio

_WAITING = 1250
"""Frames (40 s) that may wait for a slow recogniser: more than the longest utterance has."""


class Ear:
    """Recognises one utterance after the other, beside the task that judges the frames.

    `told` gets a transcript whenever it changes; a final one if all that was said so far is settled.
    """

    def __init__(
        self, asr: SpeechRecognizer, language: str, told: Callable[[Transcript], None], guests: Guests
    ) -> None:
        self._asr, self._options, self._told = asr, Recognition(language), told
        self._next, self._guests = asr, guests
        self._staying: Guest | None = None  # while an utterance keeps a recogniser that was replaced
        self._carry: Carry | None = None
        self._queue: asyncio.Queue[tuple[int, Audio | None]] = asyncio.Queue(_WAITING)
        self._utterance = 0
        self._open = False
        self._since: list[Audio] | None = None  # frames since the pause
        self._unsettled = 0  # ends on their way through the queue
        self._settled = Transcript("", final=True)

    @property
    def paused(self) -> bool:
        """Whether the open utterance pauses."""
        return self._open and self._since is not None

    def adopt(self, asr: SpeechRecognizer) -> None:
        """Recognise with this one, from the next utterance on: no other could go on with an open one."""
        self._next = asr
        if asr is not self._asr and self._staying is None:
            self._staying = self._guests.enter()
        self._renew()

    def _renew(self) -> None:
        """Let go of a recogniser that was replaced, if no utterance needs it any more."""
        if self._staying is not None and not self._open and not self._unsettled:
            self._asr, self._carry = self._next, None
            self._utterance += 1
            self._staying.leave()
            self._staying = None

    def begin(self, sound: list[Audio]) -> None:
        """An utterance begins with these frames. Where the one before is not understood yet, it goes on with them."""
        if not self._unsettled:
            self._utterance += 1
            self._settled = Transcript("", final=True)
        self._open, self._since = True, None
        for frame in sound:
            self.add(frame)

    def add(self, frame: Audio) -> None:
        """One more frame of the open utterance. Beyond what may wait, sound is lost."""
        if not self._open:
            return
        if self._since is not None:
            self._since.append(frame)
        elif not self._queue.full():
            self._queue.put_nowait((self._utterance, frame))

    def pause(self) -> None:
        """The utterance may be over: settle what was said so far."""
        if self._open and self._since is None:
            self._since = []
            self._settle()

    def go_on(self) -> None:
        """It was not over."""
        if self._since is not None:
            since, self._since = self._since, None
            for frame in since:
                self.add(frame)

    def end(self) -> None:
        """The utterance is over: its final transcript will be told, at once if it is settled, even if it is empty."""
        if not self._open:
            return
        self._open = False
        if self._since is None:
            self._settle()
        elif not self._unsettled:
            self._told(self._settled)
        self._renew()

    def drop(self) -> None:
        """The utterance was nothing: nothing more will be told of it."""
        self._open, self._since, self._unsettled = False, None, 0
        self._utterance += 1
        self._renew()

    async def run(self) -> None:
        """Recognise, until cancelled. Raises what the recogniser raises; it can be run again."""
        try:
            await self._run()
        finally:
            self._carry = None

    async def _run(self) -> None:
        current, chunk = 0, list[Audio]()
        while True:
            utterance, frame = await self._queue.get()
            if utterance != current:
                current, self._carry, chunk = utterance, None, []
            if utterance != self._utterance:
                continue  # dropped
            if frame is not None:
                chunk.append(frame)
                if len(chunk) < CHUNK:
                    continue
            sound = Audio.join(chunk) if chunk else Audio.silence(0, RATE)
            chunk = []
            with (
                self._guests.inside()
            ):  # an utterance that is dropped meanwhile keeps its recogniser no longer than this
                transcript, carry = await self._asr.recognize(sound, self._carry, self._options, frame is None)
            if utterance != self._utterance:
                continue
            self._carry = carry
            if transcript.final:
                self._unsettled -= 1
                self._settled = transcript
            self._told(transcript)
            self._renew()

    def _settle(self) -> None:
        if self._queue.full():
            self._queue.get_nowait()
        self._unsettled += 1
        self._queue.put_nowait((self._utterance, None))
