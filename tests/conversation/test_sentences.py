"""Text is cut where a speaker would pause, and the first words are not kept waiting."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visavis.conversation.sentences import LONGEST, sentences
from visavis.engines.protocols import Delta
from visavis.streams.flow import Stream


async def _pieces(text: str, size: int, finish: Literal["stop", "length"] = "stop") -> Stream[Delta]:
    for i in range(0, len(text), size):
        yield Delta(text[i : i + size])
    yield Delta(finish=finish)


async def _cut(text: str, size: int = 3) -> list[str]:
    return [line.written async for line in sentences(_pieces(text, size))]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Hello there. How are you?", ["Hello there.", "How are you?"]),
        ("Dr. Smith met Mr. Jones. They spoke.", ["Dr. Smith met Mr. Jones.", "They spoke."]),
        ("Pi is 3.14 or so. Yes!", ["Pi is 3.14 or so.", "Yes!"]),
        ("It sells, e.g. in the U.S. market. Right?", ["It sells, e.g. in the U.S. market.", "Right?"]),
        ('He said "Stop!" Then he left.', ['He said "Stop!"', "Then he left."]),
        ("One two three four five, six seven. Eight.", ["One two three four five,", "six seven.", "Eight."]),
        ("The sky is blue because of scattering.", ["The sky is blue", "because of scattering."]),
        ("I can tell you that it is a bond of love.", ["I can tell you", "that it is a bond of love."]),
        ("Love is a bond of trust.", ["Love is a bond", "of trust."]),
        ("Tea and cake and jam. Yes.", ["Tea and cake and jam.", "Yes."]),
        ("Yes, of course. Fine.", ["Yes, of course.", "Fine."]),
        ("First\nSecond\n\nThird", ["First", "Second", "Third"]),
        ("你好。我很好！", ["你好。", "我很好！"]),
        ("no end at all", ["no end at all"]),
        ("  \n ", []),
        ("", []),
        ("1. Apples are red.", ["1. Apples are red."]),
    ],
)  # fmt: skip
async def test_text_is_cut_into_sentences(text: str, lines: list[str]) -> None:
    assert await _cut(text) == lines


async def test_only_the_first_line_ends_at_a_clause() -> None:
    text = "When the rain falls hard, the river rises fast. When the sun shines again, the river falls back."
    assert await _cut(text) == [
        "When the rain falls hard,",
        "the river rises fast.",
        "When the sun shines again, the river falls back.",
    ]


async def test_a_sentence_without_an_end_is_cut_before_it_grows_too_long() -> None:
    lines = await _cut("word " * 400)
    assert max(map(len, lines)) <= LONGEST
    assert " ".join(lines).split() == ["word"] * 400


@pytest.mark.parametrize("size", [1, 3, 500])
@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Bees make honey. They live in", ["Bees make honey."]),
        ("Bees make honey. They live in hives.", ["Bees make honey.", "They live in hives."]),
        ("Bees make honey. I asked Dr.", ["Bees make honey."]),
        ("Bees make honey.\n\n2.", ["Bees make honey."]),
        ("Honey is sweet\nIt is al", ["Honey is sweet"]),
        ("When the rain falls hard, the river ri", ["When the rain falls hard,", "the river ri"]),
        ("Bees ma", ["Bees ma"]),
        ("蜜蜂很好。它们住", ["蜜蜂很好。"]),
    ],
)  # fmt: skip
async def test_a_sentence_the_model_was_stopped_in_is_spoken_only_if_it_is_all_there_is(
    text: str, lines: list[str], size: int
) -> None:
    assert [line.written async for line in sentences(_pieces(text, size, "length"))] == lines


async def test_a_line_is_given_as_soon_as_it_is_certain() -> None:
    stream = sentences(_pieces("Hello there. And then a second sentence follows", 1))
    assert (await anext(stream)).written == "Hello there."
    await stream.aclose()


@given(st.text(alphabet="ab .,!?\n1'\"", max_size=120), st.integers(1, 9))
async def test_no_words_are_lost_however_the_text_arrives(text: str, size: int) -> None:
    lines = await _cut(text, size)
    kept = "".join("".join(lines).split())
    assert [c for c in kept if c.isalnum()] == [c for c in text if c.isalnum()]
    assert lines == await _cut(text, max(len(text), 1))
