"""A face while nobody speaks: it idles, listens or thinks, between what it says and without a seam to it.

To an articulator it is one more stretch of speech, whose sound is silence and whose phones are none; so the carry of
`articulate` goes on through it, whichever engine it is.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace
from fractions import Fraction

from visavis.avatars.avatar import Avatar
from visavis.conversation.windows import WINDOW
from visavis.engines.protocols import Animator, Articulator, Carry, Rendering
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Clip, Window
from visavis.media.mood import Mood
from visavis.media.speech import Phone
from visavis.streams.flow import Stream, flow


@flow
async def idle(
    articulation: Articulator, mood: Callable[[], Mood], carry: Carry | None = None, start: int = 0
) -> Stream[tuple[Window, Carry]]:
    """Windows of silence with their motion, without end, and the carry after each, to speak on with.

    The first begins at `start` on the media clock, with the carry of what was said before it. `mood` is asked for
    every window anew, so that a listener may begin to think between two of them.
    """
    while True:
        audio = Audio.silence(WINDOW, SESSION_RATE, start)
        silence = (Phone("", 0, WINDOW),)
        window = Window(audio, Audio.silence(0, SESSION_RATE, audio.end), silence, mood=mood())
        motion, carry = await articulation.articulate(window, carry)
        yield replace(window, motion=motion), carry
        start = audio.end


@flow
async def idling(
    seconds: float, avatar: Avatar, articulation: Articulator, animation: Animator, rendering: Rendering, mood: Mood
) -> Stream[Clip]:
    """The avatar, silent, for so long: the clips of a video."""
    end = round(Fraction(seconds) * SESSION_RATE)
    drawn: Carry | None = None
    async with aclosing(idle(articulation, lambda: mood)) as windows:
        async for window, _ in windows:
            size = min(len(window.audio), end - window.audio.start)
            window = replace(window, audio=window.audio.slice(0, size))
            frames, drawn = await animation.animate(avatar, window, rendering, drawn)
            final = window.audio.end >= end
            yield Clip(window.audio, window.motion, tuple(frames), phones=(Phone("", 0, size),), final=final)
            if final:
                return
