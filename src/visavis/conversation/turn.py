"""Whose turn it is: the laws of turn-taking, counted in frames of the microphone, so that they need no clock.

A voice over an answer first only holds it. Within `Laws.decide` it becomes an interruption (two words, or enough
voice that is no "mm-hm") or the answer goes on. An utterance ends after a silence that is short where the sentence
sounds complete, and the answer may be prepared before that is certain. Where a turn detector listens, its verdict on a
pause counts for more than the words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

FRAME = 0.032
"""Seconds of the microphone's sound that are judged at once."""


def _those(words: str) -> frozenset[str]:
    return frozenset(words.split())


_BACKCHANNELS = _those(
    "mm mmm mhm hm hmm huh uh um ah oh eh er aha yeah yes yep yup ya ok okay right sure true well wow good great nice"
    " cool really exactly indeed alright"
)
"""Words with which a listener keeps a speaker going; nothing but these is no interruption."""
_STOPS = frozenset({"stop", "wait", "pause", "enough", "quiet", "silence"})
"""One of these is enough."""
_DANGLING = _those(
    "a an the and or but so because if when while of to in on at for from with by as than that which who my your his"
    " her its our their is are was were am be um uh er like very i you we they he she it's i'm"
)
"""Nobody ends a sentence with these: more will follow."""
_LEFT_OPEN = re.compile(
    r"(?:who|what|where|which|how)\b.* (?:(?P<whole>(?:is|are|was|were|am) (?:i|you|we|they|he|she|it))"
    r"|like|to|of|in|on|at|for|from|with|by)"
)
"""A question may end with what dangles elsewhere: "who are you" is whole, "what do cats like" perhaps."""
_QUESTION = re.compile(
    r"(?:who|what|when|where|why|how|which|whose|is|are|was|were|do|does|did|can|could|will|would|should|may|have|has"
    r"|tell|give|show|explain|describe|say|name|please)\b"
)


class Move(Enum):
    """What follows from a frame, or from what was recognised."""

    OPEN = "open"
    """An utterance has begun; its first sound lies `Laws.preroll` frames back."""
    HOLD = "hold"
    """Stop sounding: somebody speaks."""
    RESUME = "resume"
    """Go on: it was nothing."""
    INTERRUPT = "interrupt"
    """Give the answer up: somebody has something to say."""
    PREPARE = "prepare"
    """The utterance may be over: what was said can be settled, and its answer begun in silence."""
    RETRACT = "retract"
    """It was not over."""
    ASK = "ask"
    """Ask a turn detector whether it is over."""
    CLOSE = "close"
    """The utterance is over, and wants an answer."""
    DROP = "drop"
    """The utterance is over, and was nothing."""


@dataclass(frozen=True, slots=True)
class Laws:
    """The times of turn-taking, in seconds, and its counts."""

    voice: float = 0.5
    """Probability of speech from which a frame is voiced."""
    onset: int = 2
    """Voiced frames in a row that begin an utterance."""
    preroll: int = 10
    """Frames before the onset that belong to it: recognisers need the breath before the first word."""
    decide: float = 0.7
    """From a hold to its end, at the latest."""
    words: int = 2
    """Recognised words that interrupt, unless all are backchannels."""
    voiced: float = 0.6
    """Voice that interrupts without a word of it recognised."""
    over: float = 0.25
    """Silence after which a voice over an answer is over."""
    prepare: float = 0.13
    """Silence after which an answer may be prepared."""
    complete: float = 0.35
    """Silence that ends an utterance whose words make a whole."""
    plain: float = 0.7
    """Silence that ends any other."""
    dangling: float = 1.2
    """Silence that ends one whose last word wants another."""
    ask: float = 0.2
    """Silence after which a turn detector is asked, where there is one."""
    patience: float = 0.6
    """Silence in which its verdict is waited for."""
    finished: float = 0.25
    """Silence that ends an utterance which it takes for complete."""
    unfinished: float = 1.6
    """Silence that ends one which it takes for incomplete."""
    longest: float = 30.0
    """Of an utterance; then it is over, whatever is heard."""

    def hangover(self, text: str) -> float:
        """Seconds of silence that end an utterance of which `text` was recognised."""
        words = _words(text)
        if words and words[-1] in _DANGLING:
            question = _LEFT_OPEN.fullmatch(" ".join(words))
            return self.dangling if question is None else self.complete if question["whole"] else self.plain
        whole = len(words) >= 3 and (_QUESTION.match(" ".join(words)) is not None or len(words) >= 5)
        return self.complete if whole or text.rstrip()[-1:] in {".", "?", "!"} else self.plain


@dataclass(slots=True)
class _Utterance:
    length: int = 0
    voiced: int = 0
    silent: int = 0
    text: str = ""
    prepared: bool = False
    since_hold: int = 0
    asked: bool = False
    """Whether a turn detector was asked about this pause."""
    awaited: bool = False
    """Whether it has not answered yet."""
    verdict: bool | None = None
    """Whether this pause is the end, as far as it sounds so."""


class Floor:
    """Who has it. Feed it every frame and every transcript, and do what it says, in that order.

    It does not judge sound: an echo, or a microphone that is muted, comes as frames without voice.
    """

    def __init__(self, laws: Laws | None = None, *, asks: bool = False) -> None:
        self.laws = laws or Laws()
        self.asks = asks
        """Whether a turn detector listens."""
        self._utterance: _Utterance | None = None
        self._run = 0
        self._answering = False
        self._held = False
        self._pressed = False

    @property
    def listening(self) -> bool:
        """Whether an utterance is open."""
        return self._utterance is not None

    @property
    def pressed(self) -> bool:
        """Whether the key to talk is down."""
        return self._pressed

    @property
    def held(self) -> bool:
        """Whether an answer is held."""
        return self._held

    @property
    def pausing(self) -> bool:
        """Whether the speaker of the utterance is silent for a moment: when a listener nods."""
        u = self._utterance
        return u is not None and not self._answering and u.silent * FRAME >= self.laws.over and u.voiced > 15

    def answering(self, on: bool) -> list[Move]:
        """An answer is being made or heard from now on, or is over."""
        self._answering = on
        if not on:
            self._held = False
        elif self._utterance is not None and not self._held:
            return self._hold(self._utterance)  # somebody speaks again already
        return []

    def frame(self, voiced: bool) -> list[Move]:
        """One frame further."""
        u = self._utterance
        if u is None:
            self._run = self._run + 1 if voiced else 0
            if self._pressed or self._run < self.laws.onset:
                return []
            run, u = self._run, self._open()
            u.voiced = run
            return [Move.OPEN, *self._hold(u)] if self._answering else [Move.OPEN]
        u.length += 1
        u.since_hold += 1
        moves: list[Move] = []
        if voiced:
            u.voiced, u.silent = u.voiced + 1, 0
            u.asked, u.awaited, u.verdict = False, False, None
            if u.prepared:
                u.prepared = False
                moves.append(Move.RETRACT)
        else:
            u.silent += 1
        if self._pressed:
            return moves
        return moves + (self._over_answer(u) if self._answering else self._alone(u))

    def recognized(self, text: str) -> list[Move]:
        """What was understood of the open utterance so far."""
        u = self._utterance
        if u is None:
            return []
        u.text = text
        return self._over_answer(u) if self._answering and not self._pressed else []

    def judged(self, complete: bool | None) -> None:
        """What the turn detector says of this pause, None if nothing: it counts with the next frame."""
        if self._utterance is not None and self._utterance.awaited:
            self._utterance.awaited, self._utterance.verdict = False, complete

    def talk(self, down: bool) -> list[Move]:
        """A key is pressed to talk, which needs no voice to interrupt, or let go."""
        if down and not self._pressed:
            moves = [] if self._utterance else [Move.OPEN]
            self._utterance = self._utterance or self._open()
            self._pressed = True
            return moves + (self._interrupt() if self._answering else [])
        if not down and self._pressed:
            self._pressed = False
            if self._utterance is not None:
                return [*(self._interrupt() if self._answering else []), *self._close(Move.CLOSE)]
        return []

    def hush(self) -> list[Move]:
        """The microphone was closed: what was said until then is all that will be."""
        u = self._utterance
        if u is None or self._answering or not u.text:
            return self.forget()
        self._pressed = False
        return self._close(Move.CLOSE)

    def forget(self) -> list[Move]:
        """Drop the open utterance: something was typed instead, or it cannot be understood."""
        self._run, self._pressed = 0, False
        if self._utterance is None:
            return []
        moves = [Move.RETRACT] if self._utterance.prepared else []
        if self._held:
            self._held = False
            moves.append(Move.RESUME)
        return moves + self._close(Move.DROP)

    def _open(self) -> _Utterance:
        self._utterance = _Utterance()
        self._run = 0
        return self._utterance

    def _close(self, move: Move) -> list[Move]:
        self._utterance, self._run = None, 0
        return [move]

    def _hold(self, u: _Utterance) -> list[Move]:
        self._held, u.since_hold = True, 0
        return [Move.HOLD]

    def _interrupt(self) -> list[Move]:
        self._held = self._answering = False
        return [Move.INTERRUPT]

    def _over_answer(self, u: _Utterance) -> list[Move]:
        laws, words = self.laws, _words(u.text)
        agreeing = bool(words) and all(word in _BACKCHANNELS for word in words)
        if not agreeing and (
            len(words) >= laws.words or not _STOPS.isdisjoint(words) or u.voiced * FRAME >= laws.voiced
        ):
            return self._interrupt()
        over = u.silent * FRAME >= laws.over
        moves: list[Move] = []
        if self._held and (over or (u.since_hold + 1) * FRAME > laws.decide):
            self._held = False
            moves.append(Move.RESUME)
        return moves + (self._close(Move.DROP) if over else [])

    def _alone(self, u: _Utterance) -> list[Move]:
        laws, silence = self.laws, u.silent * FRAME
        if silence >= self._hangover(u) or u.length * FRAME >= laws.longest:
            return self._close(Move.CLOSE)
        moves: list[Move] = []
        if silence >= laws.prepare and not u.prepared:
            u.prepared = True
            moves.append(Move.PREPARE)
        if self.asks and silence >= laws.ask and not u.asked:
            u.asked = u.awaited = True
            moves.append(Move.ASK)
        return moves

    def _hangover(self, u: _Utterance) -> float:
        """Seconds of silence that end it."""
        laws, by_words = self.laws, self.laws.hangover(u.text)
        if u.verdict is None:
            return max(by_words, laws.patience) if u.awaited else by_words
        if not u.verdict:
            return max(by_words, laws.unfinished)
        # a tone that falls after "the" may be a breath
        return laws.plain if by_words > laws.plain else laws.finished


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower())
