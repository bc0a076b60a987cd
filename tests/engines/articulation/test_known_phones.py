"""Phones whose times are known: lips shut, vowels open, pauses rest, and the cut into windows leaves no trace."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest

from tests.engines.articulation.conftest import Cut, Run
from visavis.engines.articulation.acoustic import Acoustic
from visavis.engines.articulation.allphone import Allphone
from visavis.engines.protocols import Articulator, Carry
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Window
from visavis.media.face import CLOSED_GAP, lip_gap
from visavis.media.motion import Motion
from visavis.media.phones import is_closure, is_vowel
from visavis.media.speech import Phone, Speech
from visavis.settings import Settings

WINDOW, FIRST = 9600, 5760


def phones_of(*timed: tuple[str, float]) -> tuple[Phone, ...]:
    """Phones from (symbol, seconds) that follow one another."""
    found: list[Phone] = []
    at = 0.0
    for symbol, seconds in timed:
        found.append(Phone(symbol, round(at * SESSION_RATE), round((at + seconds) * SESSION_RATE)))
        at += seconds
    return tuple(found)


def quiet(phones: tuple[Phone, ...]) -> Audio:
    return Audio.silence(phones[-1].end, SESSION_RATE)


@pytest.fixture
async def engine() -> AsyncIterator[Articulator]:
    async with Acoustic(Settings()) as engine:
        yield engine


async def test_lips_meet_in_every_p_b_and_m_even_between_pictures(
    engine: Articulator, spoken: list[Speech], windows: Cut, articulated: Run
) -> None:
    for speech in spoken:
        motion = await articulated(engine, windows(speech.audio, speech.phones, WINDOW))
        for fps in (25, 30):
            pictures = motion.sample([k / fps for k in range(int(speech.audio.duration * fps))], 1 / fps)
            gaps = {50: lip_gap(motion.curves), fps: lip_gap(pictures.curves)}
            for phone in (p for p in speech.phones or () if is_closure(p.symbol)):
                for rate, gap in gaps.items():
                    first = int(phone.start / SESSION_RATE * rate - 1)
                    last = int(phone.end / SESSION_RATE * rate + 1)
                    assert gap[max(first, 0) : last + 1].min() <= CLOSED_GAP, (speech.line.text, phone)


async def test_vowels_open_however_short(
    engine: Articulator, spoken: list[Speech], windows: Cut, articulated: Run
) -> None:
    opened = []
    for speech in spoken:
        motion = await articulated(engine, windows(speech.audio, speech.phones, WINDOW))
        pictures = lip_gap(motion.sample([k / 25 for k in range(int(speech.audio.duration * 25))], 0.04).curves)
        for phone in (p for p in speech.phones or () if is_vowel(p.symbol)):
            centre = round((phone.start + phone.end) / 2 / SESSION_RATE * 25)
            opened.append(pictures[min(centre, len(pictures) - 1)] >= 0.22)
    assert np.mean(opened) >= 0.9


async def test_f_and_v_bring_the_lip_to_the_teeth(engine: Articulator, windows: Cut, articulated: Run) -> None:
    phones = phones_of(("", 0.2), ("a", 0.15), ("f", 0.1), ("a", 0.15), ("", 0.3))
    motion = await articulated(engine, windows(quiet(phones), phones, WINDOW))
    assert lip_gap(motion.curves)[18:22].min() <= 0.06
    assert motion.curves[18:22, 31].max() > 0.6  # mouthRollLower


async def test_lips_round_before_a_round_vowel_begins(engine: Articulator, windows: Cut, articulated: Run) -> None:
    phones = phones_of(("", 0.2), ("s", 0.12), ("u", 0.2), ("", 0.3))
    motion = await articulated(engine, windows(quiet(phones), phones, WINDOW))
    assert motion.curves[15, 19] > 0.4  # mouthFunnel while s is still heard


async def test_a_pause_means_a_closed_and_resting_mouth(engine: Articulator, windows: Cut, articulated: Run) -> None:
    phones = phones_of(("", 0.3), ("a", 0.2), ("", 0.8), ("o", 0.2), ("", 0.5))
    motion = await articulated(engine, windows(quiet(phones), phones, WINDOW))
    gap, jaw = lip_gap(motion.curves), motion.curves[:, 17]
    for rows in (gap[:7], gap[36:56], gap[84:], jaw[36:56]):
        assert not rows.any()
    assert gap[20] > 0.5
    assert gap[69] > 0.3


@pytest.mark.parametrize("start", [0, 12_345, 96_000_000])
async def test_the_cut_into_windows_leaves_no_trace(
    engine: Articulator, spoken: list[Speech], windows: Cut, articulated: Run, start: int
) -> None:
    speech = spoken[0]
    whole = await articulated(engine, windows(speech.audio, speech.phones, len(speech.audio), start))
    for size in (FIRST, WINDOW, 7001):
        cut = await articulated(engine, windows(speech.audio, speech.phones, size, start))
        assert len(cut) == len(whole)
        assert np.allclose(cut.curves, whole.curves, atol=1e-4)
        assert np.allclose(cut.head, whole.head, atol=1e-5)
        assert cut.start == pytest.approx(whole.start)


async def test_nothing_jumps_where_no_lips_close_or_part(engine: Articulator, windows: Cut, articulated: Run) -> None:
    phones = phones_of(("", 0.2), *[(s, 0.09) for s in "haloisɛnaukiɹɔtʌŋe"], ("", 0.4))
    motion = await articulated(engine, windows(quiet(phones), phones, WINDOW))
    assert np.abs(np.diff(lip_gap(motion.curves))).max() < 0.25


async def test_a_new_sentence_begins_where_the_last_one_left_the_mouth(engine: Articulator, windows: Cut) -> None:
    one, two = phones_of(("", 0.1), ("a", 0.4)), phones_of(("ɔ", 0.3), ("", 0.3))
    a, b = windows(quiet(one), one, len(quiet(one)))[0], windows(quiet(two), two, len(quiet(two)), one[-1].end)[0]
    first, carry = await engine.articulate(a, None)
    second, _ = await engine.articulate(b, carry)
    rows = Motion.join([first, second])
    assert np.abs(np.diff(rows.curves[:, :], axis=0))[20:32, 14:41].max() < 0.25


async def test_a_sentence_ends_with_its_mouth_almost_closed(
    engine: Articulator, windows: Cut, articulated: Run
) -> None:
    phones = phones_of(("", 0.1), ("h", 0.1), ("a", 0.5))
    motion = await articulated(engine, windows(quiet(phones), phones, WINDOW))
    assert lip_gap(motion.curves)[-1] < 0.2


async def test_a_line_whose_next_phones_are_not_told_yet_does_not_close_its_mouth(engine: Articulator) -> None:
    audio = Audio.silence(WINDOW, SESSION_RATE)
    told = phones_of(("a", 0.1), ("ɛ", 0.22))
    motion, _ = await engine.articulate(Window(audio, Audio.silence(0, SESSION_RATE), told), None)
    assert lip_gap(motion.curves)[-1] > 0.4


async def test_the_same_speech_gives_the_same_motion(spoken: list[Speech], windows: Cut, articulated: Run) -> None:
    found = []
    for kind in (Acoustic, Acoustic, Allphone):
        async with kind(Settings()) as engine:
            found.append(await articulated(engine, windows(spoken[1].audio, spoken[1].phones, WINDOW)))
    assert all(np.array_equal(found[0].curves, other.curves) for other in found[1:])


async def test_odd_phones_do_no_harm(engine: Articulator) -> None:
    audio = Audio.silence(WINDOW, SESSION_RATE)
    nothing = Audio.silence(0, SESSION_RATE)
    for phones in ((), (Phone("a", 100, 100),), (Phone("p", -9000, -10),), (Phone("m", 20_000, 30_000),)):
        motion, _ = await engine.articulate(Window(audio, nothing, phones), None)
        assert len(motion) == 10
        assert np.isfinite(motion.curves).all()


async def test_a_window_shorter_than_a_row_has_no_rows_or_one(engine: Articulator) -> None:
    nothing = Audio.silence(0, SESSION_RATE)
    carry: Carry | None = None
    rows = []
    for begin in range(0, 4800, 480):
        window = Window(Audio.silence(480, SESSION_RATE, begin), nothing, (Phone("a", -begin, 4800 - begin),))
        motion, carry = await engine.articulate(window, carry)
        rows.append(len(motion))
    assert rows == [1, 0] * 5
