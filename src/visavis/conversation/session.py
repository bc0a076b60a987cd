"""One person and one face: what is said, typed or done comes in, and the face goes to a sink. It holds the only
TaskGroup; an answer is a task of it, and interrupting is cancelling that task.

Nothing here knows a wall clock or a network: the sink paces the face, and the microphone counts its own samples.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from visavis.avatars.avatar import Avatar
from visavis.conversation import events
from visavis.conversation.answer import Answer
from visavis.conversation.ear import Ear
from visavis.conversation.ending import Ending
from visavis.conversation.failures import Failures
from visavis.conversation.hearing import Hearing
from visavis.conversation.history import History
from visavis.conversation.performance import Performance
from visavis.conversation.presence import Presence
from visavis.conversation.question import as_written
from visavis.conversation.reading import Reading
from visavis.conversation.reply import Manner
from visavis.conversation.sink import Sink
from visavis.conversation.turn import Floor, Laws, Move
from visavis.conversation.writing import apologize, write
from visavis.engines.loading import Engines
from visavis.engines.protocols import Animator, Transcript
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.mood import Mood
from visavis.telemetry import turn_id

_TAIL = round(0.3 * SESSION_RATE)  # samples after an answer in which a half-duplex session does not listen yet
_REST = 0.2  # seconds until an engine that failed is tried again


class Session:
    """`run` it in a task; call everything else from the same event loop. Calls return at once.

    To `spare` a small machine, fewer pictures of the face are drawn while an answer is awaited.
    """

    def __init__(
        self,
        engines: Engines,
        avatar: Avatar,
        manner: Manner,
        history: History,
        tell: Callable[[events.Event], None],
        *,
        hears: bool = True,
        spare: bool = False,
        laws: Laws | None = None,
    ) -> None:
        self.manner, self.history = manner, history
        self.half_duplex = False
        """Do not listen while speaking."""
        self.push_to_talk = False
        """Listen only while the key to talk is down."""
        self.last: Answer | None = None
        """The last answer that was heard, whole or in part."""
        self._engines, self._tell, self._hears, self._spare = engines, tell, hears, spare
        presence = Presence(avatar, engines.articulation, engines.animation, manner.rendering, history.session)
        self._shown = Performance(presence, tell, self._mood, self._began, self._ended, self._busy)
        self._reading, self._failures = Reading(), Failures(tell)
        self._ending = Ending(engines.turn, manner.language, self._failures, engines.guests)
        self._floor = Floor(laws, asks=self._ending.asks)
        self._ear = Ear(engines.asr, manner.language, self._transcribed, engines.guests)
        self._heard = Hearing(engines.vad, self._floor, self._ear, self._deaf, self._obey, self._ending)
        self._turn, self._nodded = 0, False
        self._prepared: Answer | None = None
        self._tasks: dict[Answer, asyncio.Task[None]] = {}
        self._question = ""  # asked, but nothing of its answer was heard yet
        # of the utterance whose transcript is awaited: when and where its voice ended, and when that was certain
        self._closed: tuple[float, int, float] | None = None
        self._doing: events.Doing = "idle"
        self._group: asyncio.TaskGroup | None = None

    # ---- what the world does

    def attach(self, sink: Sink) -> None:
        """Show the face here from now on: it goes on at `media`, and so does an answer that was stopped."""
        self._shown.attach(sink)
        if self._answer is not None and self._answer.held and not self._floor.held:
            self._resume()

    def detach(self) -> None:
        """Nobody looks: the face stops where it is, and an answer with it."""
        self._shown.detach()

    def hear(self, audio: Audio) -> None:
        """Sound of the microphone, 16 kHz."""
        self._heard.hear(audio)

    def hush(self) -> None:
        """The microphone was closed."""
        self._heard.clear()
        self._obey(self._floor.hush())

    def ask(self, text: str) -> None:
        """A typed question; an answer that is going on is given up."""
        self._obey(self._floor.forget())
        self._ear.drop()
        self.interrupt()
        self._closed = None
        self._asked(text, self._now())

    def talk(self, down: bool) -> None:
        """The key to talk was pressed or let go."""
        if self._hears:
            moves = self._floor.talk(down)
            if Move.OPEN in moves:  # a key has no sound before it
                self._ear.begin([])
            self._obey(moves)

    def interrupt(self) -> None:
        """Give up the answer, as a button asks it."""
        if self._answer is not None:
            self._obey([Move.INTERRUPT])
            self._floor.answering(False)
        self._question = ""  # whoever stops an answer has something else in mind

    def change(self, avatar: Avatar) -> None:
        """Another face, from the next picture on."""
        self._shown.presence.change(avatar)

    def draw_with(self, animation: Animator) -> None:
        """Another animator, from the next picture on."""
        self._shown.presence.draw_with(animation)

    def adopt(self, engines: Engines) -> None:
        """Other ears, mind and voice: from the next utterance on, and the next answer. What draws stays."""
        before, self._engines = self._engines, engines
        self._ear.adopt(engines.asr)
        self._ending.adopt(engines.turn)
        self._floor.asks = self._ending.asks
        self.manner = self.manner.spoken_by(engines.tts.voices())
        if self._group is not None and engines.llm is not before.llm:
            self._reading.stop()
            self._reading.begin(engines, self.history, self._group)

    @property
    def animation(self) -> Animator:
        """What draws the face."""
        return self._shown.presence.animation

    @property
    def avatar(self) -> Avatar:
        """The face."""
        return self._shown.presence.avatar

    @property
    def media(self) -> int:
        """The media time at which the face goes on."""
        return self._shown.presence.media

    @property
    def doing(self) -> events.Doing:
        """What the avatar does now."""
        return self._doing

    @property
    def epoch(self) -> int:
        """Of what is shown from now on."""
        return self._shown.epoch

    @property
    def microphone(self) -> int:
        """Samples at 16 kHz that came from the microphone so far."""
        return self._heard.received

    # ---- its tasks

    async def run(self) -> None:
        """Until cancelled. An engine that fails ends an answer or an utterance, never this."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._kept_up(self._shown.run, "animation"))
                self._reading.begin(self._engines, self.history, group)
                if self._hears:
                    group.create_task(self._kept_up(self._heard.run, "vad"))
                    group.create_task(self._kept_up(self._ear.run, "asr"))
        finally:
            self._ear.drop()  # what it kept of replaced engines is free

    async def _kept_up(self, run: Callable[[], Awaitable[None]], slot: str) -> None:
        """Run it again whenever it fails."""
        while True:
            try:
                await run()
            except Exception as error:
                self._failures.add(error, slot)
                if slot == "asr":
                    self._ear.drop()
                    self._obey(self._floor.forget())
                await asyncio.sleep(_REST)

    async def _make(self, current: Answer) -> None:
        """Write an answer's script; what goes wrong is said aloud."""
        turn_id.set(current.turn)
        engines, manner = current.engines, self.manner

        def written() -> None:
            if current is self._answer:
                self._shown.cut_in()

        try:
            await write(current, engines, self.avatar, manner, written)
        except Exception as error:
            if current is self._prepared:  # nobody has asked yet: it will be tried again if somebody does
                self._prepared = None
                return
            self._failures.add(error, "", current.turn)
            await apologize(current, engines, manner, written)
            if not current.script.made:
                self._question = ""
                self._drop(current)
                self._do("idle")

    # ---- what follows from what is heard

    def _obey(self, moves: list[Move]) -> None:
        for move in moves:
            match move:
                case Move.OPEN:
                    self._closed = None
                case Move.HOLD if self._answer is not None:
                    self._tell(events.Interrupted("hold"))
                    self._shown.hold()
                    self._do("held")
                case Move.RESUME if self._answer is not None:
                    self._tell(events.Interrupted("resume"))
                    self._shown.echo.mistaken()
                    self._resume()
                case Move.INTERRUPT if self._answer is not None:
                    self._tell(events.Interrupted("interrupt"))
                    self._shown.hold()
                    self._finish(self._answer, interrupted=True)
                    self._do("idle")
                case Move.PREPARE:
                    self._ear.pause()
                case Move.ASK if self._group is not None:
                    self._ending.ask(self._floor.judged, self._group)
                case Move.RETRACT:
                    self._ear.go_on()
                    self._retract()
                case Move.DROP:
                    self._closed = None
                    self._ear.drop()
                    self._retract()
                    if self._answer is None:
                        self._do("idle")
                case Move.CLOSE:
                    self._closed = self._end_of_voice()
                    self._do("thinking")
                    self._ear.end()
        if self._floor.listening and self._doing == "idle":
            self._do("listening")

    def _transcribed(self, transcript: Transcript) -> None:
        """The ear has understood something."""
        text = transcript.text.strip()
        if self._closed is None or not transcript.final:
            if text:
                self._tell(events.Hearing(self._turn + 1, text, False))
            self._obey(self._floor.recognized(text))
            if not transcript.final and self._answer is None and self._prepared is None:
                self._reading.follow(self._engines, self.history, self._question, text, self._group)
            elif transcript.final and text and self._ear.paused:
                self._prepare(as_written(text))
        elif text:
            self._asked(as_written(text), self._closed[0])
        else:
            self._closed = None
            self._retract()
            if self._answer is None and not self._floor.listening:
                self._do("idle")

    def _prepare(self, said: str) -> None:
        if self._prepared is None and self._answer is None:
            self._prepared = self._begin(self._whole(said), self._turn + 1)

    def _retract(self) -> None:
        if self._prepared is not None:
            prepared, self._prepared = self._prepared, None
            self._drop(prepared)

    def _whole(self, text: str) -> str:
        """The question with what was asked before it and never answered aloud."""
        return f"{self._question} {text}" if self._question else text

    # ---- answers

    @property
    def _answer(self) -> Answer | None:
        return self._shown.answer

    def _asked(self, said: str, at: float) -> None:
        """A question is complete: its answer begins, or goes on where it was prepared."""
        closed, self._closed = self._closed, None
        text = self._whole(said)
        self._turn += 1
        self._tell(events.Hearing(self._turn, said, True, closed[1] if closed else None))
        if self._prepared is not None and self._prepared.question != text:
            self._retract()
        current, self._prepared = self._prepared or self._begin(text, self._turn), None
        current.asked, current.released = at, True
        if closed:
            current.mark("endpoint", closed[2])
            current.mark("transcript", self._now())
        self._question, self._shown.answer = text, current
        self._do("thinking")
        self._obey(self._floor.answering(True))
        self._shown.cut_in()

    def _begin(self, question: str, turn: int) -> Answer:
        assert self._group is not None
        self._reading.stop()
        current = Answer(turn, question, self.history.asked(question), self._engines, self._now())
        task, guest = self._group.create_task(self._make(current)), current.engines.guests.enter()
        self._tasks[current] = task
        task.add_done_callback(lambda _: self._tasks.pop(current, None))
        task.add_done_callback(lambda _: guest.leave())
        return current

    def _drop(self, current: Answer) -> None:
        """Give up the making of an answer."""
        if (task := self._tasks.get(current)) is not None and task is not asyncio.current_task():
            task.cancel()
        if current is self._answer:
            self._shown.answer = None
            self._floor.answering(False)

    def _resume(self) -> None:
        self._shown.resume()
        self._do("speaking" if self._answer is not None and self._answer.begun else "thinking")

    def _began(self, current: Answer) -> None:
        """An answer sounds."""
        if "sent" not in current.marks:
            current.mark("sent", self._now())
            self._tell(current.timed())
        self._do("speaking")

    def _ended(self, current: Answer) -> None:
        """An answer was heard to its end."""
        self._finish(current, interrupted=False)
        self._floor.answering(False)
        self._do("listening" if self._floor.listening else "idle")

    def _finish(self, current: Answer, *, interrupted: bool) -> None:
        """The answer is over; the history keeps what was heard of it."""
        text = current.script.heard(current.cursor) if current.begun else ""
        self._shown.answer = None
        self._drop(current)
        if text:
            self.history = self.history.asked(current.question).answered(text)
            self.last = current
            if self._group is not None:
                self._reading.begin(self._engines, self.history, self._group)
        self._question = "" if text or not interrupted else self._question
        self._tell(events.Answered(current.turn, text, interrupted))

    # ---- how it is

    def _do(self, doing: events.Doing) -> None:
        if doing != self._doing:
            self._doing = doing
            self._tell(events.Now(doing))

    def _mood(self) -> Mood:
        mood = self.manner.mood.doing("listening" if self._doing == "held" else self._doing)
        before, self._nodded = self._nodded, self._floor.pausing
        return replace(mood, nod=self._nodded and not before)

    def _end_of_voice(self) -> tuple[float, int, float]:
        """When and where the utterance that is closed now was over: who talks by a key says it with that."""
        now, heard = self._now(), self._heard
        return (now, heard.received, now) if self.push_to_talk else (now - heard.silence, heard.voice_end, now)

    def _busy(self) -> bool:
        """Whether somebody waits for the machine, and it has no core to spare."""
        awaited = self._prepared or self._answer
        return self._spare and (self._ear.paused or (awaited is not None and not awaited.begun))

    def _deaf(self, frame: Audio) -> bool:
        """Whether voice in the microphone does not count: an echo, or nobody is meant to be listened to."""
        if not self._shown.seen:
            return True
        position = self._shown.position()
        echo = self._shown.echo.explains(frame, position / SESSION_RATE)
        speaking = self._answer is not None and self._answer.begun
        speaking = speaking or (self.last is not None and position < self.last.ends() + _TAIL)
        return echo or self.push_to_talk or (self.half_duplex and speaking)

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
