"""One person and one face: whatever is said, typed or done comes in, and clips go to a sink. It holds the only
TaskGroup; an answer is a task of it, and interrupting is cancelling that task.

Nothing here knows a wall clock or a network: the sink paces the clips, and the microphone counts its own samples.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from visavis.avatars.avatar import Avatar
from visavis.conversation import events
from visavis.conversation.answer import Answer
from visavis.conversation.ear import Ear
from visavis.conversation.echo import Echo
from visavis.conversation.history import History
from visavis.conversation.listen import FRAME, RATE
from visavis.conversation.presence import PICTURES, Presence
from visavis.conversation.question import as_written
from visavis.conversation.reply import Manner, answer
from visavis.conversation.sink import Sink
from visavis.conversation.speak import speak
from visavis.conversation.turn import Floor, Laws, Move
from visavis.engines.loading import Engines
from visavis.engines.protocols import Carry, Delta, Transcript
from visavis.errors import EngineFailed, VisavisError
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip, Window
from visavis.media.mood import Mood
from visavis.media.speech import Line, Speech, rescaled
from visavis.streams.flow import Stream, flow
from visavis.streams.noted import noted
from visavis.telemetry import turn_id

PATIENCE = 20.0
"""Seconds to wait for an answer's next piece of speech; then its engine is taken for hung."""
_AWAY = round(0.04 * SESSION_RATE)  # samples until what is made now can be seen: so much is not taken back
_TAIL = round(0.3 * SESSION_RATE)  # samples after an answer in which a half-duplex session does not listen yet
_MIC = 64  # frames (2 s) of the microphone that may wait to be judged; older ones are dropped
_APOLOGY = "Sorry, something went wrong on my side. Please ask me again."
_log = logging.getLogger(__name__)


class Session:
    """`run` it in a task; call everything else from the same event loop. Calls return at once."""

    def __init__(
        self,
        engines: Engines,
        avatar: Avatar,
        manner: Manner,
        history: History,
        tell: Callable[[events.Event], None],
        *,
        hears: bool = True,
        laws: Laws | None = None,
    ) -> None:
        self.manner = manner
        self.half_duplex = False
        self.push_to_talk = False
        self.epoch = 0
        self.history = history
        self.last: Answer | None = None
        """The last answer that was heard, whole or in part."""
        self._engines, self._tell, self._hears = engines, tell, hears
        self._floor = Floor(laws)
        self._presence = Presence(avatar, engines.articulation, engines.animation, manner.rendering, history.session)
        self._ear = Ear(engines.asr, manner.language, self._transcribed)
        self._echo = Echo()
        self._laws = self._floor.laws
        self._turn = 0
        self._answer: Answer | None = None
        self._prepared: Answer | None = None
        self._tasks: dict[Answer, asyncio.Task[None]] = {}
        self._question = ""  # asked, but nothing of its answer was heard yet
        self._doing: events.Doing = "idle"
        self._heard = ""  # of the open utterance, so far
        self._nodded = False
        self._sink: Sink | None = None
        self._attached = asyncio.Event()
        self._mic: deque[Audio] = deque(maxlen=_MIC)
        self._sounding = asyncio.Event()
        self._rest = np.zeros(0, np.float32)
        self._received = 0
        self._samples = 0  # of the microphone at 16 kHz, that were judged
        self._voice_end = 0
        self._ended: tuple[float, int, float] | None = None  # when, on the microphone's clock, and when it was decided
        self._group: asyncio.TaskGroup | None = None

    # ---- what the world does

    def attach(self, sink: Sink) -> None:
        """Show the face here from now on: it goes on at `media`, and so does an answer that was stopped."""
        self._sink = sink
        self._attached.set()
        if self._answer is not None and self._answer.held and not self._floor.held:
            self._resume(self._answer)

    def detach(self) -> None:
        """Nobody looks: the face stops where it is, and an answer with it."""
        if self._sink is None:
            return
        self._stop(self._sink)
        if self._answer is not None:
            self._answer.held = True
        self._sink = None
        self._attached.clear()

    def hush(self) -> None:
        """The microphone was closed."""
        self._mic.clear()
        self._obey(self._floor.hush())

    def hear(self, audio: Audio) -> None:
        """Sound of the microphone, 16 kHz."""
        self._received += len(audio)
        samples = np.concatenate([self._rest, audio.samples])
        whole = len(samples) // FRAME * FRAME
        for begin in range(0, whole, FRAME):
            self._mic.append(Audio(samples[begin : begin + FRAME], RATE))
        self._rest = samples[whole:]
        if whole:
            self._sounding.set()

    def ask(self, text: str) -> None:
        """A typed question; an answer that is going on is given up."""
        self._obey(self._floor.forget())
        self.interrupt()
        self._question, self._ended = "", None
        self._asked(text, asyncio.get_running_loop().time())

    def talk(self, down: bool) -> None:
        """The key to talk was pressed or let go."""
        if self._hears:
            self._obey(self._floor.talk(down))

    def interrupt(self) -> None:
        """Give up the answer, as a button asks it."""
        if self._answer is not None:
            self._obey([Move.INTERRUPT])
            self._floor.answering(False)
        self._question = ""  # whoever stops an answer has something else in mind

    def change(self, avatar: Avatar) -> None:
        """Another face, from the next picture on."""
        self._presence.change(avatar)

    @property
    def media(self) -> int:
        """The media time at which the face goes on."""
        return self._presence.media

    @property
    def microphone(self) -> int:
        """Samples at 16 kHz that came from the microphone so far."""
        return self._received

    @property
    def avatar(self) -> Avatar:
        """The face."""
        return self._presence.avatar

    # ---- its tasks

    async def run(self) -> None:
        """Until cancelled. An engine that fails ends an answer or an utterance, never this."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self._perform())
            if self._hears:
                group.create_task(self._judge())
                group.create_task(self._understand())

    async def _perform(self) -> None:
        """The face, stretch by stretch."""
        while True:
            await self._attached.wait()
            try:
                await self._stretch(self.epoch, self._answer)
            except Exception as error:
                self._failed(error, "animation")
                await asyncio.sleep(0.2)  # rather than to fail as fast as the machine can

    async def _stretch(self, epoch: int, current: Answer | None) -> None:
        """Show the face for a moment, speaking if there is something to say; until it is flushed."""
        window = self._next(current)
        silent = window is None
        await self._presence.begin(window or self._presence.silence(self._mood()))
        while epoch == self.epoch and (clip := await self._presence.picture(self._turn)) is not None:
            if epoch != self.epoch or self._sink is None:
                return  # flushed meanwhile: it will be made anew
            self._presence.kept(clip)
            if current is not None and not silent:
                self._put(current, clip)
            self._echo.played(clip.audio)
            await self._sink.play(clip, epoch)
            self._check_end()
            if silent and self._answer is not None and self._answer.ready:
                return  # nobody waits for the end of a silence

    def _next(self, current: Answer | None) -> Window | None:
        """The answer's next stretch, if it has one."""
        if current is None or not current.ready:
            if current is not None:
                current.running = False
            return None
        step = self._presence.step
        pictures = (current.script.made - current.cursor) / step
        whole = math.ceil(pictures) if current.script.ended else max(math.floor(pictures), 1)
        size = min(whole, PICTURES) * step
        return current.script.read(current.cursor, size, self._presence.media, self.manner.mood.doing("speaking"))

    def _put(self, current: Answer, clip: Clip) -> None:
        """A picture of the answer and its sound go to the sink: note what is heard when."""
        begin, start = current.cursor, clip.audio.start
        current.placed(start, len(clip.audio))
        current.running = True
        if "sent" not in current.marks:
            current.mark("sent", asyncio.get_running_loop().time())
            self._tell(current.timed())
        self._do("speaking")
        number, text = current.script.sentence(begin, begin + len(clip.audio))
        if clip.words or text:
            index = sum(word.start < begin for word in current.script.words)
            words = rescaled(clip.words, 1, start)
            self._tell(events.Saying(current.turn, number, text, start, words, index, self.epoch))

    def _check_end(self) -> None:
        current = self._answer
        if current is None or self._sink is None or not current.script.ended or current.cursor < current.script.made:
            return
        if current.released and self._sink.position() >= current.ends():
            self._finish(current, interrupted=False)
            self._floor.answering(False)
            self._do("listening" if self._floor.listening else "idle")

    async def _judge(self) -> None:
        """The microphone, frame by frame."""
        carry: Carry | None = None
        past: deque[Audio] = deque(maxlen=self._laws.preroll + self._laws.onset)
        while True:
            await self._sounding.wait()
            while self._mic:
                frame = self._mic.popleft()
                self._samples += len(frame)
                past.append(frame)
                probability = 0.0
                try:
                    probability, carry = await self._engines.vad.detect(frame, carry)
                except Exception as error:
                    carry = None
                    self._failed(error, "vad")
                deaf = self._deaf(frame)
                voiced = probability >= self._laws.voice and (not deaf or self._floor.pressed)
                if voiced:
                    self._voice_end = self._samples
                self._ear.add(frame)
                moves = self._floor.frame(voiced)
                if Move.OPEN in moves:
                    self._ear.begin(list(past))
                self._obey([move for move in moves if move is not Move.OPEN])
                if self._floor.listening and self._doing == "idle":
                    self._do("listening")
            self._sounding.clear()

    async def _understand(self) -> None:
        while True:
            try:
                await self._ear.run()
            except Exception as error:
                self._ear.drop()
                self._obey(self._floor.forget())
                self._failed(error, "asr")

    async def _make(self, current: Answer) -> None:
        """Write an answer's script; what goes wrong is said aloud, if the voice still works."""
        turn_id.set(current.turn)
        loop = asyncio.get_running_loop()

        def thought(delta: Delta) -> None:
            if delta.text.strip():
                current.mark("word", loop.time())

        def made(piece: Speech) -> None:
            current.mark("audio", loop.time())

        speech = answer(current.history, self._engines, self.avatar, self.manner, thought)
        try:
            await current.write(_watched(noted(speech, made)), lambda: self._cut_in(current))
        except Exception as error:
            if current is self._prepared:  # nobody has asked yet: it will be tried again if somebody does
                self._prepared = None
                return
            self._failed(error, "", current.turn)
            try:
                line = Line(_APOLOGY, "en", self.manner.speed)
                voice = self.manner.voice
                apology = speak(_only(line), self._engines.tts, voice)
                await current.write(_watched(apology), lambda: self._cut_in(current))
            except Exception:  # it cannot speak: what happened was told in writing
                current.script.ended = True
                if not current.script.made:
                    self._drop(current)
                    self._do("idle")

    # ---- what follows from it

    def _obey(self, moves: list[Move]) -> None:
        for move in moves:
            match move:
                case Move.OPEN:
                    self._ear.begin([])
                case Move.HOLD:
                    if self._answer is not None:
                        self._tell(events.Interrupted("hold"))
                        self._hold(self._answer)
                        self._do("held")
                case Move.RESUME:
                    if self._answer is not None:
                        self._tell(events.Interrupted("resume"))
                        self._resume(self._answer)
                case Move.INTERRUPT:
                    if self._answer is not None:
                        self._tell(events.Interrupted("interrupt"))
                        self._hold(self._answer)
                        self._finish(self._answer, interrupted=True)
                    self._do("listening" if self._floor.listening else "idle")
                case Move.PREPARE:
                    self._prepare()
                case Move.RETRACT:
                    self._retract()
                case Move.DROP:
                    self._ear.drop()
                    self._retract()
                    if self._answer is None:
                        self._do("idle")
                case Move.CLOSE:
                    loop = asyncio.get_running_loop()
                    silent = (self._samples - self._voice_end) / RATE
                    self._ended = (loop.time() - silent, self._voice_end, loop.time())
                    self._ear.end()
                    self._do("thinking")

    def _transcribed(self, transcript: Transcript) -> None:
        """The ear has understood something."""
        if not transcript.final:
            self._heard = transcript.text
            if transcript.text:
                self._tell(events.Hearing(self._turn + 1, transcript.text, False))
            self._obey(self._floor.recognized(transcript.text))
            return
        self._heard = ""
        now = asyncio.get_running_loop().time()
        if not transcript.text.strip():
            self._retract()
            if self._answer is None and not self._floor.listening:
                self._do("idle")
            return
        self._asked(as_written(transcript.text.strip()), self._ended[0] if self._ended else now)

    def _prepare(self) -> None:
        text = self._whole(as_written(self._heard.strip()))
        if self._prepared is None and self._answer is None:
            self._prepared = self._begin(text, asyncio.get_running_loop().time(), self._turn + 1)

    def _retract(self) -> None:
        if self._prepared is not None:
            self._drop(self._prepared)
            self._prepared = None

    def _whole(self, text: str) -> str:
        """The question with what was asked before it and never answered aloud."""
        return f"{self._question} {text}" if self._question else text

    def _asked(self, said: str, at: float) -> None:
        """A question is complete: its answer begins, or goes on where it was prepared."""
        loop = asyncio.get_running_loop()
        spoken, self._ended = self._ended, None
        text = self._whole(said)
        self._turn += 1
        self._tell(events.Hearing(self._turn, said, True, spoken[1] if spoken else None))
        if self._prepared is not None and self._prepared.question != text:
            self._retract()
        current, self._prepared = self._prepared or self._begin(text, at, self._turn), None
        current.asked, current.released = at, True
        self._question = text
        self._answer = current
        if spoken:
            current.mark("endpoint", spoken[2])
            current.mark("transcript", loop.time())
        self._do("thinking")
        self._obey(self._floor.answering(True))
        self._cut_in(current)

    def _begin(self, question: str, at: float, turn: int) -> Answer:
        assert self._group is not None
        current = Answer(turn, question, self.history.asked(question), at)
        task = self._group.create_task(self._make(current))
        self._tasks[current] = task
        task.add_done_callback(lambda _: self._tasks.pop(current, None))
        return current

    def _drop(self, current: Answer) -> None:
        """Give up the making of an answer."""
        if (task := self._tasks.get(current)) is not None and task is not asyncio.current_task():
            task.cancel()
        if current is self._answer:
            self._answer = None
            self._floor.answering(False)

    def _hold(self, current: Answer) -> None:
        """Stop sounding: nothing of it that was not heard yet will be, for now."""
        if not current.held:
            current.held = True
            if current.begun and self._sink is not None:
                self._stop(self._sink)

    def _stop(self, sink: Sink) -> None:
        """Take back what was not heard and seen yet."""
        heard = sink.position()
        cut = self._presence.rewind(heard + _AWAY)
        if self._answer is not None and self._answer.begun:
            self._answer.back(heard)
        self.epoch = (self.epoch + 1) % 65_536
        sink.flush(cut, self.epoch)
        self._echo.flushed(cut / SESSION_RATE)
        self._tell(events.Flushed(cut, self.epoch))

    def _cut_in(self, current: Answer) -> None:
        """An answer can begin: the silence that was to be heard before it is taken back, for nobody waits for that."""
        if current is self._answer and current.ready and not current.begun and self._sink is not None:
            self._stop(self._sink)

    def _resume(self, current: Answer) -> None:
        """Go on from the word that was cut."""
        current.cursor = current.script.boundary(current.cursor)
        current.held = False
        self._do("speaking" if current.begun else "thinking")

    def _finish(self, current: Answer, *, interrupted: bool) -> None:
        """The answer is over; the history keeps what was heard of it."""
        text = current.script.heard(current.cursor) if current.begun else ""
        self._answer = None
        self._drop(current)
        if text:
            self.history = current.history.answered(text)
            self._question = ""
            self.last = current
        self._tell(events.Answered(current.turn, text, interrupted))

    def _failed(self, error: BaseException, slot: str, turn: int = 0) -> None:
        if isinstance(error, VisavisError):
            message = str(error)
        else:
            message = "something went wrong inside; the conversation goes on"
            _log.error("a stage failed: %s", type(error).__name__, exc_info=error)
        self._tell(events.Failed(turn, error.slot if isinstance(error, EngineFailed) else slot, message))

    def _do(self, doing: events.Doing) -> None:
        if doing != self._doing:
            self._doing = doing
            self._tell(events.Now(doing))

    def _mood(self) -> Mood:
        mood = self.manner.mood.doing("listening" if self._doing == "held" else self._doing)
        nod = self._floor.pausing and not self._nodded
        self._nodded = self._floor.pausing
        return replace(mood, nod=nod)

    def _deaf(self, frame: Audio) -> bool:
        """Whether voice in the microphone does not count: an echo, or nobody is meant to be listened to."""
        if self._sink is None:
            return True
        position = self._sink.position()
        echo = self._echo.explains(frame, position / SESSION_RATE)
        speaking = self._answer is not None and self._answer.begun
        speaking = speaking or (self.last is not None and position < self.last.ends() + _TAIL)
        return echo or self.push_to_talk or (self.half_duplex and speaking)


@flow
async def _only(line: Line) -> Stream[Line]:
    yield line


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
