"""One person's conversation as the gateway sees it: a session that outlives its connections, and what it tells in the
words of the page's protocol."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from visavis.avatars.avatar import Avatar
from visavis.conversation import events as told
from visavis.conversation.history import History
from visavis.conversation.reply import Manner
from visavis.conversation.session import Session
from visavis.engines.loading import Engines
from visavis.engines.protocols import Animator, Slot
from visavis.engines.used import credits, used
from visavis.gateway import events as wire
from visavis.gateway.metrics import Metrics
from visavis.media.speech import Speech
from visavis.settings import cores
from visavis.telemetry import session_id, turn_id

_FEW = 2
"""Processor cores that are taken up by the model alone while it thinks."""
VIDEOS = 3
"""Answers of a conversation that can still be fetched as videos."""
_MAKERS: tuple[Slot, ...] = ("llm", "tts", "articulation", "animation")
"""Of an answer's video."""
turns = logging.getLogger("visavis.turns")
"""One structured line for each turn: ids and seconds, never words."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that can be made into a video."""

    speech: tuple[Speech, ...]
    avatar: Avatar
    manner: Manner
    animation: Animator
    made_by: str
    """Whose work it is."""


class Visit:
    """`run` it in a task of its own; connections come and go."""

    def __init__(self, engines: Engines, avatar: Avatar, manner: Manner, prompt: str, hears: bool, metrics: Metrics):
        self.id = secrets.token_hex(4)
        """For logs; opens nothing."""
        self.resume = secrets.token_urlsafe(24)
        """A secret: who has it goes on with this conversation."""
        self.avatar_name = avatar.name
        self.own: dict[str, Avatar] = {}
        """Avatars made of this person's files, by the names only this person can use."""
        self.session = Session(
            engines, avatar, manner, History.begin(prompt), self._told, hears=hears, spare=cores() <= _FEW
        )
        self.videos: OrderedDict[str, Kept] = OrderedDict()
        self.send: Callable[[wire.ServerEvent], None] = lambda event: None
        """To the page, while one is connected."""
        self.to_microphone: Callable[[int], float | None] = lambda sample: None
        """From the session's microphone clock to that of the page."""
        self.active = asyncio.get_running_loop().time()
        """When the person last did or said something."""
        self._metrics = metrics
        self._times: told.Timed | None = None
        """Of the last turn that sounded; when it was asked (loop time); and the seconds until the page showed it."""
        self._asked_at = 0.0
        self._shown: float | None = None

    async def run(self) -> None:
        """Until cancelled."""
        session_id.set(self.id)
        await self.session.run()

    def own_avatar(self, avatar: Avatar) -> str:
        """Keep an avatar for this person alone; the name by which the page may ask for it."""
        name = f"own-{secrets.token_hex(4)}"
        self.own = {name: avatar}  # the last one: they are large
        return name

    def shown(self, turn: int, waited: float | None) -> None:
        """The page shows the first picture of an answer, `waited` seconds after the question."""
        if self._times is None or self._times.turn != turn or self._shown is not None:
            return
        now = asyncio.get_running_loop().time()
        self._shown = waited if waited is not None else max(now - self._asked_at, 0.0)
        self._metrics.turn("shown", self._shown)
        self.send(wire.Timings(**asdict(self._times), shown=self._shown))

    def said(self) -> list[wire.Said]:
        """The conversation so far."""
        return [
            wire.Said(role=message.role, text=message.content)
            for message in self.session.history.messages
            if message.role != "system"
        ]

    def _told(self, event: told.Event) -> None:
        match event:
            case told.Now(doing):
                self.send(wire.State(state=doing))
            case told.Hearing(turn, text, final, ended):
                self.active = asyncio.get_running_loop().time()
                at = None if ended is None else self.to_microphone(ended)
                self.send(wire.Heard(turn=turn, text=text, final=final, ended=at))
            case told.Saying():
                self.send(_spoken(event))
            case told.Flushed(position, epoch):
                self.send(wire.Flush(position=position, epoch=epoch))
            case told.Interrupted(kind):
                self.active = asyncio.get_running_loop().time()
                self._metrics.interruption(kind)
            case told.Failed(_, slot, message):
                self._metrics.error(slot or "other")
                self.send(wire.Error(code="engine", message=message))
            case told.Timed():
                self._timed(event)
            case told.Answered(turn, text, interrupted):
                self._answered(turn, text, interrupted)

    def _timed(self, timed: told.Timed) -> None:
        self._times, self._shown = timed, None
        self._asked_at = asyncio.get_running_loop().time() - (timed.sent or 0.0)
        for stage, seconds in asdict(timed).items():
            if stage != "turn" and seconds is not None:
                self._metrics.turn(stage, seconds)
        self.send(wire.Timings(**asdict(timed)))

    def _answered(self, turn: int, text: str, interrupted: bool) -> None:
        self.active = asyncio.get_running_loop().time()
        video = None
        last = self.session.last
        if text and last is not None:
            key = secrets.token_urlsafe(16)
            speech = tuple(piece for piece in last.script.pieces if piece.audio.start < last.cursor)
            session, animation = self.session, self.session.animation
            made_by = credits(used(replace(last.engines, animation=animation), _MAKERS))
            self.videos[key] = Kept(speech, session.avatar, session.manner, animation, made_by)
            while len(self.videos) > VIDEOS:
                self.videos.popitem(last=False)
            video = f"/answers/{key}.mp4"
        self.send(wire.Answered(turn=turn, text=text, interrupted=interrupted, video=video))
        if self._times is not None and self._times.turn == turn:
            turn_id.set(turn)
            stages = {**asdict(self._times), "shown": self._shown}
            rounded = {name: value if value is None else round(value, 3) for name, value in stages.items()}
            turns.info(json.dumps({"session": self.id, **rounded, "interrupted": interrupted}))


def _spoken(event: told.Saying) -> wire.Spoken:
    words = [wire.SpokenWord(text=word.text, start=word.start, end=word.end) for word in event.words]
    return wire.Spoken(
        turn=event.turn,
        sentence=event.sentence,
        text=event.text,
        start=event.start,
        words=words,
        index=event.index,
        epoch=event.epoch,
    )
