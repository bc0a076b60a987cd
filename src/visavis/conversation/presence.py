"""One face, always there: idle, listening, thinking and speaking are moods of it, and nothing it does is cut off.

Motion is made in stretches, pictures one by one, in the order in which they are seen and just before that; so a face
that is stopped in mid-word closes its mouth from where it was. What was made but not seen can be taken back: the motion
up to there is made again, which costs little and comes out the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from visavis.avatars.avatar import Avatar
from visavis.engines.protocols import Animator, Articulator, Carry, Rendering
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip, Window
from visavis.media.mood import Mood
from visavis.media.motion import Motion
from visavis.media.speech import Phone, rescaled
from visavis.media.video import Frame

PICTURES = 5
"""In a stretch: 200 ms at 25 a second, for motion costs nearly the same whether it is for one or for five."""
_KEPT = 24
"""Stretches that can be taken back: more than any player holds."""


@dataclass(frozen=True, slots=True)
class _Stretch:
    window: Window
    before: Carry | None
    after: Carry


class Presence:
    """A face on the media clock, from its first sample on."""

    def __init__(
        self, avatar: Avatar, articulation: Articulator, animation: Animator, rendering: Rendering, life: str
    ) -> None:
        self.avatar = avatar
        self.step = round(SESSION_RATE / rendering.fps)
        """Samples of a picture."""
        self.media = 0
        """Where the next picture begins, in samples of the media clock."""
        self._articulation, self.animation = articulation, animation
        self._rendering = replace(rendering, live=True)
        self._past: deque[_Stretch] = deque(maxlen=_KEPT)
        self._drawn: Carry | None = None
        self._life = life  # two faces are not to blink together

    def silence(self, mood: Mood) -> Window:
        """The next stretch, if nothing is said."""
        size = PICTURES * self.step
        audio = Audio.silence(size, SESSION_RATE, self.media)
        text = "" if self._past else self._life
        nothing = Audio.silence(0, SESSION_RATE, audio.end)
        return Window(audio, nothing, (Phone("", 0, size),), text=text, mood=mood)

    async def begin(self, window: Window) -> None:
        """Move the face through `window`, which begins at `media`."""
        before = await self._carry()
        motion, after = await self._articulation.articulate(window, before)
        self._past.append(_Stretch(replace(window, motion=motion), before, after))

    async def picture(self, turn: int, *, drawn: bool = True) -> Clip | None:
        """The next picture of the stretch with its sound, to be `kept` if it is shown; None when that is over.

        One that is not `drawn` leaves the last one where it is.
        """
        whole = self._past[-1].window
        at = self.media - whole.audio.start
        if not 0 <= at < len(whole.audio):
            return None
        # its motion is made: nobody asks for its phones any more
        window = _part(replace(whole, phones=None), at, at + self.step, len(whole.audio) + len(whole.ahead))
        frames: Sequence[Frame] = ()
        if drawn:
            frames, self._drawn = await self.animation.animate(self.avatar, window, self._rendering, self._drawn)
        assert whole.motion is not None
        motion = _rows(whole.motion, window.audio)
        return Clip(window.audio, motion, tuple(frames), window.words, turn=turn)

    def kept(self, clip: Clip) -> None:
        """The picture was given to be shown."""
        self.media = clip.audio.end

    def rewind(self, position: int) -> int:
        """Take back all that begins after `position`; returns where the next picture begins, at or before it."""
        oldest = self._past[0].window.audio.start if self._past else 0
        self.media = max(min(self.media, position // self.step * self.step), oldest)
        return self.media

    def change(self, avatar: Avatar) -> None:
        """Another face goes on in its place, and in its life."""
        self.avatar, self._drawn = avatar, None

    def draw_with(self, animation: Animator) -> None:
        """Another animator goes on drawing it."""
        self.animation, self._drawn = animation, None

    async def _carry(self) -> Carry | None:
        """What the face is at `media`."""
        while self._past and self._past[-1].window.audio.start > self.media:
            self._past.pop()
        if not self._past:
            return None
        last = self._past.pop()
        if last.window.audio.start == self.media:
            return last.before
        if last.window.audio.end != self.media:  # it was left in the middle
            at = self.media - last.window.audio.start
            window = replace(_part(last.window, 0, at, at + len(last.window.ahead)), motion=None)
            motion, after = await self._articulation.articulate(window, last.before)
            last = _Stretch(replace(window, motion=motion), last.before, after)
        self._past.append(last)
        return last.after


def _part(window: Window, begin: int, end: int, known: int) -> Window:
    """Samples `begin` to `end` of a window, and what follows up to `known`; its motion and its phones stay whole."""
    audio = window.audio
    return replace(
        window,
        audio=audio.slice(begin, end),
        ahead=Audio.join([audio, window.ahead]).slice(end, known),
        phones=None if window.phones is None else rescaled(window.phones, 1, -begin),
        words=rescaled(tuple(word for word in window.words if begin <= word.start < end), 1, -begin),
        text=window.text if begin == 0 else "",
    )


def _rows(motion: Motion, audio: Audio) -> Motion:
    """The rows that stand within `audio`."""
    first, last = (
        -(-round((time / audio.rate - motion.start) * motion.rate * 1000) // 1000) for time in (audio.start, audio.end)
    )
    return motion.slice(max(first, 0), max(last, 0))
