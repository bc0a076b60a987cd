"""A face while nobody speaks: no seam to what it says before and after, and any state at any time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from visavis.conversation.idle import idle
from visavis.conversation.windows import WINDOW
from visavis.engines.articulation.acoustic import Acoustic
from visavis.engines.protocols import Carry
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Window
from visavis.media.face import INDEX, from_curves, lip_gap
from visavis.media.mood import Mood, State
from visavis.media.motion import Motion
from visavis.media.speech import Phone
from visavis.settings import Settings

LAST = Mood("speaking", "friendly", 0.5)
LISTENING: tuple[State, ...] = ("listening",)
THINKING: tuple[State, ...] = ("thinking",)


def said(start: int) -> Window:
    """A word of 0.2 s, cut off in the middle of an open vowel."""
    time = np.arange(WINDOW) / SESSION_RATE
    audio = Audio((0.2 * np.sin(2 * np.pi * 150 * time)).astype(np.float32), SESSION_RATE, start)
    phones = (Phone("m", 0, WINDOW // 4), Phone("ɑ", WINDOW // 4, WINDOW))
    return Window(audio, Audio.silence(0, SESSION_RATE), phones, mood=LAST)


async def idled(
    engine: Acoustic, states: Sequence[State], carry: Carry | None, start: int
) -> tuple[list[Motion], Carry]:
    """A window in each of the states."""
    moods = iter([LAST.doing(state) for state in states])
    motions: list[Motion] = []
    async with aclosing(idle(engine, lambda: next(moods), carry, start)) as windows:
        async for window, after in windows:
            carry = after
            assert window.motion is not None
            assert window.audio.start == start + WINDOW * len(motions)
            assert not window.audio.samples.any()
            motions.append(window.motion)
            if len(motions) == len(states):
                break
    assert carry is not None
    return motions, carry


async def test_it_goes_on_from_speech_and_into_speech_without_a_jump() -> None:
    async with Acoustic(Settings()) as engine:
        first, carry = await engine.articulate(said(0), None)
        between, carry = await idled(engine, [*LISTENING * 8, *THINKING * 7], carry, WINDOW)
        last, _ = await engine.articulate(said(16 * WINDOW), carry)
    whole = Motion.join([first, *between, last])
    assert len(whole) == 170
    assert np.abs(np.diff(whole.head, axis=0)).max() < 0.008
    calm = [i for name, i in INDEX.items() if name.startswith(("brow", "mouthSmile", "cheek"))]
    assert np.abs(np.diff(whole.curves[:, calm], axis=0)).max() < 0.05
    seams = np.abs(np.diff(lip_gap(whole.curves)))[[8, 9, 10, 158, 159, 160]]
    assert seams.max() < 0.2  # a vowel's own speed: it closes in about 0.1 s
    assert lip_gap(first.curves).max() > 0.2
    assert not lip_gap(whole.curves[25:150]).any()
    assert from_curves(last.curves).aperture.max() > 0.2


async def test_a_state_asked_for_in_the_middle_is_seen_at_once() -> None:
    async with Acoustic(Settings()) as engine:
        motions, _ = await idled(engine, [*LISTENING * 5, *THINKING * 5], None, 0)
        same, _ = await idled(engine, LISTENING * 10, None, 0)
    up = [Motion.join(each).curves[:, INDEX["eyeLookUpLeft"]] for each in (motions, same)]
    assert np.array_equal(up[0][:50], up[1][:50])
    assert up[0][70:].min() > 0.25 > up[1][70:].max()


@pytest.mark.parametrize("phones", [(), None])
async def test_speech_whose_phones_are_not_known_follows_without_a_jump(phones: tuple[Phone, ...] | None) -> None:
    async with Acoustic(Settings()) as engine:
        motions, carry = await idled(engine, LISTENING * 3, None, 0)
        window = replace(said(3 * WINDOW), phones=phones)
        after, _ = await engine.articulate(window, carry)
    whole = Motion.join([*motions, after])
    assert np.abs(np.diff(lip_gap(whole.curves))).max() < 0.3
    assert np.abs(np.diff(whole.head, axis=0)).max() < 0.008
