"""Speech is cut into windows without losing a sample, early where the phones are known."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from visavis.conversation.windows import AHEAD, FIRST, KNOWN, WINDOW, windows
from visavis.media.audio import SESSION_RATE, Audio
from visavis.media.clip import Window
from visavis.media.speech import Line, Phone, Speech, Word
from visavis.streams.flow import Stream


def _speech(lengths: list[tuple[int, bool]], known: bool) -> list[Speech]:
    pieces, clock = [], 0
    for length, final in lengths:
        samples = np.arange(clock, clock + length, dtype=np.float32)
        phones = (Phone("a", 0, length),) if known else None
        word = (Word(f"at{clock}", 0, length),) if length else ()
        pieces.append(Speech(Audio(samples, SESSION_RATE, clock), Line("hello", written="Hello!"), word, phones, final))
        clock += length
    return pieces


async def _cut(pieces: list[Speech]) -> list[Window]:
    async def stream() -> Stream[Speech]:
        for piece in pieces:
            yield piece

    return [window async for window in windows(stream())]


@given(st.lists(st.tuples(st.integers(1, 40_000), st.booleans()), min_size=1, max_size=6), st.booleans())
async def test_every_sample_and_every_word_is_in_one_window(lengths: list[tuple[int, bool]], known: bool) -> None:
    pieces = _speech(lengths, known)
    cut = await _cut(pieces)
    assert np.array_equal(
        np.concatenate([w.audio.samples for w in cut]), np.concatenate([p.audio.samples for p in pieces])
    )
    assert [w.audio.start for w in cut[1:]] == [w.audio.end for w in cut[:-1]]
    said = [word.text for w in cut for word in w.words]
    assert said == [word.text for p in pieces for word in p.words]
    for window in cut:
        for word in window.words:
            assert word.text == f"at{window.audio.start + word.start}"
    assert [w.final for w in cut] == [False] * (len(cut) - 1) + [True]


async def test_the_first_window_is_short_and_no_other_but_the_last_is_shorter() -> None:
    cut = await _cut(_speech([(100_000, True)], known=True))
    assert len(cut[0].audio) == FIRST
    assert {len(w.audio) for w in cut[1:-1]} == {WINDOW}
    assert len(cut[-1].audio) >= FIRST


async def test_a_line_is_named_on_its_first_window_only() -> None:
    cut = await _cut(_speech([(30_000, True), (30_000, True)], known=True))
    assert [w.text for w in cut if w.text] == ["Hello!", "Hello!"]
    assert [w.sentence for w in cut] == sorted(w.sentence for w in cut)
    assert {w.sentence for w in cut} == {0, 1}


async def test_without_phones_a_window_knows_what_follows_it() -> None:
    cut = await _cut(_speech([(9_600, False)] * 6 + [(9_600, True)], known=False))
    end = cut[-1].audio.end
    for window in cut:
        follows = end - window.audio.end
        assert min(AHEAD, follows) <= len(window.ahead) <= min(KNOWN, follows)
        assert window.ahead.start == window.audio.end
    assert all(w.phones is None for w in cut)


async def test_phones_are_relative_to_the_window_that_carries_them() -> None:
    cut = await _cut(_speech([(20_000, False), (20_000, True)], known=True))
    for window in cut:
        assert window.phones is not None
        begins = [window.audio.start + phone.start for phone in window.phones]
        assert set(begins) <= {0, 20_000}
