"""Speech → clips: sound, motion and pictures that belong together."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace

from visavis.avatars.avatar import Avatar
from visavis.conversation.windows import windows
from visavis.engines.protocols import Animator, Articulator, Carry, Rendering
from visavis.media.clip import Clip
from visavis.media.mood import PLAIN, Mood
from visavis.media.speech import Speech
from visavis.streams.flow import Stream, flow


@flow
async def animate(
    speech: Stream[Speech],
    avatar: Avatar,
    articulation: Articulator,
    animation: Animator,
    rendering: Rendering,
    turn: int = 0,
    mood: Mood = PLAIN,
) -> Stream[Clip]:
    """The avatar speaking. Motion is made before pixels: a player that draws the face itself needs only that."""
    moved: Carry | None = None
    drawn: Carry | None = None
    async with aclosing(windows(speech)) as pieces:
        async for piece in pieces:
            window = replace(piece, mood=mood)
            motion, moved = await articulation.articulate(window, moved)
            frames, drawn = await animation.animate(avatar, replace(window, motion=motion), rendering, drawn)
            here = len(window.audio)
            yield Clip(
                audio=window.audio,
                motion=motion,
                frames=tuple(frames),
                words=window.words,
                phones=None
                if window.phones is None
                else tuple(phone for phone in window.phones if phone.start < here and phone.end > 0),
                turn=turn,
                sentence=window.sentence,
                text=window.text,
                final=window.final,
            )
