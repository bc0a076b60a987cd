"""One clock for sound and pictures: what is sent when, over silences, flushes and losses."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.gateway.rtc_page import BRIGHT, STEP, clip, plain
from visavis.gateway.rtc_tracks import PACKET, Due, Microphone, PictureTrack, Timeline
from visavis.media.audio import SESSION_RATE
from visavis.media.video import Frame


def test_pictures_have_the_times_of_the_sound_they_begin_with() -> None:
    timeline = Timeline(960_000, 0)
    timeline.add(clip(960_000))
    shown = [item for _ in range(10) for item in timeline.take()[1]]
    assert [item.pts for item in shown] == [0, STEP, 2 * STEP, 3 * STEP, 4 * STEP]
    assert [item.frame.start for item in shown] == [960_000 + k * STEP for k in range(5)]


def test_a_silence_for_want_of_media_delays_them_and_loses_nothing() -> None:
    timeline = Timeline(0, 0)
    for _ in range(3):
        sound, due = timeline.take()
        assert not sound.any()
        assert not due
    assert timeline.position == 0
    timeline.add(clip(0, sound=0.5, length=PACKET + 100))
    first, due = timeline.take()
    assert [item.pts for item in due] == [3 * PACKET]
    second, _ = timeline.take()
    assert timeline.position == PACKET
    assert np.allclose(first[240:], 0.5)
    assert np.allclose(second[:100], 0.5)
    assert not second[340:].any()
    timeline.take()
    assert timeline.position == PACKET + 100
    timeline.add(clip(PACKET + 100, length=2 * STEP))
    begun = timeline.sent
    pictures = [item for _ in range(4) for item in timeline.take()[1]]
    assert [item.frame.start for item in pictures] == [STEP, 2 * STEP]
    assert [item.pts - begun for item in pictures] == [k * STEP - PACKET - 100 for k in (1, 2)]


def test_cut_sound_does_not_click() -> None:
    timeline = Timeline(0, 0)
    timeline.add(clip(0, sound=0.8))
    parts = [timeline.take()[0] for _ in range(3)]
    timeline.flush(2 * PACKET, 1)
    timeline.add(clip(2 * PACKET, sound=-0.8, length=PACKET))
    parts += [timeline.take()[0] for _ in range(3)]
    sound = np.concatenate(parts)
    assert np.abs(np.diff(sound[1:])).max() < 0.02
    assert sound[3 * PACKET - 1] == pytest.approx(0.8)
    assert sound[4 * PACKET - 1] == pytest.approx(-0.8)


def test_the_clock_after_a_flush_is_that_of_the_new_media() -> None:
    timeline = Timeline(0, 0)
    timeline.add(clip(0, level=BRIGHT))
    for _ in range(4):
        timeline.take()
    timeline.flush(2 * STEP, 1)
    assert timeline.position == 2 * STEP
    assert timeline.waiting == 0
    timeline.add(clip(2 * STEP))
    due = timeline.take()[1]
    assert [(item.pts, item.frame.start) for item in due] == [(4 * PACKET, 2 * STEP)]


async def test_pictures_that_come_too_late_are_dropped_and_the_last_one_is_sent_again_while_none_comes() -> None:
    track = PictureTrack()
    frames = [Frame(plain(k), k * STEP) for k in range(3)]
    track.show([Due(0, frames[0])], 0)
    track.show([Due(STEP, frames[1]), Due(2 * STEP, frames[2])], STEP)
    assert (await track.recv()).pts == 2 * STEP * 90_000 // SESSION_RATE
    assert track.dropped == 2
    waiting = asyncio.ensure_future(track.recv())
    track.show([], 2 * STEP + PACKET)
    await asyncio.sleep(0)
    assert not waiting.done()
    track.show([], 2 * STEP + SESSION_RATE // 5)
    assert (await waiting).pts == (2 * STEP + SESSION_RATE // 5) * 90_000 // SESSION_RATE


def test_lost_sound_of_the_microphone_is_silence_and_keeps_its_clock() -> None:
    microphone, given = Microphone(), 0
    for k in (0, 1, 2, 5, 6):
        frame = av.AudioFrame.from_ndarray(np.full((1, 2 * PACKET), 9_000, np.int16), "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = SESSION_RATE, 500 + k * PACKET, Fraction(1, SESSION_RATE)
        audio = microphone.take(frame)
        assert audio.start == given
        given = audio.end
    assert given == pytest.approx(7 * 320, abs=320)
