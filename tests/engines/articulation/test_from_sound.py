"""Phones unknown: the lips follow the sound, with 160 ms of look-ahead, in bounded memory, and streams never cross."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator

import numpy as np
import pytest

from benchmarks.no_speech import no_speech
from tests.engines.articulation.conftest import Cut, Run
from visavis.engines.articulation.acoustic import Acoustic
from visavis.engines.articulation.allphone import Allphone
from visavis.engines.contract import check_articulation
from visavis.engines.protocols import Articulator, Carry
from visavis.errors import EngineFailed
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.face import lip_gap
from visavis.media.motion import Motion
from visavis.media.phones import is_closure, is_vowel
from visavis.media.speech import Speech
from visavis.settings import Settings

WINDOW, FIRST = 9600, 5760
ENGINES: list[type[Acoustic | Allphone]] = [Acoustic] + ([Allphone] if Allphone.availability().ready else [])
# from sound against known phones, four sentences of espeak: what it must reach, and how many closures
REACH = 0.80, 0.90


@pytest.fixture(params=ENGINES, ids=lambda kind: kind.info.name)
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[Articulator]:
    async with request.param(Settings()) as engine:
        yield engine


async def test_the_mouth_opens_and_closes_as_if_the_phones_were_known(
    engine: Articulator, spoken: list[Speech], windows: Cut, articulated: Run
) -> None:
    heard, known, shut = [], [], []
    for speech in spoken:
        heard.append(lip_gap((await articulated(engine, windows(speech.audio, None, WINDOW))).curves))
        known.append(lip_gap((await articulated(engine, windows(speech.audio, speech.phones, WINDOW))).curves))
        for phone in (p for p in speech.phones or () if is_closure(p.symbol)):
            first, last = int(phone.start / 960 - 1), int(phone.end / 960 + 2)
            shut.append(heard[-1][max(first, 0) : last].min() <= 0.02)
    assert np.corrcoef(np.concatenate(heard), np.concatenate(known))[0, 1] >= REACH[0]
    assert np.mean(shut) >= REACH[1]


@pytest.mark.parametrize("start", [0, 12_345])
async def test_the_cut_into_windows_leaves_no_trace(
    engine: Articulator, spoken: list[Speech], windows: Cut, articulated: Run, start: int
) -> None:
    audio = spoken[0].audio
    one = await articulated(engine, windows(audio, None, WINDOW, start))
    for size in (FIRST, 7001):
        other = await articulated(engine, windows(audio, None, size, start))
        assert np.allclose(one.curves, other.curves, atol=1e-4)
        assert np.allclose(one.head, other.head, atol=1e-5)


async def test_what_follows_later_than_160_ms_changes_nothing(
    engine: Articulator, spoken: list[Speech], windows: Cut, articulated: Run
) -> None:
    audio = spoken[1].audio
    one = await articulated(engine, windows(audio, None, WINDOW, more=round(0.16 * SESSION_RATE)))
    other = await articulated(engine, windows(audio, None, WINDOW, more=SESSION_RATE))
    assert np.array_equal(one.curves, other.curves)


@pytest.mark.parametrize(
    ("kind", "level", "most"),
    [("white", -50, 0.02), ("pink", -50, 0.02), ("hum", -50, 0.02), ("breath", -30, 0.05), ("tune", -30, 0.2)],
)
async def test_the_mouth_stays_shut_where_nobody_speaks(
    engine: Articulator, windows: Cut, articulated: Run, kind: str, level: int, most: float
) -> None:
    sound = dict(no_speech(4.0))[kind].samples * np.float32(10 ** ((level + 30) / 20))
    motion = await articulated(engine, windows(Audio(sound, SESSION_RATE), None, WINDOW))
    assert lip_gap(motion.curves)[25:].max() <= most


@pytest.mark.parametrize("silence", [0.0, 0.7])
async def test_a_mouth_at_rest_opens_in_more_than_a_picture(
    engine: Articulator, spoken: list[Speech], windows: Cut, articulated: Run, silence: float
) -> None:
    vowel = max((p for p in spoken[3].phones or () if is_vowel(p.symbol)), key=lambda p: p.end - p.start)
    samples = np.concatenate(
        [np.zeros(round(silence * SESSION_RATE), np.float32), spoken[3].audio.samples[vowel.start :]]
    )
    motion = await articulated(engine, windows(Audio(samples, SESSION_RATE), None, WINDOW))
    gap = np.concatenate([[0.0, 0.0], lip_gap(motion.curves)])
    assert gap[: round(50 * silence) + 14].max() > 0.3
    assert (gap[2:] - gap[:-2])[: round(50 * silence) + 4].max() <= 0.4  # in 40 ms


async def test_silence_keeps_the_mouth_shut_while_life_goes_on(
    engine: Articulator, windows: Cut, articulated: Run
) -> None:
    motion = await articulated(engine, windows(Audio.silence(6 * SESSION_RATE, SESSION_RATE), None, WINDOW))
    assert not lip_gap(motion.curves).any()
    assert np.ptp(motion.extra["breath"]) > 0.8
    assert motion.curves[:, 0].max() > 0.9  # eyeBlinkLeft
    assert np.ptp(motion.head[:, 1]) > 0.005


async def test_a_pause_in_speech_is_a_rest(
    engine: Articulator, spoken: list[Speech], windows: Cut, articulated: Run
) -> None:
    gap = np.zeros(round(0.9 * SESSION_RATE), np.float32)
    audio = Audio(np.concatenate([spoken[0].audio.samples, gap, spoken[1].audio.samples]), SESSION_RATE)
    motion = await articulated(engine, windows(audio, None, WINDOW))
    first = int(len(spoken[0].audio) / 960)
    rest = lip_gap(motion.curves)[first + 15 : first + 35]
    assert rest.max() <= 0.01


async def test_two_streams_that_take_turns_do_not_cross(
    engine: Articulator, spoken: list[Speech], windows: Cut, articulated: Run
) -> None:
    cuts = [windows(speech.audio, None, WINDOW) for speech in spoken[:2]]
    alone = [await articulated(engine, cut) for cut in cuts]
    carries: list[Carry | None] = [None, None]
    pieces: tuple[list[Motion], list[Motion]] = ([], [])
    for pair in zip(*cuts, strict=False):
        for i, window in enumerate(pair):
            motion, carries[i] = await engine.articulate(window, carries[i])
            pieces[i].append(motion)
    for one, other in zip(alone, pieces, strict=True):
        mixed = Motion.join(other)
        assert np.allclose(one.curves[: len(mixed)], mixed.curves, atol=1e-5)


async def test_a_carry_used_twice_gives_the_same_twice(engine: Articulator, spoken: list[Speech], windows: Cut) -> None:
    cut = windows(spoken[2].audio, None, WINDOW)
    _, carry = await engine.articulate(cut[0], None)
    one, _ = await engine.articulate(cut[1], carry)
    two, _ = await engine.articulate(cut[1], carry)
    assert np.allclose(one.curves, two.curves, atol=1e-5)


@pytest.mark.skipif(Allphone not in ENGINES, reason="pocketsphinx is not installed")
async def test_a_search_that_was_dropped_is_rebuilt_from_the_carry(
    spoken: list[Speech], windows: Cut, articulated: Run
) -> None:
    audio = Audio.join([speech.audio for speech in spoken])  # long enough for several utterances
    async with Allphone(Settings()) as engine:
        cut = windows(audio, None, WINDOW)
        kept = await articulated(engine, cut)
        carry: Carry | None = None
        pieces = []
        for i, window in enumerate(cut):
            if i % 7 == 3:
                engine.live.clear()
            motion, carry = await engine.articulate(window, carry)
            pieces.append(motion)
    assert np.allclose(kept.curves, Motion.join(pieces).curves, atol=1e-5)


async def test_what_is_carried_stays_small(engine: Articulator, spoken: list[Speech], windows: Cut) -> None:
    carry: Carry | None = None
    audio = Audio.join([speech.audio for speech in spoken])
    for window in windows(audio, None, WINDOW):
        _, carry = await engine.articulate(window, carry)
    assert len(pickle.dumps(carry)) < 200_000


async def test_a_stream_that_skips_a_piece_goes_on(engine: Articulator, spoken: list[Speech], windows: Cut) -> None:
    cut = windows(spoken[0].audio, None, WINDOW)
    _, carry = await engine.articulate(cut[0], None)
    motion, _ = await engine.articulate(cut[5], carry)
    assert len(motion) == 10
    assert np.isfinite(motion.curves).all()


async def test_a_sentence_with_known_phones_after_one_without_leaves_no_jump(
    engine: Articulator, spoken: list[Speech], windows: Cut
) -> None:
    one, two = spoken[0], spoken[3]  # which begins with no closure
    cut = windows(one.audio, None, WINDOW)[:6]
    carry: Carry | None = None
    pieces = []
    for window in [*cut, *windows(two.audio, two.phones, WINDOW, 6 * WINDOW)[:3]]:
        motion, carry = await engine.articulate(window, carry)
        pieces.append(motion)
    gap = lip_gap(Motion.join(pieces).curves)
    assert np.abs(np.diff(gap))[58:62].max() < 0.35


@pytest.mark.parametrize("kind", ENGINES, ids=lambda kind: kind.info.name)
async def test_it_keeps_the_laws_of_an_articulator(
    kind: type[Acoustic | Allphone], spoken: list[Speech], windows: Cut
) -> None:
    await check_articulation(kind(Settings()), windows(spoken[3].audio, None, WINDOW))
    await check_articulation(kind(Settings()), windows(spoken[3].audio, spoken[3].phones, FIRST))


async def test_an_engine_that_is_not_entered_says_so(spoken: list[Speech], windows: Cut) -> None:
    with pytest.raises(EngineFailed, match="before it was entered"):
        await Acoustic(Settings()).articulate(windows(spoken[0].audio, None, WINDOW)[0], None)
