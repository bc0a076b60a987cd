"""A video begins and ends at rest: lips closed, eyes open, and nothing jumps on the way into speech and out of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from visavis.assets import question_path
from visavis.conversation.rests import AFTER, BEFORE, rested
from visavis.conversation.windows import windows
from visavis.engines.articulation.acoustic import Acoustic
from visavis.engines.protocols import Carry
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.codecs import read_audio
from visavis.media.face import INDEX, lip_gap
from visavis.media.motion import Motion
from visavis.media.speech import Line, Phone, Speech, Word
from visavis.media.video import frame_times
from visavis.settings import Settings
from visavis.streams.flow import Stream

LEAD = round(BEFORE * SESSION_RATE)


async def _speech(pieces: int, length: int, known: bool = True) -> Stream[Speech]:
    """Lines of one piece each that open the mouth from their first sample to their last."""
    said = Audio.join(list(read_audio(question_path(), SESSION_RATE))).samples
    first = int(np.flatnonzero(np.abs(said) > 0.05)[0])
    for i in range(pieces):
        samples = np.resize(said[first:], (i + 1) * length)[i * length :]
        phones = (Phone("ɑ", 0, length // 2), Phone("o", length // 2, length)) if known else None
        yield Speech(Audio(samples, SESSION_RATE, i * length), Line("Ah oh."), (Word("Ah", 0, length),), phones)


async def _motion(speech: Stream[Speech], seed: int = 0) -> tuple[Motion, int]:
    """The motion of it all, and the samples of its sound."""
    pieces: list[Motion] = []
    carry: Carry | None = None
    end = 0
    async with Acoustic(Settings(), seed) as engine:
        async for window in windows(speech):
            motion, carry = await engine.articulate(window, carry)
            pieces.append(motion)
            end = window.audio.end
    return Motion.join(pieces), end


@pytest.mark.parametrize("pieces", [1, 3])
async def test_silence_goes_before_and_after_and_all_times_go_with_it(pieces: int) -> None:
    plain = [piece async for piece in _speech(pieces, 24_000)]
    made = [piece async for piece in rested(_speech(pieces, 24_000))]
    assert len(made) == pieces
    assert made[0].audio.start == 0
    assert [piece.audio.start for piece in made[1:]] == [piece.audio.end for piece in made[:-1]]
    sound = Audio.join([piece.audio for piece in made]).samples
    before = Audio.join([piece.audio for piece in plain]).samples
    assert len(sound) == len(before) + round((BEFORE + AFTER) * SESSION_RATE)
    assert np.array_equal(sound[LEAD : LEAD + len(before)], before)
    assert not sound[:LEAD].any()
    assert not sound[LEAD + len(before) :].any()
    for i, piece in enumerate(made):
        assert piece.words[0].start == (LEAD if i == 0 else 0)
        assert piece.phones is not None
        assert piece.phones[0].start == 0
        assert piece.phones[-1].end == len(piece.audio)
        assert all(a.end == b.start for a, b in zip(piece.phones, piece.phones[1:], strict=False))


async def test_speech_of_unknown_phones_stays_unknown() -> None:
    assert [piece.phones async for piece in rested(_speech(2, 24_000, known=False))] == [None, None]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("length", [14_400, 24_000, 37_777])
async def test_the_lips_are_closed_in_the_first_and_the_last_picture_and_never_jump(known: bool, length: int) -> None:
    motion, end = await _motion(rested(_speech(2, length, known)))
    times = [time / SESSION_RATE for time in frame_times(0, end, SESSION_RATE, Fraction(25))]
    gaps = lip_gap(motion.sample(times, 0.04).curves)
    assert gaps[0] < 0.02
    assert gaps[-1] < 0.02
    assert gaps.max() > 0.2
    if known:  # speech that is cut off anywhere jumps, and a network follows it
        assert np.abs(np.diff(lip_gap(motion.curves))).max() < 0.25  # a row is 20 ms


async def test_the_eyes_are_open_at_the_beginning_and_the_end_whoever_it_is() -> None:
    shut = INDEX["eyeBlinkLeft"]
    for seed in range(40):
        motion, _ = await _motion(rested(_speech(1, 24_000 + 4_800 * (seed % 7))), seed)
        lids = motion.curves[:, shut]
        assert lids[0] < 0.15, seed
        assert lids[-1] < 0.15, seed
        assert np.abs(np.diff(lids)).max() < 0.45, seed
