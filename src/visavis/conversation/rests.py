"""Speech that begins and ends at rest, as a video does: a moment of silence before its first line and after its last.

Silence is all it takes: a face that hears it is at rest, and eases into the first sound and out of the last one.
"""

from __future__ import annotations

from dataclasses import replace

from visavis.media.audio import Audio
from visavis.media.speech import Phone, Speech, rescaled
from visavis.streams.flow import Stream, flow

BEFORE, AFTER = 0.2, 0.3
"""Seconds."""


@flow
async def rested(speech: Stream[Speech], prompt: bool = False) -> Stream[Speech]:
    """The speech, later by `BEFORE`, with silence before and after it; its times go with it.

    A piece waits until it is known whether another one follows; `prompt` pieces do not, and the silence after them is
    one of its own.
    """
    held: Speech | None = None
    async for piece in speech:
        audio = piece.audio
        before = round(BEFORE * audio.rate)
        if held is None:
            piece = _after_silence(piece, before)
        else:
            piece = replace(piece, audio=replace(audio, start=audio.start + before))
            if not prompt:
                yield held
        if prompt:
            yield piece
        held = piece
    if held is not None:
        after = round(AFTER * held.audio.rate)
        yield _silence(held, after) if prompt else _before_silence(held, after)


def _silence(piece: Speech, length: int) -> Speech:
    """What follows a piece: nothing, said for a while."""
    line = replace(piece.line, text="", written="")
    audio = Audio.silence(length, piece.audio.rate, piece.audio.end)
    return Speech(audio, line, (), None if piece.phones is None else (Phone("", 0, length),))


def _after_silence(piece: Speech, length: int) -> Speech:
    audio, phones = piece.audio, piece.phones
    return replace(
        piece,
        audio=Audio.join([Audio.silence(length, audio.rate, audio.start), audio]),
        words=rescaled(piece.words, 1, length),
        phones=None if phones is None else (Phone("", 0, length), *rescaled(phones, 1, length)),
    )


def _before_silence(piece: Speech, length: int) -> Speech:
    audio, phones = piece.audio, piece.phones
    return replace(
        piece,
        audio=Audio.join([audio, Audio.silence(length, audio.rate)]),
        phones=None if phones is None else (*phones, Phone("", len(audio), len(audio) + length)),
    )
